"""From what was found to what people read: addresses, exact amounts, counts, chance and advice."""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from core.workbook import addresses
from tasks.two_sum.amounts import SkipReason
from tasks.two_sum.answering import Outcome, Side, question_of, shown
from tasks.two_sum.chance import advice, chance_pairs
from tasks.two_sum.contract import (
    INLINE_PAIRS,
    Mode,
    Pair,
    ScanReport,
    SkippedCell,
    Spot,
    TargetAnswer,
    TextNumbers,
    TwoSumParams,
    TwoSumResult,
)
from tasks.two_sum.entries import Amounts, Integers
from tasks.two_sum.ledger import Ledger, Spotted
from tasks.two_sum.text_numbers import parse_text, style_of

SKIPPED_INLINE = 100
QUICK_SAMPLE = 4_000  # the estimate must not outlast a quick question
TARGETS_ESTIMATED = 20


def result_of(
    params: TwoSumParams,
    outcome: Outcome,
    ledger: Ledger,
    against: Ledger | None,
    targets_at: Ledger | None = None,
    **facts: object,
) -> TwoSumResult:
    """The job's result. `facts` are hashes and times that only the caller knows."""
    left, right = listed_values(outcome, ledger, against)
    pairs = [
        _pair(outcome, (ledger, against or ledger), at, (int(left[at]), int(right[at])))
        for at in range(min(outcome.listed, INLINE_PAIRS))
    ]
    chance = _chance(params, outcome)
    part = ledger.parts[0]
    report = ScanReport.model_validate(
        {
            "rows_read": len(ledger),
            "rows_against": None if against is None else len(against),
            "skipped": _merged(ledger.skipped(), {} if against is None else against.skipped()),
            "skipped_cells": skipped_cells([each for each in (ledger, against) if each is not None], SKIPPED_INLINE),
            "pairs": outcome.pairs,
            "listed": outcome.listed,
            "truncated": params.mode is Mode.ALL and (outcome.pairs or 0) > outcome.listed,
            **_rows(params, outcome),
            "sum_first": shown(_total(left), outcome.scale),
            "sum_second": shown(_total(right), outcome.scale),
            "chance_pairs": None if chance is None else float(f"{chance:.3g}"),
            "advice": "; ".join(
                said
                for said in (_typed_as_text(params, ledger), advice(chance, part.header, {part.column.index}))
                if said
            )
            or None,
            "first_pairs": pairs,
            "by_target": _by_target(outcome, targets_at),
            "column": part.column.name or part.column.letter,
            "header_row": part.header.row,
            **facts,
        }
    )
    first = pairs[0] if pairs else None
    return TwoSumResult(
        found=bool(outcome.pairs) or first is not None,
        indices=None if first is None else [first.first.position, first.second.position],
        numbers=None if first is None else [first.first.value, first.second.value],
        report=report,
    )


def _typed_as_text(params: TwoSumParams, ledger: Ledger) -> str | None:
    """What to say when amounts took no part only because nobody asked for texts to be read."""
    count = ledger.skipped().get(SkipReason.TEXT, 0)
    if params.text_numbers is not TextNumbers.OFF or not count:
        return None
    kept = [skip.shown for part in ledger.parts for skip in part.skips.kept if skip.reason is SkipReason.TEXT]
    style = style_of(kept) or TextNumbers.POINT
    if not any(parse_text(shown, style) for shown in kept):
        return None
    return (
        f"{count:,} cells were left out as texts, and some of them are numbers:"
        f" text_numbers reads them, as 'auto' or as '{style}'"
    )


def listed_values(outcome: Outcome, ledger: Ledger, against: Ledger | None) -> tuple[Amounts, Amounts]:
    """The amounts of the listed pairs as their files have them."""
    values = ledger.values(outcome.scale)
    others = values if against is None else against.values(outcome.scale)
    return values[outcome.left], others[outcome.right]


def _pair(outcome: Outcome, ledgers: tuple[Ledger, Ledger], at: int, values: tuple[int, int]) -> Pair:
    places = int(outcome.left[at]), int(outcome.right[at])
    first, second = (
        _spot(ledger.spot(place), shown(value, outcome.scale))
        for ledger, place, value in zip(ledgers, places, values, strict=True)
    )
    target = shown(outcome.targets[int(outcome.which_target[at])], outcome.scale)
    return Pair(first=first, second=second, target=target, deviation=shown(int(outcome.deviations[at]), outcome.scale))


def _spot(spot: Spotted, value: int | Decimal) -> Spot:
    return Spot(sheet=spot.sheet, cell=spot.cell, row=spot.row, position=spot.position, value=value)


def skipped_cells(ledgers: Sequence[Ledger], most: int) -> list[SkippedCell]:
    cells = [
        SkippedCell(
            sheet=part.sheet.name,
            cell=f"{addresses.letters(skip.column)}{skip.row}",
            reason=skip.reason,
            shown=skip.shown,
        )
        for ledger in ledgers
        for part in ledger.parts
        for skip in part.skips.kept[:most]
    ]
    return cells[:most]


def _merged(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {str(reason): one.get(reason, 0) + other.get(reason, 0) for reason in sorted({*one, *other})}


def _total(values: Amounts) -> int:
    return sum(values.tolist())


def _by_target(outcome: Outcome, targets_at: Ledger | None) -> list[TargetAnswer]:
    if len(outcome.targets) == 1:
        return []
    found = np.bincount(outcome.which_target, minlength=len(outcome.targets)).tolist()
    counts = [known if count is None else count for count, known in zip(outcome.by_target, found, strict=True)]
    spots = [None if targets_at is None else targets_at.spot(at) for at in range(len(counts))]
    return [
        TargetAnswer(
            target=shown(target, outcome.scale),
            pairs=count,
            sheet=None if spot is None else spot.sheet,
            cell=None if spot is None else spot.cell,
        )
        for target, count, spot in zip(outcome.targets, counts, spots, strict=True)
    ]


def _rows(params: TwoSumParams, outcome: Outcome) -> dict[str, int]:
    """Rows used, ambiguous and unmatched, over both tables; known where every pair was looked for."""
    if outcome.partners is None:
        return {}
    sides = [(outcome.first, outcome.partners[0])]
    if outcome.second is not None:
        sides.append((outcome.second, outcome.partners[1]))
    total = sum(len(side.entries) for side, _ in sides)
    used = sum(int(np.count_nonzero(partners)) for _, partners in sides)
    if params.one_to_one:
        used = 2 * (outcome.pairs or 0)
    ambiguous = sum(int(np.count_nonzero(partners > 1)) for _, partners in sides)
    return {"rows_used": used, "rows_ambiguous": ambiguous, "rows_unmatched": total - used}


def unmatched(side: Side, used: Integers) -> Integers:
    """Places of the entries that are in no listed pair."""
    keep = ~np.isin(side.places, used)
    return side.places[keep]


def _chance(params: TwoSumParams, outcome: Outcome) -> float | None:
    if params.mode is Mode.BEST:
        return None
    sample = QUICK_SAMPLE if params.mode is Mode.FIRST else 5 * QUICK_SAMPLE
    estimates = [
        chance_pairs(
            question_of(params, target, outcome.scale),
            outcome.first.entries,
            None if outcome.second is None else outcome.second.entries,
            sample,
        )
        for target in outcome.targets[:TARGETS_ESTIMATED]
    ]
    known = [each for each in estimates if each is not None]
    return sum(known) * len(outcome.targets) / len(known) if known else None
