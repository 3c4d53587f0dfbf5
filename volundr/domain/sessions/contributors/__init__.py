"""Each adds one part to what a session's pod needs."""
