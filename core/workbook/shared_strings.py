"""Look up shared strings: only those asked for are kept, and reading stops after the last of them."""

from collections.abc import Iterable

from core.errors import UnreadableFileError
from core.workbook.archive import Archive, Part
from core.workbook.limits import DEFAULT, Limits
from core.workbook.sheet_events import StringEvents, feed

PART_NAME = "the shared strings"


def look_up(archive: Archive, part: Part | None, places: Iterable[int], limits: Limits = DEFAULT) -> dict[int, str]:
    """The texts at those places; a place beyond the table is an error that says so."""
    wanted = set(places)
    if not wanted:
        return {}
    last = max(wanted)
    if part is None:
        raise UnreadableFileError(f"a cell names shared string {last}, but the workbook has none")
    found: dict[int, str] = {}
    at, kept_bytes = -1, 0

    def on_text(text: str) -> None:
        nonlocal at, kept_bytes
        at += 1
        if at in wanted:
            found[at] = text
            kept_bytes += len(text)
            if kept_bytes > limits.max_text_bytes:
                raise UnreadableFileError(f"the texts of this column are beyond {limits.max_text_bytes:,} bytes")
        events.ended = at >= last

    events = StringEvents(on_text, limits)
    pieces = archive.stream(part)

    def until_found() -> Iterable[bytes]:
        for piece in pieces:
            yield piece
            if events.ended:
                return

    feed(events, until_found(), PART_NAME, limits)
    if last not in found:
        raise UnreadableFileError(f"a cell names shared string {last}, but the table ends at {at}")
    return found
