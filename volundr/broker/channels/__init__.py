"""The ways by which people reach a session in Skuld."""
