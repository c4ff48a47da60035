"""The input's rows for the working paper, in bands: columns are read a few at a time and wait on disk as cells.

A million rows of ten columns are ten million values; none of them stays in memory longer than its band.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, repeat
from typing import IO

import numpy as np

from core.workbook import book_writer
from core.workbook.cells import CellKind, Cells
from core.workbook.header import Column
from core.workbook.source import Source
from tasks.two_sum.entries import Integers
from tasks.two_sum.ledger import Part

BAND = 8192  # rows made at once
CELLS_AT_ONCE = 1 << 20  # read together: more columns at a time where there are fewer rows
MOST_PAIRS_SHOWN = 20
Tick = Callable[[float, float], None]  # done, of how much; it may raise to stop


def nobody(_done: float, _total: float, /) -> None:
    """For callers that do not watch."""


@dataclass(frozen=True)
class Looks:
    """The styles of cells by the first pair of their row: those of no pair, then colour by colour."""

    plain: Sequence[int]
    dated: Sequence[int]


class RowPairs:
    """The numbers of the pairs that each row is in, and what they make it look like, without an object for each."""

    def __init__(self, rows: Integers, pairs: Integers, looks: Looks) -> None:
        order = np.lexsort((pairs, rows))
        self._rows, self._pairs = rows[order], pairs[order]
        self._plain, self._dated = np.array(looks.plain), np.array(looks.dated)

    def styles(self, rows: Integers, *, is_date: bool) -> list[int]:
        """Of a cell in each of these rows."""
        styles = self._dated if is_date else self._plain
        colours = np.zeros(len(rows), np.int64)
        if len(self._rows):
            at = np.minimum(np.searchsorted(self._rows, rows), len(self._rows) - 1)
            colours = np.where(self._rows[at] == rows, (self._pairs[at] - 1) % (len(styles) - 1) + 1, 0)
        found: list[int] = styles[colours].tolist()
        return found

    def cells(self, rows: Integers) -> list[str]:
        """The last column: a number to sort by, or the first of several and how many more there are."""
        starts, stops = np.searchsorted(self._rows, rows), np.searchsorted(self._rows, rows, side="right")
        spans = zip(starts.tolist(), stops.tolist(), strict=True)
        return [self._numbers(start, stop) if start < stop else "" for start, stop in spans]

    def _numbers(self, start: int, stop: int) -> str:
        if stop - start == 1:
            return book_writer.number(int(self._pairs[start]))
        shown = ", ".join(map(str, self._pairs[start : min(stop, start + MOST_PAIRS_SHOWN)].tolist()))
        more = stop - start - MOST_PAIRS_SHOWN
        return book_writer.text(f"{shown} and {more:,} more" if more > 0 else shown)


@dataclass(frozen=True)
class _Waiting:
    """One column's finished cells, a line each, and the rows they belong to."""

    rows: Integers
    lines: IO[str]

    def band(self, rows: Integers) -> list[str]:
        """The cells of these rows, which follow those asked for before; empty where there is none."""
        start, stop = np.searchsorted(self.rows, (rows[0], rows[-1] + 1))
        found = [line[:-1] for line in islice(self.lines, int(stop - start))]
        if len(found) == len(rows):
            return found
        cells = [""] * len(rows)
        for place, cell in zip(np.searchsorted(rows, self.rows[start:stop]).tolist(), found, strict=True):
            cells[place] = cell
        return cells


def bands_of(
    source: Source, part: Part, columns: Sequence[Column], pairs: RowPairs, tick: Tick
) -> Iterator[book_writer.Band]:
    """Row number, the columns, and the pairs' numbers of every row that holds anything."""
    head = source.head(part.sheet)
    dates = {at for row in head.rows.values() for at, cell in row.items() if cell.is_date}
    together = max(1, CELLS_AT_ONCE // max(1, len(part.numbers.rows)))
    waiting: list[_Waiting] = []

    def watch(*_: int) -> None:
        tick(len(waiting), 2 * len(columns))

    with ExitStack() as stack:
        for start in range(0, len(columns), together):
            some = {column.index: True for column in columns[start : start + together]}
            for index, cells in source.columns(part.sheet, some, part.header.first_data_row, watch).items():
                lines = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n"))
                own = _finish(cells, pairs, lines, watch, is_date=index in dates)
                # Most columns have a cell in every row: one array serves all of them.
                same = next((each.rows for each in waiting if np.array_equal(each.rows, own)), own)
                waiting.append(_Waiting(same, lines))
                del cells
        rows = _every_row([each.rows for each in waiting])
        for start in range(0, len(rows), BAND):
            tick(len(rows) + start, 2 * len(rows))
            band = rows[start : start + BAND]
            yield [
                list(map(book_writer.number, band.tolist(), repeat(0), pairs.styles(band, is_date=False))),
                *(each.band(band) for each in waiting),
                pairs.cells(band),
            ]


def _every_row(columns: Sequence[Integers]) -> Integers:
    every = columns[0]
    for rows in columns[1:]:
        if rows is not every:
            every = np.union1d(every, rows)
    return every


def _finish(cells: Cells, pairs: RowPairs, lines: IO[str], watch: Callable[[], None], *, is_date: bool) -> Integers:
    """Write the column's cells from top to bottom, and answer their rows."""
    rows, order = cells.rows, None
    if bool(np.any(rows[1:] <= rows[:-1])):
        order = np.argsort(rows, kind="stable")
        last = np.append(np.diff(rows[order]) > 0, True)  # of cells that claim the same place the last one counts
        order = order[last]
        rows = rows[order]
    for start in range(0, len(rows), BAND):
        watch()
        band = slice(start, start + BAND)
        styles = pairs.styles(rows[band], is_date=is_date)
        made = _band_cells(cells, band if order is None else order[band], styles)
        lines.write("".join([f"{cell}\n" for cell in made]))
    lines.seek(0)
    return rows


def _band_cells(cells: Cells, places: Integers | slice, styles: list[int]) -> Iterator[str]:
    """Columns repeat themselves: what a band has already is not made again."""
    arrays = (each[places].tolist() for each in (cells.kinds, cells.mantissas, cells.exponents))
    made: dict[tuple[int, int, int, int], str] = {}
    for known in zip(*arrays, styles, strict=True):
        cell = made.get(known)
        if cell is None:
            cell = made[known] = _cell(cells.texts, *known)
        yield cell


def _cell(texts: Sequence[str], kind: int, mantissa: int, exponent: int, style: int) -> str:
    match kind:
        case CellKind.NUMBER:
            return book_writer.number(mantissa, exponent, style)
        case CellKind.BOOLEAN:
            return book_writer.boolean(mantissa, style)
        case CellKind.NO_VALUE:
            return book_writer.text("", style)
        case _:
            return book_writer.text(texts[mantissa], style)
