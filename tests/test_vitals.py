"""Why nothing seems to happen, told from signs."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from volundr.broker.proctree import look
from volundr.broker.vitals import FINE, Signs, diagnose

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("signs", "finding", "action"),
    [
        (Signs(), "fine", ""),
        (Signs(question="Bash: make", question_for=9, working=True), "waiting", "answer"),
        (Signs(working=True, silent_for=5, turn_for=500), "fine", ""),
        (Signs(working=True, silent_for=500, turn_for=5), "fine", ""),
        (Signs(working=True, silent_for=80, turn_for=90, cpu=0.0), "quiet", "wait"),
        (Signs(working=True, silent_for=200, turn_for=300, cpu=0.5), "quiet", "interrupt"),
        (Signs(working=True, silent_for=200, turn_for=300), "quiet", "interrupt"),
        (Signs(working=True, silent_for=200, turn_for=300, cpu=0.01), "stuck", "interrupt"),
        (Signs(working=True, silent_for=900, turn_for=900, cpu=0.0), "stuck", "restart"),
        (Signs(working=True, tool="Bash: pytest", tool_for=30, silent_for=30, turn_for=40), "fine", ""),
        (Signs(working=True, tool="Bash: pytest", tool_for=360, silent_for=360, turn_for=400, cpu=0.9), "tool", "wait"),
        (Signs(working=True, tool="Bash: read", tool_for=360, silent_for=360, turn_for=400, cpu=0.0), "tool", "interrupt"),
        (Signs(working=True, pid=7, gone=True, silent_for=3, turn_for=9), "dead", "restart"),
    ],
)
def test_signs_lead_to_a_finding_and_to_what_helps(signs: Signs, finding: str, action: str) -> None:
    found = diagnose(signs, NOW)
    assert (found.finding, found.action) == (finding, action)


def test_a_finding_says_since_when_and_from_what_it_is_known() -> None:
    signs = Signs(
        working=True, tool="Bash: pytest", tool_for=360, silent_for=90, turn_for=400, pid=7, cpu=0.5, programs=("pytest -q",)
    )
    found = diagnose(signs, NOW)
    assert (found.text, found.since) == ("Bash: pytest", "2026-11-23T11:54:00Z")
    assert found.evidence == (
        "no output for 90 s",
        "turn began 6 min ago",
        "tool began 6 min ago",
        "process 7 lives",
        "uses 50 % of a core",
        "runs pytest -q",
    )
    assert diagnose(Signs(), NOW) == FINE


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc: Linux only")
def test_a_tree_of_processes_is_seen_with_what_it_runs_and_when_it_is_gone(tmp_path: Path) -> None:
    (tmp_path / "word").write_text("up\n")  # said by the program itself: the shell's copy of itself is over by then
    command = ["sh", "-c", "tail -f word & wait"]
    shell = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, start_new_session=True)
    assert shell.stdout is not None
    try:
        assert shell.stdout.readline() == b"up\n"
        tree = look(shell.pid)
        assert tree is not None
        assert tree.alive
        assert tree.programs == ("tail -f word",)
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
        shell.stdout.close()
    gone = look(shell.pid)
    assert gone is not None
    assert not gone.alive
