"""What may go of what is kept: by policy, told beforehand, and never of a session that is in use."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_log_pieces import long_log
from volundr.broker import retention
from volundr.broker.history import past
from volundr.broker.log import Log
from volundr.broker.retention import Kept, Policy, Removal, Resting, apply, measure, plan, removals_of

NOW = datetime(2026, 6, 30, tzinfo=UTC)


def resting(session: str, status: str = "archived", days: float = 100) -> Resting:
    return Resting(session=session, name=f"about {session}", status=status, since=NOW - timedelta(days=days))


def short(removals: object) -> list[tuple[str, str]]:
    assert isinstance(removals, list)
    return [(one.session, one.what) for one in removals]


def test_nothing_goes_by_default() -> None:
    assert (
        plan(
            [resting("a"), resting("b", "stopped", 10_000)], {"a": Kept(conversation=9), "b": Kept(attachments=9)}, Policy(), NOW
        )
        == []
    )


def test_each_state_has_its_days_and_the_largest_is_told_first() -> None:
    sessions = [resting("old"), resting("young", days=10), resting("idle", "stopped", 50), resting("busy", "running", 999)]
    kept = {one.session: Kept(conversation=len(one.session), attachments=100 + len(one.session)) for one in sessions}
    assert short(plan(sessions, kept, Policy(archived_days=30), NOW)) == [("old", "attachments"), ("old", "conversation")]
    assert short(plan(sessions, kept, Policy(stopped_days=50), NOW)) == [("idle", "attachments"), ("idle", "conversation")]
    assert short(plan(sessions, kept, Policy(attachments_days=10), NOW)) == [
        ("young", "attachments"),
        ("idle", "attachments"),
        ("old", "attachments"),
    ]
    told = plan(sessions, kept, Policy(archived_days=30), NOW)[0]
    assert (told.name, told.size) == ("about old", 103)
    assert told.reason == "archived since 2026-03-22, kept for 30 days"


@given(
    st.lists(st.tuples(st.sampled_from(["archived", "stopped", "running", "failed"]), st.integers(0, 400)), max_size=8),
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_no_policy_touches_what_is_younger_or_not_at_rest(
    given: list[tuple[str, int]], archived: int, stopped: int, files: int
) -> None:
    sessions = [resting(str(number), status, days) for number, (status, days) in enumerate(given)]
    kept = {one.session: Kept(conversation=1, attachments=1) for one in sessions}
    policy = Policy(archived_days=archived, stopped_days=stopped, attachments_days=files)
    for one in plan(sessions, kept, policy, NOW):
        status, days = given[int(one.session)]
        limits = {"archived": archived, "stopped": stopped}
        allowed = [limits[status]] + ([files] if one.what == "attachments" else [])
        assert any(0 < limit <= days for limit in allowed)


def home(tmp_path: Path) -> Path:
    """Two sessions with long logs and an attachment each."""
    folder = tmp_path / "sessions"
    for name in ("a", "b"):
        long_log(folder / name)
        (folder / name / "attachments" / "1").mkdir(parents=True)
        (folder / name / "attachments" / "1" / "x.png").write_bytes(b"x" * 10_000)
        (folder / name / "demo.json").write_text("another part's")
    return folder


def test_what_was_planned_is_removed_and_nothing_else(tmp_path: Path) -> None:
    folder = home(tmp_path)
    before = measure(folder)
    assert before["a"].conversation > 0 and before["a"].attachments >= 10_000
    removals = plan([resting("a"), resting("b", days=1)], before, Policy(archived_days=30), NOW)
    assert {(one.session, one.what) for one in removals} == {("a", "conversation"), ("a", "attachments")}
    assert measure(folder) == before, "a plan changes nothing"
    outcome = apply(folder, removals, NOW)
    assert outcome.removed == removals and not outcome.refused
    assert outcome.size == before["a"].conversation + before["a"].attachments
    assert {path.name for path in (folder / "a").iterdir()} == {"demo.json", "removed.json"}
    assert measure(folder)["b"] == before["b"]
    assert json.loads(past(folder / "a", None, 10)) == {"epoch": "", "records": []}
    assert [one["what"] for one in removals_of(folder / "a")] == [one.what for one in removals]
    assert removals_of(folder / "b") == ()
    again = Log.open(folder / "a")
    assert again.last_seq == 0
    again.close()


def test_a_session_in_use_keeps_everything(tmp_path: Path) -> None:
    folder = home(tmp_path)
    removals = plan([resting("a"), resting("b")], measure(folder), Policy(archived_days=30), NOW)
    (folder / "b" / "spec.json").write_text("{}")
    log = Log.open(folder / "a")
    outcome = apply(folder, [one for one in removals if one.what == "conversation"], NOW)
    assert [(one.session, why) for one, why in outcome.refused] == [
        ("a", "The session is in use."),
        ("b", "The session is in use."),
    ]
    assert log.last_seq == 57 and len(log.read(1, 57)) == 57
    log.close()


def test_a_removal_that_is_cut_short_leaves_a_good_log_of_another_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home(tmp_path)
    epoch = json.loads((folder / "a" / "log.json").read_text())["epoch"]
    seen: list[str] = []
    real = Path.unlink

    def dies(path: Path, missing_ok: bool = False) -> None:
        seen.append(path.name)
        if len(seen) > 5:
            raise OSError(5, "Input/output error")
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", dies)
    removal = Removal(session="a", name="", what="conversation", size=1, reason="")
    outcome = apply(folder, [removal], NOW)
    assert outcome.refused == [(removal, "Input/output error")]
    monkeypatch.undo()
    log = Log.open(folder / "a")
    assert 0 < log.last_seq < 57
    assert not list((folder / "a").glob("log.damaged-*"))
    assert log.epoch != epoch
    log.close()


def test_a_missing_session_is_told_so(tmp_path: Path) -> None:
    removal = Removal(session="never", name="", what="conversation", size=1, reason="")
    assert apply(tmp_path, [removal], NOW).refused == [(removal, os.strerror(2))]
    assert retention.measure(tmp_path / "nowhere") == {}
