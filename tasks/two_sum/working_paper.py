"""The Excel working paper: matched rows in colour, and all that an auditor needs to run the question again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

from core.workbook import addresses
from core.workbook.cells import CellKind, CellValue
from core.workbook.decimals import parse, show
from core.workbook.source import Head, Source
from tasks.two_sum.amounts import value_at
from tasks.two_sum.answering import Outcome
from tasks.two_sum.entries import Integers
from tasks.two_sum.ledger import Ledger
from tasks.two_sum.reporting import skipped_cells, unmatched

MOST_ROWS = addresses.MAX_ROWS - 1  # the header takes one
MOST_COLUMNS = 50
MOST_CELLS = 10_000_000  # a larger paper takes longer to write than the question to answer, and nobody opens it
MOST_PAIRS_SHOWN = 20
DIGITS = 15
DATE = "yyyy-mm-dd"
COLOURS = ("#DDEBF7", "#E2EFDA", "#FFF2CC", "#FCE4D6", "#EDEDED", "#D9E1F2")
# Texts of the input are written as texts, whatever they start with.
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def why_not(ledger: Ledger) -> str | None:
    """Why no paper is made of this ledger, None if one is."""
    cells = sum(len(part.numbers.rows) * min(len(part.header.columns), MOST_COLUMNS) for part in ledger.parts)
    if cells <= MOST_CELLS:
        return None
    return (
        f"a working paper of {cells:,} cells is left out, {MOST_CELLS:,} are the most that are written;"
        " every pair is in the Parquet and CSV files"
    )


def write(path: Path, source: Source, ledger: Ledger, outcome: Outcome, facts: Mapping[str, Mapping[str, Any]]) -> None:
    """One workbook: summary, matched rows, unmatched entries, skipped cells. `facts` fill the summary by title."""
    with xlsxwriter.Workbook(str(path), OPTIONS) as book:
        paper = _Paper(book, source, ledger, outcome)
        paper.summarise(facts)
        for number in range(len(ledger.parts)):
            paper.show_matched(number)
        paper.list_unmatched()
        paper.list_skipped()


class _Paper:
    """The sheets of one working paper and the formats they share."""

    def __init__(self, book: Any, source: Source, ledger: Ledger, outcome: Outcome) -> None:
        self._book, self._source, self._ledger, self._outcome = book, source, ledger, outcome
        self._bold = book.add_format({"bold": True})
        self._date = book.add_format({"num_format": DATE})
        self._colours = [book.add_format({"bg_color": colour}) for colour in COLOURS]
        self._dated_colours = [book.add_format({"bg_color": colour, "num_format": DATE}) for colour in COLOURS]

    def summarise(self, facts: Mapping[str, Mapping[str, Any]]) -> None:
        sheet = self._book.add_worksheet("Summary")
        sheet.set_column(0, 1, 40)
        line = 0
        for title, values in facts.items():
            sheet.write_string(line, 0, title, self._bold)
            for name, value in values.items():
                line += 1
                sheet.write_string(line, 0, name)
                sheet.write_string(line, 1, "" if value is None else str(value))
            line += 2

    def show_matched(self, number: int) -> None:
        """The rows as the input has them, each value in its own type, the pairs' numbers in the last column."""
        part = self._ledger.parts[number]
        sheet = self._book.add_worksheet("Matched" if number == 0 else f"Matched {number + 1}")
        columns = list(part.header.columns)[:MOST_COLUMNS]
        for at, name in enumerate(["Row", *(column.name or column.letter for column in columns), "Pairs"]):
            sheet.write_string(0, at, name, self._bold)
        wanted = {column.index: True for column in columns}
        cells = self._source.columns(part.sheet, wanted, part.header.first_data_row)
        days = _date_columns(self._source.head(part.sheet))
        pairs = self._pairs_by_row(number)
        rows = np.unique(np.concatenate([each.rows for each in cells.values()]))
        rows = rows[:MOST_ROWS]
        places = {index: _places(each.rows, rows) for index, each in cells.items()}
        for line, row in enumerate(rows.tolist(), start=1):
            numbers = pairs.get(row, [])
            sheet.write_number(line, 0, row, self._style(numbers, is_date=False))
            for at, column in enumerate(columns, start=1):
                place = places[column.index][line - 1]
                if place >= 0:
                    style = self._style(numbers, is_date=column.index in days)
                    _write_cell(sheet, (line, at), value_at(cells[column.index], place), style)
            if numbers:
                sheet.write_string(line, len(columns) + 1, ", ".join(map(str, numbers[:MOST_PAIRS_SHOWN])))

    def _style(self, numbers: list[int], *, is_date: bool) -> Any:
        if not numbers:
            return self._date if is_date else None
        return (self._dated_colours if is_date else self._colours)[(numbers[0] - 1) % len(COLOURS)]

    def _pairs_by_row(self, number: int) -> dict[int, list[int]]:
        """The numbers of the pairs that each row of this part is in."""
        outcome, found = self._outcome, dict[int, list[int]]()
        for places in (outcome.left,) if outcome.second is not None else (outcome.left, outcome.right):
            parts, rows = self._ledger.rows(places)
            for pair, (part, row) in enumerate(zip(parts.tolist(), rows.tolist(), strict=True), start=1):
                if part == number:
                    found.setdefault(row, []).append(pair)
        return found

    def list_unmatched(self) -> None:
        outcome, sheet = self._outcome, self._book.add_worksheet("Unmatched")
        sheet.write_row(0, 0, ["Sheet", "Cell", "Amount"], self._bold)
        used = outcome.left if outcome.second is not None else np.concatenate([outcome.left, outcome.right])
        places = unmatched(outcome.first, used)[:MOST_ROWS]
        values = self._ledger.values(outcome.scale)[places]
        parts, rows = self._ledger.rows(places)
        entries = zip(parts.tolist(), rows.tolist(), values.tolist(), strict=True)
        for line, (number, row, value) in enumerate(entries, start=1):
            part = self._ledger.parts[number]
            sheet.write_string(line, 0, part.sheet.name)
            sheet.write_string(line, 1, f"{part.column.letter}{row}")
            mantissa, exponent = parse(show(int(value), -outcome.scale)) or (0, 0)
            _write_cell(sheet, (line, 2), CellValue(CellKind.NUMBER, mantissa, exponent), None)

    def list_skipped(self) -> None:
        sheet = self._book.add_worksheet("Skipped cells")
        sheet.write_row(0, 0, ["Sheet", "Cell", "Reason", "Shown"], self._bold)
        for line, cell in enumerate(skipped_cells([self._ledger], MOST_ROWS), start=1):
            for at, text in enumerate((cell.sheet, cell.cell, cell.reason, cell.shown)):
                sheet.write_string(line, at, text)


def _places(known: Integers, rows: Integers) -> Integers:
    """Where each row stands among the known ones, -1 where it does not: bounded, as a dict of a million is not."""
    order = np.argsort(known, kind="stable")
    at = np.searchsorted(known, rows, side="right", sorter=order) - 1
    found = order[np.maximum(at, 0)] if len(known) else np.full(len(rows), -1)
    return np.where((at >= 0) & (known[found] == rows), found, -1) if len(known) else found


def _date_columns(head: Head) -> set[int]:
    return {at for row in head.rows.values() for at, cell in row.items() if cell.is_date}


def _write_cell(sheet: Any, at: tuple[int, int], value: CellValue, style: Any) -> None:
    match value.kind:
        case CellKind.NUMBER if len(str(abs(value.mantissa))) <= DIGITS:
            sheet.write_number(*at, float(value.shown()), style)
        case CellKind.BOOLEAN:
            sheet.write_boolean(*at, bool(value.mantissa), style)
        case _:  # a number of more digits than Excel keeps stands as text, exact
            sheet.write_string(*at, value.shown(), style)
