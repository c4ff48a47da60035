"""Equal-by columns and filters: cells compared as people read them, without case and surplus spaces."""

from collections.abc import Collection

import numpy as np

from core.workbook.cells import Cells
from tasks.two_sum.amounts import value_at
from tasks.two_sum.entries import Integers, Marks

NO_KEY = -1


def plain(text: str) -> str:
    return " ".join(text.split()).casefold()


class KeyBook:
    """Gives equal cells equal codes, over any number of sheets and files."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._combined: dict[tuple[int, ...], int] = {}

    def codes(self, cells: Cells, rows: Integers) -> Integers:
        """The code of each row's cell; -1 where it is empty."""
        distinct, which = _distinct(cells)
        codes = np.array([self._code(plain(text)) for text in distinct], np.int64)
        return at_rows(cells.rows, codes[which] if len(distinct) else np.empty(0, np.int64), rows, NO_KEY)

    def _code(self, text: str) -> int:
        return self._codes.setdefault(text, len(self._codes)) if text else NO_KEY

    def combine(self, columns: list[Integers]) -> Integers:
        """One code for several columns together; -1 as soon as one is empty."""
        if len(columns) == 1:
            return columns[0]
        distinct, which = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        codes = [
            NO_KEY if NO_KEY in row else self._combined.setdefault(tuple(row), len(self._combined))
            for row in distinct.tolist()
        ]
        combined: Integers = np.array(codes, np.int64)[which.reshape(-1)]
        return combined


def rows_holding(cells: Cells, rows: Integers, wanted: Collection[str]) -> Marks:
    """Which rows hold one of the wanted values."""
    distinct, which = _distinct(cells)
    chosen = {plain(value) for value in wanted}
    hits = np.array([plain(text) in chosen for text in distinct], np.int64)
    empty = int("" in chosen)
    found: Marks = at_rows(cells.rows, hits[which] if len(distinct) else np.empty(0, np.int64), rows, empty) == 1
    return found


def shown_at(cells: Cells, rows: Integers) -> list[str]:
    """What each row's cell shows, empty where there is none."""
    distinct, which = _distinct(cells)
    places = at_rows(cells.rows, which, rows, -1)
    return ["" if place < 0 else distinct[place] for place in places.tolist()]


def _distinct(cells: Cells) -> tuple[list[str], Integers]:
    """The distinct cells as shown, and which of them each cell is."""
    if not len(cells):
        return [], np.empty(0, np.int64)
    _, ranks = np.unique(cells.mantissas, return_inverse=True)
    tags = (ranks.astype(np.int64) * 8 + cells.kinds) * 256 + (cells.exponents.astype(np.int64) + 128)
    _, firsts, which = np.unique(tags, return_index=True, return_inverse=True)
    return [value_at(cells, place).shown() for place in firsts.tolist()], which


def at_rows(cell_rows: Integers, values: Integers, rows: Integers, missing: int) -> Integers:
    """For each wanted row the value of the cell there; of two cells in one row the last counts."""
    found = np.full(len(rows), missing, np.int64)
    if not len(cell_rows):
        return found
    if bool(np.any(np.diff(cell_rows) < 0)):
        order = np.argsort(cell_rows, kind="stable")
        cell_rows, values = cell_rows[order], values[order]
    places = np.searchsorted(cell_rows, rows, side="right") - 1
    hits = (places >= 0) & (cell_rows[np.maximum(places, 0)] == rows)
    found[hits] = values[places[hits]]
    return found
