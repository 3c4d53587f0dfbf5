"""Volundr: a self-hosted forge for AI coding agents, in one executable."""

__version__ = "0.1.0"
