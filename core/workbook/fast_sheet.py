"""Read chosen columns of an ordinary sheet with vectors over the raw XML, or say that it is not ordinary.

Ordinary means what the common writers write: UTF-8, no prefix, `<c r="B12"` first in every cell, no comments
or CDATA. Each piece is checked for that. Cells of any other layout than a plain number, boolean or shared string are
cut out and go through the general parser, so there is one meaning of a cell, not two.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from core.errors import UnreadableFileError
from core.kept_memory import keep_freed_blocks
from core.workbook import addresses
from core.workbook.cells import CellKind, Cells, CellsBuilder
from core.workbook.limits import DEFAULT, Limits
from core.workbook.ordinary import UnusualSheetError, split_head, understand
from core.workbook.vector_decimals import (
    PADDING,
    TEXT_WORDS,
    Marks,
    Places,
    Words,
    first_byte_of,
    leading_number,
    parse_texts,
    wide_of,
    words_of,
)

KEPT_BYTES = 16 << 20  # larger than the arrays of a piece
MOST_LAYOUTS = 48  # beyond it the rest of the piece goes through the general parser
LAYOUT = re.compile(rb'([0-9]{1,7})("(?: [A-Za-z][A-Za-z0-9:]*="[^"<&>]*")*(?:/>|>(?:<v>|<[a-z]{1,2}|</c)))')
REFERENCE = re.compile(rb'<c r="[A-Z]{0,3}&')  # a letter of an address written as a number
TYPE = re.compile(rb' t="([^"]*)"')
DATA_END = b"</sheetData>"
VALUE_END = int.from_bytes(b"</v></c>", "little")
WORD = 8
LAYOUT_BYTES = 32  # what is longer goes through the general parser
CELL_WORDS = 10  # with the longest address and layout, and three words from the value on
CELL_START = b'<c r="'
CELL_PAIR, ADDRESS_QUAD = (int.from_bytes(text, "little") for text in (CELL_START[:2], CELL_START[1:5]))
EMPTY = 255  # a kind for cells to drop
PLAIN = {b"n": CellKind.NUMBER, b"s": CellKind.SHARED, b"b": CellKind.BOOLEAN}  # what vectors read
MASKS = [np.uint64((1 << (8 * n)) - 1) if n < WORD else np.uint64(0xFFFFFFFFFFFFFFFF) for n in range(WORD + 1)]


@dataclass(frozen=True)
class Region:
    """A buffer that starts with whole cells, up to `end`; what follows can be read but is not ours."""

    buffer: bytes
    end: int


def read_columns(pieces: Iterable[bytes], columns: list[int], first_row: int, limits: Limits = DEFAULT) -> list[Cells]:
    """The cells of those columns from `first_row` down, in one pass over the pieces."""
    keep_freed_blocks(KEPT_BYTES)
    builders = [CellsBuilder() for _ in columns]
    for region in ordinary_regions(pieces, limits):
        _check(region)
        for column, builder in zip(columns, builders, strict=True):
            _read_region(region, column, first_row, builder)
            if builder.text_bytes > limits.max_text_bytes:
                raise UnreadableFileError(f"the texts of a column are beyond {limits.max_text_bytes:,} bytes")
    return [builder.finish() for builder in builders]


def ordinary_regions(pieces: Iterable[bytes], limits: Limits) -> Iterator[Region]:
    """Pieces of whole cells, still to be checked. The input is read to its end for its checksum."""
    source = iter(pieces)
    rest = b""
    piece: bytes | None = split_head(source)[1]
    while piece is not None:
        buffer = b"".join((rest, piece, PADDING))
        size = len(buffer) - len(PADDING)
        end = _find_end(buffer, max(0, len(rest) - len(DATA_END)), size)
        cut = end if end >= 0 else max(buffer.rfind(b"<c ", 0, size), buffer.rfind(b"<row", 0, size))
        if cut > 0:
            yield Region(buffer, cut)
        if end >= 0:
            break
        rest = buffer[max(cut, 0) : size]
        if len(rest) > limits.max_token_bytes:
            raise UnreadableFileError("a cell is longer than any workbook allows: refused")
        piece = next(source, None)
    else:
        raise UnreadableFileError("the sheet ends in the middle of its rows: the file is truncated")
    for _ in source:
        pass


def _find_end(buffer: bytes, start: int, size: int) -> int:
    """Where the rows end. Most pieces have no `h` at all, and one byte is found ten times quicker than twelve."""
    rare = buffer.find(b"h", start, size)
    return -1 if rare < 0 else buffer.find(DATA_END, max(start, rare - len(DATA_END)), size)


def _check(region: Region) -> None:
    """Every cell starts with its address, and nothing (comment, CDATA, namespace) changes what names mean."""
    buffer, end = region.buffer, region.end
    # One byte is found many times quicker than several, and most pieces have neither.
    if any(rare in buffer and buffer.find(odd, 0, end) >= 0 for rare, odd in ((b"!", b"<!"), (b"x", b"xmln"))):
        raise UnusualSheetError
    first = buffer.find(CELL_START, 0, end)
    is_small = first >= 0 and not buffer[first + len(CELL_START) : first + len(CELL_START) + 1].isupper()
    if is_small or (b"&" in buffer and REFERENCE.search(buffer, 0, end)):
        raise UnusualSheetError
    cells = addressed = 0
    for shift in range(2):
        pairs = np.frombuffer(buffer, "<u2", offset=shift, count=(end - shift) // 2)
        cells += int(np.count_nonzero(pairs == CELL_PAIR))
    for shift in range(4):
        quads = np.frombuffer(buffer, "<u4", offset=shift, count=(end - shift + 3) // 4)
        addressed += int(np.count_nonzero(quads == ADDRESS_QUAD))
    if cells != addressed:
        raise UnusualSheetError


def _cells_of(region: Region, head: bytes) -> tuple[Places, Words]:
    """Where the cells of a column start, and each in words.

    Its last letter is rare in a sheet, so that is what is searched; then comes the only look at scattered bytes.
    """
    places = _places_of(head[-1], region) + 1 - len(head)
    places = places[places >= 0]
    wide = wide_of(region.buffer, places, CELL_WORDS)
    start = head[:WORD]
    good = (wide[:, 0] & MASKS[len(start)]) == int.from_bytes(start, "little")
    good &= np.frombuffer(region.buffer, np.uint8)[places + len(head)] - np.uint8(ord("0")) <= 9  # noqa: PLR2004 - a digit
    return (places, wide) if good.all() else (places[good], wide[good])


def _word_at(wide: Words, offset: int) -> Words:
    """Of every row the word that starts at a byte."""
    number, shift = divmod(offset, WORD)
    if not shift:
        return wide[:, number]
    return (wide[:, number] >> np.uint64(8 * shift)) | (wide[:, number + 1] << np.uint64(64 - 8 * shift))


def _places_of(byte: int, region: Region) -> Places:
    """Where a byte stands, if it is rare: eight bytes without it are passed over at once."""
    eights = -(-region.end // WORD)  # the last one may reach behind the end
    hits = (np.frombuffer(region.buffer, np.uint8, WORD * eights) == byte).view(np.uint64)
    some = np.flatnonzero(hits != 0)
    within = np.flatnonzero(hits[some].view(np.bool_))
    places: Places = some[within >> 3] * WORD + (within & 7)
    return places[places < region.end]


def _read_region(region: Region, column: int, first_row: int, builder: CellsBuilder) -> None:
    """Read the cells layout by layout, which are the bytes between address and value: a sheet has a handful.

    The first cell that is not yet read gives one, compared with all others at once. Kind TEXT stands for whatever the
    general parser must read.
    """
    head = CELL_START + addresses.letters(column).encode()
    places, wide = _cells_of(region, head)
    if not places.size:
        return
    cells = _blank(len(places))
    left = np.arange(len(places))
    for _ in range(MOST_LAYOUTS):
        layout = LAYOUT.match(region.buffer, int(places[left[0]]) + len(head))
        if layout is None:
            raise UnusualSheetError
        same = _holding(wide, len(head) + len(layout[1]), layout[2])
        if same.all() and len(left) == len(places):
            cells = _read_alike(region, len(head), layout, places, wide)
            break
        chosen = left[same]
        _put(cells, chosen, _read_alike(region, len(head), layout, places[chosen], wide[same]))
        left, wide = left[~same], wide[~same]
        if not left.size:
            break
    else:
        for at in left.tolist():
            address = LAYOUT.match(region.buffer, int(places[at]) + len(head))
            if address is None:
                raise UnusualSheetError
            cells.rows[at] = int(address[1])
    _add(region, places, cells, first_row, builder)


def _blank(count: int) -> Cells:
    kinds = np.full(count, CellKind.TEXT, np.uint8)
    return Cells(np.zeros(count, np.int64), kinds, np.zeros(count, np.int64), np.zeros(count, np.int8), ())


def _put(cells: Cells, places: Places, others: Cells) -> None:
    cells.rows[places], cells.kinds[places] = others.rows, others.kinds
    cells.mantissas[places], cells.exponents[places] = others.mantissas, others.exponents


def _holding(wide: Words, offset: int, text: bytes) -> Marks:
    """Which rows have that text there, as far as it is looked at."""
    same = np.ones(len(wide), np.bool_)
    for at in range(0, min(len(text), LAYOUT_BYTES), WORD):
        part = text[at : at + WORD]
        same &= (_word_at(wide, offset + at) & MASKS[len(part)]) == int.from_bytes(part, "little")
    return same


def _read_alike(region: Region, head_bytes: int, layout: re.Match[bytes], places: Places, wide: Words) -> Cells:
    """Cells of one layout and as many digits in their addresses."""
    rows, good = leading_number(_word_at(wide, head_bytes), len(layout[1]))
    if not bool(np.all(good & (rows > 0) & (rows <= addresses.MAX_ROWS))):
        raise UnusualSheetError
    kind = _kind_of(layout[2])
    kinds = np.full(len(rows), kind, np.uint8)
    if kind in {CellKind.TEXT, EMPTY}:
        return Cells(rows, kinds, np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int8), ())
    offset = head_bytes + layout.end() - layout.start()
    values = places + offset

    def word(number: int) -> Words:
        return _word_at(wide, offset + WORD * number)

    def ends_of(long: Places) -> Places:
        return values[long] + first_byte_of(np.stack([word(number)[long] for number in range(TEXT_WORDS)], 1), ord("<"))

    numbers, ends = parse_texts(word, region.buffer, values, ends_of)
    sure = numbers.good & (words_of(region.buffer)[ends] == VALUE_END)
    if kind != CellKind.NUMBER:
        sure &= (numbers.exponents == 0) & (numbers.mantissas >= 0)
    if kind == CellKind.BOOLEAN:
        sure &= (ends - values == 1) & (numbers.mantissas <= 1)
    kinds[~sure] = CellKind.TEXT
    return Cells(rows, kinds, numbers.mantissas, numbers.exponents, ())


def _add(region: Region, places: Places, cells: Cells, first_row: int, builder: CellsBuilder) -> None:
    """Have the general parser say what the marked cells are, and add all that hold something."""
    rows, kinds, mantissas, exponents = cells.rows, cells.kinds, cells.mantissas, cells.exponents
    odd = np.flatnonzero(kinds == CellKind.TEXT)
    if odd.size:
        values = understand(_cut_out(region, places[odd]), odd.size)
        for at, value in zip(odd.tolist(), values, strict=True):
            kinds[at], mantissas[at], exponents[at] = (EMPTY, 0, 0) if value is None else builder.encode(value)
    keep = (kinds != EMPTY) & (rows >= first_row)
    if not keep.all():
        rows, kinds, mantissas, exponents = rows[keep], kinds[keep], mantissas[keep], exponents[keep]
    builder.add_block(rows.astype(np.int32), kinds, mantissas, exponents)  # four megabytes less in a million


def _kind_of(layout: bytes) -> int:
    if len(layout) > LAYOUT_BYTES:
        return CellKind.TEXT
    if layout.endswith((b"/>", b"</c")):
        return EMPTY
    found = TYPE.search(layout)
    written = found[1] if found else b"n"
    return PLAIN.get(written, CellKind.TEXT) if layout.endswith(b"<v>") else CellKind.TEXT


def _cut_out(region: Region, places: Places) -> bytes:
    """The cells that start at those places, whole."""
    fragments = []
    for place in places.tolist():
        end = region.buffer.find(b"</c>", place, region.end)
        fragments.append(region.buffer[place : end + 4 if end >= 0 else region.end])
    return b"".join(fragments)
