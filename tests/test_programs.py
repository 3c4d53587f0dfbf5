"""Other programs are asked something short, and given up when they do not answer."""

import asyncio
from pathlib import Path

from volundr.local.programs import Answer, ask


def test_what_a_program_prints_and_ends_with_is_its_answer() -> None:
    async def main() -> None:
        assert await ask(["sh", "-c", "echo ' yes '; echo no >&2; exit 3"], 10) == Answer(code=3, text="yes")
        assert await ask(["cat"], 10) == Answer(code=0)  # nothing comes in
        assert await ask(["no-such-program-of-anybody"], 10) is None

    asyncio.run(main())


def test_one_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    async def main() -> None:
        assert await ask(["sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 1000"], 0.5) == Answer(code=None)
        assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()

    asyncio.run(main())
