"""The full editor of a session: code-server, where the machine or the image has it."""
