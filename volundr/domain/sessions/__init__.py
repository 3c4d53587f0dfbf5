"""Sessions: an agent at work on a repository."""
