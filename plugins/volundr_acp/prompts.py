"""What an ACP agent is told as one prompt."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from volundr.sdk import Attached
from volundr_acp.rpc import Json


def blocks(messages: Sequence[tuple[str, str]], attached: Mapping[str, Sequence[Attached]], *, images: bool) -> list[Json]:
    """The words first: a slash command counts only where the prompt begins. Files that cannot be shown are named."""
    words: list[Json] = [{"type": "text", "text": text} for _, text in messages if text]
    files = [file for name, _ in messages for file in attached.get(name, ())]
    return [*words, *(_file(file, images=images) for file in files)]


def _file(file: Attached, *, images: bool) -> Json:
    if file.data and images:
        return {"type": "image", "mimeType": file.about.media_type, "data": file.data}
    about = file.about
    link = {"type": "resource_link", "uri": f"file://{quote(file.path)}", "name": about.name}
    return {**link, "mimeType": about.media_type, "size": about.size}
