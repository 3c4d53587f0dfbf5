"""The permission modes of Codex sessions, and what they are in Codex's own words.

Codex has two dials: when it asks (approval policy) and what its sandbox lets a command do. A mode is one setting of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from volundr.sdk import Choice, Invalid

type Json = Mapping[str, Any]

USUAL = "ask"
USUAL_ALONE = "auto"
"""The usual mode of `codex exec`, which cannot ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """`sandbox` is the word of the command line and of `thread/start`, `policy` the object that later changes take."""

    label: str
    description: str
    approval: str
    sandbox: str
    policy: Json


MODES: Mapping[str, Mode] = {
    "read-only": Mode(
        label="Read only",
        description="Reads files and runs harmless commands; asks for anything more.",
        approval="on-request",
        sandbox="read-only",
        policy={"type": "readOnly", "networkAccess": False},
    ),
    "ask": Mode(
        label="Ask for more",
        description="Changes files of the workspace by itself, without network; asks for anything beyond.",
        approval="on-request",
        sandbox="workspace-write",
        policy={"type": "workspaceWrite", "writableRoots": [], "networkAccess": False,
                "excludeTmpdirEnvVar": False, "excludeSlashTmp": False},
    ),
    "auto": Mode(
        label="Never ask, stay in the sandbox",
        description="Changes files of the workspace by itself; what the sandbox forbids fails.",
        approval="never",
        sandbox="workspace-write",
        policy={"type": "workspaceWrite", "writableRoots": [], "networkAccess": False,
                "excludeTmpdirEnvVar": False, "excludeSlashTmp": False},
    ),
    "full-access": Mode(
        label="Never ask, no sandbox",
        description="Runs anything, anywhere, with the network.",
        approval="never",
        sandbox="danger-full-access",
        policy={"type": "dangerFullAccess"},
    ),
}  # fmt: skip


def checked(mode: str, *, alone: bool = False) -> str:
    """The mode to begin with. Raises Invalid for one that there is not, or that `codex exec` (`alone`) cannot have."""
    if mode not in ("", *MODES):
        raise Invalid(f"Codex has no permission mode {mode!r}.", hint=f"It has: {', '.join(MODES)}.")
    if alone and mode == "ask":
        raise Invalid("Codex cannot ask when it is started for each message.", hint="Choose `auto` or `read-only`.")
    return mode or (USUAL_ALONE if alone else USUAL)


def choices(*, alone: bool = False) -> Sequence[Choice]:
    return [
        Choice(id=name, label=mode.label, description=mode.description)
        for name, mode in MODES.items()
        if not (alone and name == "ask")
    ]


def named(approval: object, policy: Json) -> str:
    """Which mode these two settings are; "" for a combination of a person's own."""
    kind = policy.get("type")
    return next((name for name, mode in MODES.items() if (mode.approval, mode.policy["type"]) == (approval, kind)), "")
