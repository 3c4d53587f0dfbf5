"""An agent's Markdown as messages that Telegram takes: its HTML, at most 4096 UTF-16 units each. Pure."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LIMIT = 4096
HEADER_ROOM = 160
SLICE = 600
"""Characters of a line too long for one message: however they are written in HTML, they fit."""

_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)\s*([\w+#.-]*)[^`]*$")
_INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*\n]+)\*\*|\[([^\]\n]+)\]\((https?://[^\s)]+)\)")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line, written in HTML. `fence` numbers the code block that it is in, 0 for none; `joined` lines go on a line."""

    html: str
    fence: int = 0
    language: str = ""
    joined: bool = False


def units(text: str) -> int:
    """The length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escape(text: str) -> str:
    return html.escape(_whole(text), quote=False)


def short(text: str, length: int) -> str:
    """One line of at most this many characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def messages(markdown: str, limit: int = LIMIT - HEADER_ROOM) -> Sequence[str]:
    """The text in HTML, cut where a paragraph, a line or a word ends; a code block that is cut goes on as one."""
    found: list[str] = []
    kept: list[_Line] = []
    for line in _lines(_whole(markdown).strip("\n"), limit):
        while kept and units(_render([*kept, line])) > limit:
            cut = _cut(kept)
            found.append(_render(kept[:cut]))
            kept = kept[cut:]
        kept.append(line)
    found.append(_render(kept))
    return [one for one in found if one.strip()]


def _cut(kept: Sequence[_Line]) -> int:
    """Where the message ends: behind its last paragraph or code block, if that leaves it half full."""
    for at in range(len(kept) - 1, len(kept) // 2, -1):
        if (not kept[at].html and not kept[at].fence) or kept[at].fence != kept[at - 1].fence:
            return at
    return len(kept)


def _lines(markdown: str, limit: int) -> Iterator[_Line]:
    fence, count, mark, language = 0, 0, "", ""
    for raw in markdown.split("\n"):
        found = _FENCE.match(raw)
        if found and not fence:
            count += 1
            fence, mark, language = count, found[1], found[2]
        elif found and fence and found[1].startswith(mark) and not found[2]:
            fence = 0
        elif fence:
            yield from _sliced(raw, limit, fence, language)
        else:
            yield from _sliced(raw, limit, 0, "")


def _sliced(raw: str, limit: int, fence: int, language: str) -> Iterator[_Line]:
    written = _written(raw, fence)
    if units(written) <= limit - 2 * HEADER_ROOM:
        yield _Line(written, fence, language)
        return
    joined = False
    while raw:
        end = raw.rfind(" ", SLICE // 2, SLICE) + 1 if len(raw) > SLICE else 0
        piece, raw = raw[: end or SLICE], raw[end or SLICE :]
        yield _Line(_written(piece, fence), fence, language, joined)
        joined = True


def _written(raw: str, fence: int) -> str:
    if fence:
        return html.escape(raw, quote=False)
    heading = re.match(r"^#{1,6}\s+(.*)$", raw)
    return f"<b>{html.escape(heading[1].replace('**', ''), quote=False)}</b>" if heading else _inline(raw)


def _inline(raw: str) -> str:
    parts, at = [], 0
    for found in _INLINE.finditer(raw):
        parts.append(html.escape(raw[at : found.start()], quote=False))
        code, bold, label, url = (html.escape(group or "") for group in found.groups())
        if code:
            parts.append(f"<code>{code}</code>")
        elif bold:
            parts.append(f"<b>{bold}</b>")
        else:
            parts.append(f'<a href="{url}">{label}</a>')
        at = found.end()
    parts.append(html.escape(raw[at:], quote=False))
    return "".join(parts)


def _render(lines: Sequence[_Line]) -> str:
    """Blank lines at the ends are left out; each code block is opened and closed in this message."""
    text, fence = "", 0
    for line in lines:
        if line.fence != fence:
            text = f"{text}{_CLOSE if fence else ''}"
            text = f"{text.rstrip()}\n{_opened(line)}{line.html}" if line.fence else f"{text}\n{line.html}"
        else:
            text += line.html if line.joined or not text else f"\n{line.html}"
        fence = line.fence
    return f"{text}{_CLOSE if fence else ''}".strip("\n")


_CLOSE = "</code></pre>"


def _opened(line: _Line) -> str:
    return f'<pre><code class="language-{html.escape(line.language)}">' if line.language else "<pre><code>"


def _whole(text: str) -> str:
    """Half a surrogate pair is no text that can be sent."""
    return text.encode("utf-8", "replace").decode()
