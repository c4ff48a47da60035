"""Scan a column of a file for gaps, doubles and numbers that do not belong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InvalidInputError
from core.workbook import header as headers
from core.workbook.cells import CellKind
from core.workbook.header import Column, Header
from core.workbook.opening import open_source
from core.workbook.source import HeadCell, SheetInfo, Source, Tick, no_tick
from tasks.gap_scan.column import Breaker, label_of, understand
from tasks.gap_scan.groups import parted
from tasks.gap_scan.mask import Mask
from tasks.gap_scan.parquet_numbers import ParquetNumbers, UnusualColumnError
from tasks.gap_scan.series import Block, Blocks, Bounds, SeriesReport, scan_series
from tasks.gap_scan.voided import Voided


@dataclass(frozen=True)
class Question:
    """What to look at, and what there should be."""

    sheet: str | int | None = None
    column: str | None = None
    header_row: int | None = None
    mask: Mask | None = None
    group_by: Sequence[str] = ()
    bounds: Bounds = field(default_factory=Bounds)
    voided: Sequence[int | str] = ()


@dataclass(frozen=True)
class GroupReport:
    """One group: what its labels say, and what its series is like."""

    label: dict[str, str]
    series: SeriesReport


@dataclass(frozen=True)
class GapReport:
    """A whole column."""

    sheet: str
    column: Column
    mask: Mask | None
    groups: tuple[GroupReport, ...]
    breakers: tuple[Breaker, ...]
    breaker_count: int

    def cell(self, row: int) -> str:
        return f"{self.column.letter}{row}"

    def shown(self, number: int, label: dict[str, str]) -> str:
        """A number as the column would have it."""
        return str(number) if self.mask is None else self.mask.write(number, label)


def scan_file(path: Path, question: Question, *, name: str | None = None, tick: Tick = no_tick) -> GapReport:
    """Read what the question needs of a workbook, CSV or Parquet file, and scan it."""
    voided = Voided(question.voided, question.mask)
    with open_source(path, name=name) as source:
        sheet, header, column, group_by = _resolved(source, question)
        if source.format == "parquet" and question.mask is None and not group_by:
            try:
                stream = ParquetNumbers(path, column.index, tick)
                report = scan_series(stream.blocks, stream.rows, question.bounds, voided.of({}, None))
                return GapReport(sheet.name, column, None, (GroupReport({}, report),), (), 0)
            except UnusualColumnError:
                pass
        wanted = {one.index: True for one in (column, *group_by)}
        cells = source.columns(sheet, wanted, header.first_data_row, tick)
    read = understand(cells[column.index], question.mask)
    labels = [label_of(one.name or one.letter, cells[one.index], read.rows) for one in group_by]
    _refuse_twice([label.name for label in (*read.labels, *labels)])
    del cells
    reports = []
    for group in parted(read, labels):
        series = scan_series(
            _blocks_of(group.block), len(group.block.numbers), question.bounds, voided.of(group.label, question.mask)
        )
        reports.append(GroupReport(group.label, series))
        tick(len(reports), len(reports) + 1)
    return GapReport(sheet.name, column, question.mask, tuple(reports), read.breakers, read.breaker_count)


def check_file(path: Path, question: Question, *, name: str | None = None) -> None:
    """Raise what a scan would raise before it reads the column."""
    Voided(question.voided, question.mask)
    with open_source(path, name=name) as source:
        _, _, _, group_by = _resolved(source, question)
    names = () if question.mask is None else question.mask.names
    _refuse_twice([*names, *(one.name or one.letter for one in group_by)])


def _resolved(source: Source, question: Question) -> tuple[SheetInfo, Header, Column, list[Column]]:
    sheet = headers.find_sheets(source.sheets, question.sheet)[0]
    header = _header(source, sheet, question)
    column = header.find(question.column) if question.column else _automatic(header, question.mask)
    return sheet, header, column, [header.find(wanted) for wanted in question.group_by]


def _blocks_of(block: Block) -> Blocks:
    return lambda: [block] if len(block.numbers) else []


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise InvalidInputError(f"{name!r} would group twice: the mask or group_by must name it", field="group_by")


def _header(source: Source, sheet: SheetInfo, question: Question) -> Header:
    head = source.head(sheet)
    if question.header_row is not None:
        return headers.with_row(head, question.header_row)
    found = headers.holding(head, question.column) if question.column else headers.guess(head)
    if found.row or question.mask is None:
        return found
    # A table of texts alone has no row that looks like a header; with a mask it is the row above the first number.
    above = 0
    for number in sorted(head.rows):
        if _fitting(head.rows[number], question.mask):
            return headers.with_row(head, above)
        above = number
    return found


def _automatic(header: Header, mask: Mask | None) -> Column:
    """The column of numbers, or the one whose first cells fit the mask best."""
    if mask is None:
        return header.automatic()
    fitting: Counter[int] = Counter()
    for number, row in header.head.rows.items():
        if number > header.row:
            fitting.update(_fitting(row, mask))
    best = max(fitting, key=lambda at: (fitting[at], -at), default=None)
    if best is None:
        names = [column.name or column.letter for column in header.columns]
        raise InvalidInputError(
            f"no column starts with numbers like {mask.text!r}; name it: {', '.join(names[:12])}",
            field="column",
            columns=names[:100],
        )
    return next((column for column in header.columns if column.index == best), Column(best, ""))


def _fitting(row: Mapping[int, HeadCell], mask: Mask) -> list[int]:
    """The columns of a row whose cells fit the mask."""
    texts = {at: cell.value.shown() for at, cell in row.items() if cell.value.kind is not CellKind.ERROR}
    fits = mask.read(list(texts.values())).fits.tolist()
    return [at for at, is_fitting in zip(texts, fits, strict=True) if is_fitting]
