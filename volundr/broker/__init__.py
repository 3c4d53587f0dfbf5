"""Skuld, the broker between people's browsers and an agent's CLI."""
