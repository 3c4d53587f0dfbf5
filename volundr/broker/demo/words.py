"""What the demo agent says."""

WHAT_I_AM = "I am Volundr's demo agent: a small program without a model."

GREETING = f"""Hello! {WHAT_I_AM} I can show you how a session works: I stream text, ask before I change anything, \
really write files and really run commands in this workspace."""

ABILITIES = f"""{WHAT_I_AM} I do not understand free text, but these work:

- `write a file notes.md with Some text` writes a file (I ask first)
- `run git status` runs a command (I ask first)
- `list files` and `show notes.md` look around
- `plan` streams a longer answer with a table, a list and code
- `what did I say?` shows that I remember the conversation, also after a stop and a start
"""

STORY = f"""# A plan, to show how answers look

{WHAT_I_AM} So this plan is always the same, but it streams like a real one.

## Steps

1. **Look around.** Read what is there before changing it.
2. **Change one thing.** Small steps are easy to review:
   - one file at a time
   - one reason for each change
3. **Prove it.** Run the tests and read what they print.

## Who does what

| Part | What it does | Where |
|---|---|---|
| Forge | keeps the sessions | `volundr up` |
| Skuld | carries the conversation | beside the forge |
| Agent | does the work | in this workspace |

## Some code

```python
def fibonacci(count: int) -> list[int]:
    \"\"\"The first numbers of the sequence.\"\"\"
    numbers = [0, 1]
    while len(numbers) < count:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers[:count]


print(fibonacci(10))
```

> Interrupt me whenever you like: the rest of this text is only here so that there is time for it.

A long answer should scroll by itself as long as you stay at its end, and stand still once you scroll up. \
It should be readable while it grows, and be the same after you reload the page. \
A second window on the same session shows the same text at the same moment.

That is the whole plan.
"""

PLAN = """# Plan: {what}

1. Read what is there.
2. Change **one** thing.
3. Run the tests.

Nothing is changed before you approve."""
