"""Where the program begins: one of its own roles, or a command for a person."""

import sys


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from volundr import __version__

        print(f"volundr {__version__}")
        return
    if arguments and arguments[0] in {"broker", "shim", "worker", "keeper", "demo-agent"}:
        from volundr.cli.roles import play

        raise SystemExit(play(arguments[0], arguments[1:]))
    from volundr.cli.main import volundr

    volundr()


if __name__ == "__main__":
    main()
