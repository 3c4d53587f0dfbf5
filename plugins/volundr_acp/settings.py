"""What people set for an agent that speaks ACP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AcpSettings:
    """`[agents.opencode]`, `[agents.gemini]`, or a section of its own with `protocol = "acp"`.

    `command` with `args` is the program that speaks ACP; for the two known ones only if it is not on the PATH under its usual
    name. `auth` is the id of a login method of the agent that needs no person. `model` is the usual model.
    """

    command: str = ""
    args: Sequence[str] = ()
    label: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    model: str = ""
    auth: str = ""
