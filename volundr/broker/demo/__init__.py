"""The demo agent: a program that behaves like an agent's CLI, without a model, an account or a network."""

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """`volundr demo-agent` with these flags, which are those of Claude Code as far as Volundr uses them."""
    from volundr.broker.demo.program import run

    return run(arguments)
