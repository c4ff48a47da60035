"""Write large workbooks as plain XML straight into their zip: nothing is held but the rows at hand.

XlsxWriter asks twenty things of every cell, which a paper of ten million cells pays for in minutes. Here a cell is
made as text, once, and rows come in bands. Texts are inline strings, so none of them can become a formula.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self
from xml.sax.saxutils import escape, quoteattr

from core.cell_texts import fitting
from core.workbook import addresses
from core.workbook.decimals import show

Band = Sequence[Sequence[str]]  # columns of equal length; each cell as `text`, `number` or `boolean` made it, or ""
EXACT = 10**15  # a sheet's numbers have 15 digits: longer ones stand as texts, exact
FIXED_TIME = (2026, 1, 1, 0, 0, 0)  # the same content is the same file
LEVEL = 1  # of deflate: three times as fast as the usual one for a tenth more bytes
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml."
# The header stays in sight; a column is wide enough for a date, which is shown as ##### otherwise.
FROZEN = (
    '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft"'
    ' state="frozen"/></sheetView></sheetViews>'
)
WIDE = '<sheetFormatPr defaultColWidth="13" defaultRowHeight="15"/>'
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
NEEDS_CARE = re.compile(r"[&<>\r\n\t]|_x|^ | $|  ")
LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # programs read `_x000D_` as a carriage return
LINE_ENDS = {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}  # as they are, XML would change them


class Style(NamedTuple):
    """How cells look; a style's number is its place among those given to the writer, from 1."""

    bold: bool = False
    fill: str = ""  # RRGGBB
    number_format: str = ""


def text(value: str, style: int = 0) -> str:
    """A text as a cell; one too long for a cell is cut with a mark that says so."""
    value = fitting(value)
    space = ""
    if NEEDS_CARE.search(value):
        value, space = escape(LOOKS_ESCAPED.sub("_x005F_", value), LINE_ENDS), ' xml:space="preserve"'
    return f'{_attribute(style)} t="inlineStr"><is><t{space}>{value}</t></is></c>'


def number(mantissa: int, exponent: int = 0, style: int = 0) -> str:
    """An exact decimal as a cell."""
    shown = show(mantissa, exponent)
    return f"{_attribute(style)}><v>{shown}</v></c>" if -EXACT < mantissa < EXACT else text(shown, style)


def boolean(value: object, style: int = 0) -> str:
    return f'{_attribute(style)} t="b"><v>{int(bool(value))}</v></c>'


def _attribute(style: int) -> str:
    return f' s="{style}"' if style else ""


class BookWriter:
    """One workbook, sheet after sheet. What is left half written by an error is no workbook."""

    def __init__(self, path: Path, styles: Sequence[Style] = ()) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._styles, self._sheets = styles, list[str]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for name, content in _package(self._sheets, self._styles).items():
                self._part(name, [HEAD + content])
        self._zip.close()

    def add_sheet(self, name: str, header: Sequence[str], bands: Iterable[Band], width: int = 0) -> None:
        """A header and its rows, going on on a further sheet where one is full."""
        left = iter(bands)
        rest, page = next(left, None), 1
        while rest is not None or page == 1:
            full = _Sheet(header, width)
            self._sheets.append(name if page == 1 else f"{name} ({page})")
            first = [] if rest is None else [rest]
            self._part(f"xl/worksheets/sheet{len(self._sheets)}.xml", full.pieces(_chain(first, left)))
            rest, page = full.rest, page + 1

    def _part(self, name: str, pieces: Iterable[str]) -> None:
        info = zipfile.ZipInfo(name, FIXED_TIME)
        info.compress_type = zipfile.ZIP_DEFLATED
        info._compresslevel = LEVEL  # type: ignore[attr-defined]  # noqa: SLF001 - public as of Python 3.13
        with self._zip.open(info, "w", force_zip64=True) as target:
            for piece in pieces:
                target.write(piece.encode())


class _Sheet:
    """The XML of one sheet; `rest` is the band it had no room for."""

    def __init__(self, header: Sequence[str], width: int) -> None:
        self._header, self._width = header, width
        self.rest: Band | None = None

    def pieces(self, bands: Iterator[Band]) -> Iterator[str]:
        columns = f'<cols><col min="1" max="2" width="{self._width}" customWidth="1"/></cols>' if self._width else ""
        yield f'{HEAD}<worksheet xmlns="{MAIN}">{FROZEN if self._header else ""}{WIDE}{columns}<sheetData>'
        line = 1
        if self._header:
            yield _rows([[cell] for cell in self._header], line)
            line += 1
        for band in bands:
            count, room = len(band[0]), addresses.MAX_ROWS + 1 - line
            yield _rows([cells[:room] for cells in band], line)
            line += min(count, room)
            if count > room:
                self.rest = [cells[room:] for cells in band]
                break
        yield "</sheetData>"
        if self._header:
            yield f'<autoFilter ref="A1:{addresses.letters(len(self._header) - 1)}{line - 1}"/>'
        yield "</worksheet>"


def _chain(first: Iterable[Band], others: Iterator[Band]) -> Iterator[Band]:
    yield from first
    yield from others


def _rows(band: Band, first: int) -> str:
    lines = [str(line) for line in range(first, first + len(band[0]))]
    columns = []
    for at, cells in enumerate(band):
        start = f'<c r="{addresses.letters(at)}'
        columns.append([f'{start}{line}"{cell}' if cell else "" for line, cell in zip(lines, cells, strict=True)])
    rows = map("".join, zip(*columns, strict=True))
    return "".join([f'<row r="{line}">{cells}</row>' for line, cells in zip(lines, rows, strict=True)])


def _package(sheets: Sequence[str], styles: Sequence[Style]) -> dict[str, str]:
    """The parts that say what the others are."""
    numbered = list(enumerate(sheets, start=1))
    overrides = [f"/xl/worksheets/sheet{at}.xml" for at, _ in numbered]
    kinds = {"/xl/workbook.xml": "sheet.main", "/xl/styles.xml": "styles", **dict.fromkeys(overrides, "worksheet")}
    named = "".join(f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>' for at, name in numbered)
    links = [("worksheet", f"worksheets/sheet{at}.xml") for at, _ in numbered] + [("styles", "styles.xml")]
    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + "".join(f'<Override PartName="{name}" ContentType="{TYPES}{kind}+xml"/>' for name, kind in kinds.items())
        + "</Types>",
        "_rels/.rels": _links([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{named}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _links(links),
        "xl/styles.xml": _styles_part(styles),
    }


def _links(targets: Sequence[tuple[str, str]]) -> str:
    each = (
        f'<Relationship Id="rId{at}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(each)}</Relationships>'


def _styles_part(styles: Sequence[Style]) -> str:
    """Style 0 is the plain one that every cell has by default."""
    styles = [Style(), *styles]
    fills = sorted({style.fill for style in styles} - {""})
    formats = sorted({style.number_format for style in styles} - {""})
    drawn = "".join(
        f'<fill><patternFill patternType="solid"><fgColor rgb="FF{fill}"/></patternFill></fill>' for fill in fills
    )
    named = "".join(
        f'<numFmt numFmtId="{at}" formatCode={quoteattr(form)}/>' for at, form in enumerate(formats, start=164)
    )
    looks = "".join(
        f'<xf numFmtId="{164 + formats.index(style.number_format) if style.number_format else 0}"'
        f' fontId="{int(style.bold)}" fillId="{2 + fills.index(style.fill) if style.fill else 0}" borderId="0" xfId="0"'
        ' applyNumberFormat="1" applyFont="1" applyFill="1"/>'
        for style in styles
    )
    font = '<sz val="11"/><name val="Calibri"/>'
    return (
        f'<styleSheet xmlns="{MAIN}"><numFmts count="{len(formats)}">{named}</numFmts>'
        f'<fonts count="2"><font>{font}</font><font><b/>{font}</font></fonts>'
        f'<fills count="{2 + len(fills)}"><fill><patternFill patternType="none"/></fill>'
        f'<fill><patternFill patternType="gray125"/></fill>{drawn}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(styles)}">{looks}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )
