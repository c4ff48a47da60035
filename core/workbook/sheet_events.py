"""Read any well-formed sheet, however it is written: the slow, general, validated path.

Expat knows every encoding, prefix, entity, CDATA section and comment; document types, and so entity bombs,
are refused.
"""

from __future__ import annotations

import pyexpat
from collections.abc import Callable, Iterable

from core.errors import UnreadableFileError
from core.light_types import NamedTuple
from core.workbook import addresses
from core.workbook.cells import CellKind, CellValue, number_value
from core.workbook.limits import DEFAULT, Limits

MAIN_SPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
)
DEEPEST = 256


class RawCell(NamedTuple):
    """A cell as written: `text` is None if it has neither value nor inline text."""

    row: int
    column: int
    type: str
    text: str | None
    has_formula: bool
    style: int


def value_of(cell: RawCell) -> CellValue | None:  # noqa: PLR0911 - one line for each type of cell
    """What the cell holds, None if it is empty."""
    text = cell.text
    if text is None or (text == "" and cell.type not in {"", "n"}):
        return CellValue(CellKind.NO_VALUE) if cell.has_formula and text is None else None
    match cell.type:
        case "" | "n":
            if not text.strip():
                return CellValue(CellKind.NO_VALUE) if cell.has_formula else None
            return number_value(text) or CellValue(CellKind.TEXT, text=text)
        case "s":
            if not text.strip().isdecimal():
                raise UnreadableFileError(f"{_where(cell)} names shared string {text[:20]!r}, which is no number")
            return CellValue(CellKind.SHARED, int(text))
        case "b":
            return CellValue(CellKind.BOOLEAN, int(text.strip() in {"1", "true"}))
        case "e":
            return CellValue(CellKind.ERROR, text=text)
        case _:
            return CellValue(CellKind.TEXT, text=text)


def _where(cell: RawCell) -> str:
    return f"cell {addresses.letters(cell.column)}{cell.row}"


def parser_for(root_events: SheetEvents | StringEvents) -> pyexpat.XMLParserType:
    """An expat parser that sends its events there and refuses document types."""
    parser = pyexpat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler = root_events.start
    parser.EndElementHandler = root_events.end
    parser.CharacterDataHandler = root_events.characters
    return parser


def _refuse_document_type(*_: object) -> None:
    raise UnreadableFileError("the workbook declares XML entities, which no honest workbook does: refused")


class SheetEvents:
    """Turns XML events into cells, in reading order; missing addresses are counted on as Excel does."""

    def __init__(self, on_cell: Callable[[RawCell], None], limits: Limits = DEFAULT) -> None:
        self._on_cell, self._limits = on_cell, limits
        self.seen = 0  # events since the start: an element that never ends shows as none
        self.ended = False  # the rows are over
        self.row = 0
        self._column = -1
        self._depth = 0
        self._in_data = False
        self._type, self._style, self._has_formula = "", 0, False
        self._cell_row = 0
        self._text: list[str] | None = None
        self._value: str | None = None
        self._inline: str | None = None
        self._collecting = False
        self._phonetic = 0
        self._text_length = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.seen += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableFileError("the sheet nests elements deeper than any honest one")
        space, _, local = name.rpartition("}")
        if space not in MAIN_SPACES:
            return
        if not self._in_data:
            self._in_data = local == "sheetData" and not self.ended
        elif local == "c":
            self._start_cell(attributes)
        elif local == "row":
            self._start_row(attributes)
        elif local in {"v", "t"}:
            self._collecting, self._text, self._text_length = self._phonetic == 0, [], 0
        elif local == "f":
            self._has_formula = True
        elif local == "rPh":
            self._phonetic += 1

    def end(self, name: str) -> None:
        self.seen += 1
        self._depth -= 1
        if not self._in_data:
            return
        space, _, local = name.rpartition("}")
        if space not in MAIN_SPACES:
            return
        if local in {"v", "t"} and self._collecting and self._text is not None:
            text = "".join(self._text)
            if local == "v":
                self._value = text
            else:
                self._inline = (self._inline or "") + text
            self._collecting = False
        elif local == "c":
            self._end_cell()
        elif local == "rPh":
            self._phonetic -= 1
        elif local == "sheetData":
            self._in_data, self.ended = False, True

    def characters(self, data: str) -> None:
        self.seen += 1
        if self._collecting and self._text is not None:
            self._text_length += len(data)
            if self._text_length > self._limits.max_token_bytes:
                raise UnreadableFileError("a cell is longer than any workbook allows: refused")
            self._text.append(data)

    def _start_row(self, attributes: dict[str, str]) -> None:
        self._column = -1
        number = attributes.get("r")
        if number is None:
            self.row += 1
        elif number.strip().isdecimal() and 0 < int(number) <= addresses.MAX_ROWS:
            self.row = int(number)
        else:
            raise UnreadableFileError(f"a row calls itself {number[:20]!r}; rows are 1 to {addresses.MAX_ROWS}")

    def _start_cell(self, attributes: dict[str, str]) -> None:
        address = attributes.get("r")
        if address is None:
            self._cell_row, self._column = self.row, self._column + 1
        else:
            place = addresses.split(address)
            if place is None:
                raise UnreadableFileError(f"a cell calls itself {address[:20]!r}, which is no address")
            self._cell_row, self._column = place
        self._type = attributes.get("t", "")
        style = attributes.get("s", "0")
        self._style = int(style) if style.isdecimal() else 0
        self._has_formula, self._value, self._inline = False, None, None

    def _end_cell(self) -> None:
        text = self._inline if self._type == "inlineStr" else self._value
        self._on_cell(RawCell(self._cell_row, self._column, self._type, text, self._has_formula, self._style))


class StringEvents:
    """Turns the shared strings part into texts, one `si` at a time, phonetic guides left out."""

    def __init__(self, on_text: Callable[[str], None], limits: Limits = DEFAULT) -> None:
        self._on_text, self._limits = on_text, limits
        self.seen = 0
        self.ended = False
        self._text: list[str] = []
        self._length = 0
        self._collecting = False
        self._phonetic = 0
        self._depth = 0

    def start(self, name: str, _: dict[str, str]) -> None:
        self.seen += 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableFileError("the shared strings nest elements deeper than any honest ones")
        local = name.rpartition("}")[2]
        if local == "si":
            self._text, self._length = [], 0
        elif local == "rPh":
            self._phonetic += 1
        elif local == "t":
            self._collecting = self._phonetic == 0

    def end(self, name: str) -> None:
        self.seen += 1
        self._depth -= 1
        local = name.rpartition("}")[2]
        if local == "t":
            self._collecting = False
        elif local == "rPh":
            self._phonetic -= 1
        elif local == "si":
            self._on_text("".join(self._text))

    def characters(self, data: str) -> None:
        self.seen += 1
        if self._collecting:
            self._length += len(data)
            if self._length > self._limits.max_token_bytes:
                raise UnreadableFileError("a shared string is longer than any workbook allows: refused")
            self._text.append(data)


def feed(events: SheetEvents | StringEvents, pieces: Iterable[bytes], name: str, limits: Limits = DEFAULT) -> None:
    """Parse the pieces; `events.ended` ends the parsing, not the reading: the checksum comes last."""
    parser = parser_for(events)
    silent = 0
    stopped = False
    try:
        for piece in pieces:
            if stopped:
                continue
            before = events.seen
            parser.Parse(piece, False)  # noqa: FBT003 - expat takes no keywords
            silent = 0 if events.seen > before else silent + len(piece)
            if silent > limits.max_token_bytes:
                raise UnreadableFileError(f"{name} holds an element larger than any honest one: refused")
            stopped = events.ended
        if not stopped:
            parser.Parse(b"", True)  # noqa: FBT003
    except pyexpat.ExpatError as error:
        raise UnreadableFileError(f"{name} is not well-formed XML: {error}") from error
