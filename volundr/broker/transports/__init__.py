"""Ways to reach an agent's CLI."""
