"""Read chosen columns of an ordinary sheet with vectors over the raw XML, or say that it is not ordinary.

Ordinary means what the common writers write: UTF-8, no prefix, `<c r="B12"` first in every cell, no comments
or CDATA. Each piece is checked for that. Cells of any other layout than a plain number, boolean or shared string are
cut out and go through the general parser, so there is one meaning of a cell, not two.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import UnreadableFileError
from core.kept_memory import keep_freed_blocks
from core.workbook import addresses
from core.workbook.cells import CellKind, Cells, CellsBuilder
from core.workbook.limits import DEFAULT, Limits
from core.workbook.ordinary import UnusualSheetError, split_head, understand
from core.workbook.vector_decimals import (
    PADDING,
    Places,
    Words,
    first_byte,
    first_byte_of,
    leading_number,
    parse_spans,
    wide_of,
    words_of,
)

KEPT_BYTES = 16 << 20  # larger than the arrays of a piece
MOST_LAYOUTS = 48  # beyond it the rest of the piece goes through the general parser
CELL_HEAD = re.compile(rb'"(?: [A-Za-z][A-Za-z0-9:]*="[^"<&>]*")*(?:/>|>(?:<v>|<[a-z]{1,2}|</c))')
TYPE = re.compile(rb' t="([^"]*)"')
DATA_END = b"</sheetData>"
VALUE_END = int.from_bytes(b"</v></c>", "little")
WORD = 8
LAYOUT_WORDS, VALUE_WORDS = 4, 3  # what is longer goes through the general parser
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
    cells = addressed = 0
    for shift in range(2):
        pairs = np.frombuffer(buffer, "<u2", offset=shift, count=(end - shift) // 2)
        cells += int(np.count_nonzero(pairs == CELL_PAIR))
    for shift in range(4):
        quads = np.frombuffer(buffer, "<u4", offset=shift, count=(end - shift + 3) // 4)
        addressed += int(np.count_nonzero(quads == ADDRESS_QUAD))
    if cells != addressed:
        raise UnusualSheetError


def _candidates(region: Region, words: Words, letters: bytes) -> Places:
    """Where the row stands in `<c r="B12"`: its column's last letter is rare in a sheet; then a closer look."""
    head = CELL_START + letters
    digits = _places_of(letters[-1], region) + 1
    digits = digits[digits >= len(head)]
    start = head[:WORD]
    good = (words[digits - len(head)] & MASKS[len(start)]) == int.from_bytes(start, "little")
    good &= np.frombuffer(region.buffer, np.uint8)[digits] - np.uint8(ord("0")) <= 9  # noqa: PLR2004 - a digit
    found: Places = digits[good]
    return found


def _places_of(byte: int, region: Region) -> Places:
    """Where a byte stands, if it is rare: eight bytes without it are passed over at once."""
    eights = -(-region.end // WORD)  # the last one may reach behind the end
    hits = (np.frombuffer(region.buffer, np.uint8, WORD * eights) == byte).view(np.uint64)
    some = np.flatnonzero(hits != 0)
    within = np.flatnonzero(hits[some].view(np.bool_))
    places: Places = some[within >> 3] * WORD + (within & 7)
    return places[places < region.end]


def _read_region(region: Region, column: int, first_row: int, builder: CellsBuilder) -> None:
    letters = addresses.letters(column).encode()
    words = words_of(region.buffer)
    digits = _candidates(region, words, letters)
    if not digits.size:
        return
    texts = words[digits]
    lengths = first_byte(texts, ord('"'))
    heads = digits + lengths
    rows, good = leading_number(texts, lengths)
    if not bool(np.all(good & (lengths < WORD) & (rows > 0) & (rows <= addresses.MAX_ROWS))):
        raise UnusualSheetError
    kinds, starts = _by_layout(region.buffer, heads)
    mantissas = np.zeros(len(digits), np.int64)
    exponents = np.zeros(len(digits), np.int8)
    plain = np.flatnonzero((kinds == CellKind.NUMBER) | (kinds == CellKind.SHARED) | (kinds == CellKind.BOOLEAN))
    if plain.size:
        values = starts[plain]
        ends = values + first_byte_of(wide_of(region.buffer, values, VALUE_WORDS), ord("<"))
        numbers = parse_spans(region.buffer, values, ends)
        sure = numbers.good & (words[ends] == VALUE_END)
        sure &= (kinds[plain] == CellKind.NUMBER) | ((numbers.exponents == 0) & (numbers.mantissas >= 0))
        sure &= (kinds[plain] != CellKind.BOOLEAN) | ((ends - values == 1) & (numbers.mantissas <= 1))
        mantissas[plain], exponents[plain] = numbers.mantissas, numbers.exponents
        kinds[plain[~sure]] = CellKind.TEXT
    places = digits - len(CELL_START) - len(letters)
    _add(region, places, Cells(rows, kinds, mantissas, exponents, ()), first_row, builder)


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
    builder.add_block(rows, kinds, mantissas, exponents)


def _by_layout(buffer: bytes, heads: Places) -> tuple[npt.NDArray[np.uint8], Places]:
    """Kind of each cell and where its value starts, by the bytes between address and value.

    The first cell not yet known gives a layout, compared with all others at once; a sheet has a handful. Kind
    TEXT stands for whatever the general parser must read.
    """
    kinds = np.full(len(heads), CellKind.TEXT, np.uint8)
    starts = heads.copy()
    left, texts = np.arange(len(heads)), wide_of(buffer, heads, LAYOUT_WORDS)
    for _ in range(MOST_LAYOUTS):
        if not left.size:
            break
        match = CELL_HEAD.match(buffer, int(heads[left[0]]))
        if match is None:
            raise UnusualSheetError
        layout = match[0]
        same = np.ones(len(left), np.bool_)
        for number in range(min(-(-len(layout) // WORD), LAYOUT_WORDS)):
            part = layout[number * WORD : (number + 1) * WORD]
            same &= (texts[:, number] & MASKS[len(part)]) == int.from_bytes(part, "little")
        chosen = left[same]
        if len(layout) <= LAYOUT_WORDS * WORD:
            kinds[chosen] = _kind_of(layout)
            starts[chosen] += len(layout)
        left, texts = left[~same], texts[~same]
    return kinds, starts


def _kind_of(layout: bytes) -> int:
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
