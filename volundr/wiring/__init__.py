"""How the parts of a forge are put together: one module a part, each with a function `part(ground)`."""
