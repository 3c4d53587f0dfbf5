"""The command line: one file a verb, all through client.py."""
