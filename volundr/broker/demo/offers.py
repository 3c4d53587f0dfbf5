"""What the demo agent can be switched to, and the commands it knows."""

from collections.abc import Mapping, Sequence

type Json = Mapping[str, object]

MODELS: Sequence[Json] = (
    {"value": "demo", "displayName": "Demo", "description": "Answers at once."},
    {"value": "demo-slow", "displayName": "Demo, slowly", "description": "Takes its time, to watch it stream."},
)
COMMANDS: Sequence[Json] = (
    {"name": "story", "description": "A long answer with a table, a list and code", "argumentHint": ""},
    {"name": "memory", "description": "What you said so far", "argumentHint": ""},
    {"name": "ask", "description": "A question with choices, as agents ask them", "argumentHint": "[question]"},
    {"name": "plan", "description": "A plan that waits for your approval", "argumentHint": "[what to plan]"},
    {"name": "todo", "description": "A list of tasks, done one by one", "argumentHint": "[first; second; third]"},
)
SKILLS = ("todo",)
MODES = ("default", "acceptEdits", "plan")
SLOWER = 5.0


def initialized(pid: int) -> Json:
    return {"pid": pid, "models": list(MODELS), "commands": list(COMMANDS)}


def refusal(request: Mapping[str, object]) -> str:
    """Why this request for a change is refused, "" when it is not."""
    match request:
        case {"subtype": "set_model", "model": model} if model not in [one["value"] for one in MODELS]:
            return f"No model is called {model!r}."
        case {"subtype": "set_permission_mode", "mode": mode} if mode not in MODES:
            return f"No permission mode is called {mode!r}."
        case _:
            return ""
