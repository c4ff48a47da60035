"""Look up shared strings: only those asked for are kept, and reading stops after the last of them."""

from collections.abc import Iterable, Sequence

from core.errors import UnreadableFileError
from core.workbook.archive import Archive, Part
from core.workbook.limits import DEFAULT, Limits
from core.workbook.sheet_events import StringEvents, feed

PART_NAME = "the shared strings"
BITE = 4 << 10  # parsing stops between two: a head needs the first strings only


def look_up(archive: Archive, part: Part | None, places: Sequence[int], limits: Limits = DEFAULT) -> list[str]:
    """The texts at those places, which rise; a place beyond the table is an error that says so."""
    if not len(places):
        return []
    last = places[-1]
    if part is None:
        raise UnreadableFileError(f"a cell names shared string {last}, but the workbook has none")
    found: list[str] = []
    at, kept_bytes, waiting = -1, 0, iter(places)
    wanted = next(waiting)

    def on_text(text: str) -> None:
        nonlocal at, kept_bytes, wanted
        at += 1
        if at == wanted:
            found.append(text)
            wanted = next(waiting, -1)
            kept_bytes += len(text)
            if kept_bytes > limits.max_text_bytes:
                raise UnreadableFileError(f"the texts of this column are beyond {limits.max_text_bytes:,} bytes")
        events.ended = at >= last

    events = StringEvents(on_text, limits)
    pieces = archive.stream(part)

    def until_found() -> Iterable[bytes]:
        for bite in _bites(pieces):
            yield bite
            if events.ended:
                return

    feed(events, until_found(), PART_NAME, limits)
    if len(found) < len(places):
        raise UnreadableFileError(f"a cell names shared string {last}, but the table ends at {at}")
    return found


def _bites(pieces: Iterable[bytes]) -> Iterable[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), BITE):
            yield piece[start : start + BITE]
