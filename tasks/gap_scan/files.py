"""The files of a gap scan: CSV lists and an Excel report. No text of the input can become a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import xlsxwriter

from core.cell_texts import fitting
from tasks.gap_scan.contract import GapScanResult
from tasks.gap_scan.listing import doubled_lines, missing_lines, stray_lines
from tasks.gap_scan.scan import GapReport

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
MOST_SHEET_ROWS = 100_000  # a longer list is for the CSV file: nobody scrolls it
LEFT_OFF = "{:,} more rows are in {}.csv alone"
LARGEST_EXACT = 10**15  # a cell holds a double; from here on the text is exact and the number is not
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}

Line = Sequence[str | int]
Wrote = Callable[[int], None]  # lines so far; it may raise to stop the writing
LINES_A_TICK = 5_000


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(RISKY) else text


class Lists:
    """Each list of the report by name: its header, and its lines as often as somebody goes through them."""

    def __init__(self, report: GapReport, most: int) -> None:
        self._report, self._most = report, most
        self._names = list(report.groups[0].label) if report.groups else []

    def named(self) -> dict[str, tuple[list[str], Iterable[Line]]]:
        number = [*self._names, "finding", "number", "shown", "cell"]
        return {
            "missing": (
                [*self._names, "first", "last", "count", "first_shown", "last_shown"],
                (
                    [*line.group.values(), line.first, line.last, line.count, line.first_shown, line.last_shown]
                    for line in missing_lines(self._report, self._most)
                ),
            ),
            "doubled": (number, self._numbers("doubled")),
            "strays": (number, self._numbers("strays")),
            "breakers": (
                ["cell", "value", "reason"],
                ([self._report.cell(one.row), one.value, one.reason] for one in self._report.breakers[: self._most]),
            ),
            "groups": (
                [*self._names, "numbers", "first", "last", "missing", "doubled", "surplus", "outside", "off_step"],
                self._groups(),
            ),
        }

    def _numbers(self, which: str) -> Iterator[Line]:
        lines = doubled_lines if which == "doubled" else stray_lines
        for line in lines(self._report, self._most):
            yield [*line.group.values(), line.finding, line.number, line.shown, line.cell]

    def _groups(self) -> Iterator[Line]:
        for group in self._report.groups:
            one = group.series
            ends = ["" if end is None else end for end in (one.first, one.last)]
            counts = [one.missing_count, one.doubled, one.surplus, one.outside_range.count, one.off_step.count]
            yield [*group.label.values(), one.read, *ends, *counts]


def write_csv(path: Path, header: Sequence[str], lines: Iterable[Line], wrote: Wrote) -> int:
    """Write a list; answers how many lines it has."""
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow([harmless(name) for name in header])
        for line in lines:
            writer.writerow([harmless(value) if isinstance(value, str) else value for value in line])
            count += 1
            if count % LINES_A_TICK == 0:
                wrote(count)
    return count


def write_workbook(path: Path, lists: Lists, result: GapScanResult, wrote: Wrote) -> None:
    """A summary, and a sheet for each list that has anything."""
    with xlsxwriter.Workbook(str(path), OPTIONS) as book:
        bold = book.add_format({"bold": True})
        summary = book.add_worksheet("Summary")
        summary.set_column(0, 1, 30)
        listed = {"first_missing", "first_doubled", "first_breakers", "by_group"}
        for at, (name, value) in enumerate(result.model_dump(exclude=listed).items()):
            summary.write_string(at, 0, name, bold)
            summary.write_string(at, 1, fitting(str(value)))
        for name, (header, lines) in lists.named().items():
            sheet, left_off = None, 0
            for at, line in enumerate(lines, start=1):
                if at % LINES_A_TICK == 0:
                    wrote(at)
                if at > MOST_SHEET_ROWS:
                    left_off += 1
                    continue
                if sheet is None:
                    sheet = book.add_worksheet(name.capitalize())
                    sheet.write_row(0, 0, header, bold)
                for column, value in enumerate(line):
                    if isinstance(value, int) and abs(value) < LARGEST_EXACT:
                        sheet.write_number(at, column, value)
                    else:
                        sheet.write_string(at, column, fitting(str(value)))
            if sheet is not None and left_off:
                sheet.write_string(MOST_SHEET_ROWS + 1, 0, LEFT_OFF.format(left_off, name), bold)
