"""What the quick readers share: whether a sheet is written in the ordinary way, and who reads what is not."""

from collections.abc import Iterator

from core.errors import UnreadableFileError
from core.workbook.cells import CellValue
from core.workbook.sheet_events import MAIN_SPACES, RawCell, SheetEvents, feed, value_of

LONGEST_HEAD = 4 << 20  # columns and views stand before the rows
DATA_START = b"<sheetData>"


class UnusualSheetError(Exception):
    """The sheet is not written in the ordinary way: read it with the general parser."""


def split_head(source: Iterator[bytes]) -> tuple[int, bytes]:
    """How many bytes end with `<sheetData>`, and what follows in the same piece, once the head is found ordinary."""
    head = b""
    for piece in source:
        head += piece
        at = head.find(DATA_START)
        if at >= 0:
            _check_head(head[:at])
            rows = at + len(DATA_START)
            return rows, head[rows:]
        if len(head) > LONGEST_HEAD:
            break
    raise UnusualSheetError


def _check_head(head: bytes) -> None:
    """One default main namespace, UTF-8, no comments: then names in the rows mean what they say."""
    declaration = head[: head.find(b"?>") + 2] if head.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else b""
    if b"encoding" in declaration and b'"UTF-8"' not in declaration.upper():
        raise UnusualSheetError
    mains = []
    for declared in head.split(b"xmlns")[1:]:
        prefix, _, rest = declared.partition(b"=")
        quoted = rest.lstrip()
        if quoted[1:].partition(quoted[:1] or b" ")[0].decode("latin-1") in MAIN_SPACES:
            mains.append(prefix.strip())
    if mains != [b""] or b"<!" in head or b"<worksheet" not in head:
        raise UnusualSheetError


def understand(fragments: bytes, count: int) -> list[CellValue | None]:
    """Have the general parser say what so many cells are, given as they are written, one behind the other."""
    cells: list[RawCell] = []
    whole = b'<sheetData xmlns="%s"><row>%s</row></sheetData>' % (MAIN_SPACES[0].encode(), fragments)
    try:
        feed(SheetEvents(cells.append), [whole], "a cell")
    except UnreadableFileError as error:
        raise UnusualSheetError from error  # the general parser sees the whole, and says what is wrong
    if len(cells) != count:
        raise UnusualSheetError
    return [value_of(cell) for cell in cells]
