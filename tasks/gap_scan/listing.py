"""What a report lists, group by group: a line for each range, doubled number, stray and mask breaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.gap_scan.scan import GapReport, GroupReport
from tasks.gap_scan.series import Found


@dataclass(frozen=True)
class MissingLine:
    group: dict[str, str]
    first: int
    last: int
    count: int
    first_shown: str
    last_shown: str


@dataclass(frozen=True)
class NumberLine:
    """A number in a cell: doubled, outside the range, off the step, or voided and used all the same."""

    group: dict[str, str]
    finding: str
    number: int
    shown: str
    cell: str


def missing_lines(report: GapReport, most: int) -> Iterator[MissingLine]:
    """The first ranges of missing numbers, in the order of groups and numbers."""
    for group in report.groups:
        step = group.series.step
        pairs = group.series.missing.pairs(most)
        most -= len(pairs)
        for first, last in pairs:
            shown = (report.shown(first, group.label), report.shown(last, group.label))
            yield MissingLine(group.label, first, last, (last - first) // step + 1, *shown)


def doubled_lines(report: GapReport, most: int) -> Iterator[NumberLine]:
    for group in report.groups:
        for line in _numbers(report, group, "doubled", group.series.doubled_cells):
            if most <= 0:
                return
            most -= 1
            yield line


def stray_lines(report: GapReport, most: int) -> Iterator[NumberLine]:
    """Numbers outside the range or between two steps, and voided ones that are used: these without their cells."""
    for group in report.groups:
        lines = [
            _numbers(report, group, "outside range", group.series.outside_range),
            _numbers(report, group, "off step", group.series.off_step),
            _used(report, group, most),
        ]
        for line in (line for found in lines for line in found):
            if most <= 0:
                return
            most -= 1
            yield line


def _numbers(report: GapReport, group: GroupReport, finding: str, found: Found) -> Iterator[NumberLine]:
    for number, row in zip(found.numbers, found.rows, strict=True):
        shown = report.shown(number, group.label)
        yield NumberLine(group.label, finding, number, shown, report.cell(row))


def _used(report: GapReport, group: GroupReport, most: int) -> Iterator[NumberLine]:
    step = group.series.step
    for first, last in group.series.voided_used.pairs(most):
        for number in range(first, min(last, first + most * step) + 1, step):
            yield NumberLine(group.label, "voided, but used", number, report.shown(number, group.label), "")
