"""The result of a gap scan: exact counts, and the first of each finding."""

from __future__ import annotations

from itertools import groupby, islice

from tasks.gap_scan.contract import BreakerCell, DoubledNumber, GapScanParams, GapScanResult, GroupSummary, MissingRange
from tasks.gap_scan.listing import doubled_lines, missing_lines
from tasks.gap_scan.mask import parse_mask
from tasks.gap_scan.scan import GapReport, GroupReport, Question
from tasks.gap_scan.series import Bounds

SHOWN = 50
MOST_CELLS = 10
MOST_GROUPS_SHOWN = 100


def question_of(params: GapScanParams) -> Question:
    return Question(
        sheet=params.sheet,
        column=params.column,
        header_row=params.header_row,
        mask=None if params.mask is None else parse_mask(params.mask),
        group_by=params.group_by,
        bounds=Bounds(params.start, params.end, params.step),
        voided=params.voided,
    )


def result_of(report: GapReport, sha256: str, most: int, seconds: float) -> GapScanResult:
    groups = [_summary(group) for group in report.groups]
    totals = {
        name: sum(getattr(group, name) for group in groups)
        for name in (
            "numbers",
            "missing",
            "missing_ranges",
            "doubled",
            "surplus",
            "outside_range",
            "off_step",
            "voided_used",
        )
    }
    wrong = sum(totals[name] for name in ("missing", "surplus", "outside_range", "off_step", "voided_used"))
    return GapScanResult(
        is_complete=not wrong and not report.breaker_count,
        input_sha256=sha256,
        sheet=report.sheet,
        column=report.column.name or report.column.letter,
        **totals,
        breakers=report.breaker_count,
        groups=len(groups),
        truncated=_is_truncated(report, totals, most),
        first_missing=[
            MissingRange(
                group=line.group,
                first=line.first,
                last=line.last,
                count=line.count,
                first_shown=line.first_shown,
                last_shown=line.last_shown,
            )
            for line in missing_lines(report, SHOWN)
        ],
        first_doubled=_first_doubled(report),
        first_breakers=[
            BreakerCell(cell=report.cell(one.row), value=one.value, reason=one.reason)
            for one in report.breakers[:SHOWN]
        ],
        by_group=groups[:MOST_GROUPS_SHOWN],
        seconds=round(seconds, 3),
    )


def _summary(group: GroupReport) -> GroupSummary:
    one = group.series
    return GroupSummary(
        group=group.label,
        numbers=one.read,
        first=one.first,
        last=one.last,
        missing=one.missing_count,
        missing_ranges=len(one.missing),
        doubled=one.doubled,
        surplus=one.surplus,
        outside_range=one.outside_range.count,
        off_step=one.off_step.count,
        voided_used=one.voided_used_count,
    )


def _is_truncated(report: GapReport, totals: dict[str, int], most: int) -> bool:
    listed = sum(len(group.series.doubled_cells.rows) for group in report.groups)
    found = sum(group.series.doubled_cells.count for group in report.groups)
    strays = totals["outside_range"] + totals["off_step"] + totals["voided_used"]
    kept = sum(
        len(group.series.outside_range.rows) + len(group.series.off_step.rows) + group.series.voided_used_count
        for group in report.groups
    )
    return (
        max(totals["missing_ranges"], found, strays, report.breaker_count) > most
        or listed < found
        or kept < strays
        or len(report.breakers) < report.breaker_count
    )


def _first_doubled(report: GapReport) -> list[DoubledNumber]:
    lines = doubled_lines(report, SHOWN * MOST_CELLS * 10)
    found = groupby(lines, key=lambda line: (tuple(line.group.items()), line.number, line.shown))
    return [
        DoubledNumber(
            group=dict(group), number=number, shown=shown, cells=[line.cell for line in islice(same, MOST_CELLS)]
        )
        for (group, number, shown), same in islice(found, SHOWN)
    ]
