"""The Excel working paper: matched rows in colour, and all that an auditor needs to run the question again."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.workbook.book_writer import Band, BookWriter, Style, number, text
from core.workbook.decimals import parse, show
from core.workbook.source import Source
from tasks.two_sum.answering import Outcome
from tasks.two_sum.entries import Integers
from tasks.two_sum.ledger import Ledger
from tasks.two_sum.paper_rows import BAND, Looks, RowPairs, Tick, bands_of
from tasks.two_sum.reporting import skipped_cells, unmatched

MOST_COLUMNS = 50
MOST_CELLS = 10_000_000  # a larger paper takes longer to write than the question to answer, and nobody opens it
MOST_SKIPPED = 1 << 20
DATE = "yyyy-mm-dd"
COLOURS = ("DDEBF7", "E2EFDA", "FFF2CC", "FCE4D6", "EDEDED", "D9E1F2")
STYLES = [
    Style(bold=True),
    Style(number_format=DATE),
    *(Style(fill=colour) for colour in COLOURS),
    *(Style(fill=colour, number_format=DATE) for colour in COLOURS),
]
BOLD, DATED, COLOURED = 1, 2, 3  # places among the styles
LOOKS = Looks(
    [0, *range(COLOURED, COLOURED + len(COLOURS))],
    [DATED, *range(COLOURED + len(COLOURS), COLOURED + 2 * len(COLOURS))],
)


def why_not(ledger: Ledger) -> str | None:
    """Why no paper is made of this ledger, None if one is."""
    cells = sum(len(part.numbers.rows) * min(len(part.header.columns), MOST_COLUMNS) for part in ledger.parts)
    if cells <= MOST_CELLS:
        return None
    return (
        f"a working paper of {cells:,} cells is left out, {MOST_CELLS:,} are the most that are written;"
        " every pair is in the Parquet and CSV files"
    )


def nobody(_done: float, _total: float, /) -> None:
    """For callers that do not watch."""


def write(
    path: Path,
    source: Source,
    ledger: Ledger,
    outcome: Outcome,
    facts: Mapping[str, Mapping[str, Any]],
    *,
    tick: Tick = nobody,
) -> None:
    """One workbook: summary, matched rows, unmatched entries, skipped cells. `facts` fill the summary by title."""
    with BookWriter(path, STYLES) as book:
        book.add_sheet("Summary", [], [_summary({**facts, **_left_out(ledger)})], width=40)
        for at, part in enumerate(ledger.parts):
            columns = list(part.header.columns)[:MOST_COLUMNS]
            names = ["Row", *(column.name or column.letter for column in columns), "Pairs"]
            bands = bands_of(source, part, columns, _row_pairs(ledger, outcome, at), tick)
            book.add_sheet("Matched" if at == 0 else f"Matched {at + 1}", _bold(names), bands)
        book.add_sheet("Unmatched", _bold(["Sheet", "Cell", "Amount"]), _unmatched(ledger, outcome, tick))
        book.add_sheet("Skipped cells", _bold(["Sheet", "Cell", "Reason", "Shown"]), _skipped(ledger))


def _bold(names: Sequence[str]) -> list[str]:
    return [text(name, BOLD) for name in names]


def _left_out(ledger: Ledger) -> dict[str, dict[str, str]]:
    """What the paper does not show, so that nobody takes it for all there is."""
    notes = {}
    for part in ledger.parts:
        columns, skipped = len(part.header.columns), sum(part.skips.counts.values())
        if columns > MOST_COLUMNS:
            notes[f"{part.sheet.name}: columns"] = f"the first {MOST_COLUMNS} of {columns:,} are shown"
        if skipped > len(part.skips.kept):
            notes[f"{part.sheet.name}: skipped cells"] = f"the first {len(part.skips.kept):,} of {skipped:,} are listed"
    return {"Left out of this paper": notes} if notes else {}


def _summary(facts: Mapping[str, Mapping[str, Any]]) -> Band:
    names, values = list[str](), list[str]()
    for title, lines in facts.items():
        names += [text(title, BOLD), *map(text, lines), ""]
        values += ["", *(text("" if value is None else str(value)) for value in lines.values()), ""]
    return [names, values]


def _row_pairs(ledger: Ledger, outcome: Outcome, part: int) -> RowPairs:
    sides = (outcome.left,) if outcome.second is not None else (outcome.left, outcome.right)
    parts, rows = ledger.rows(np.concatenate(sides))
    pairs = np.tile(np.arange(1, outcome.listed + 1), len(sides))
    return RowPairs(rows[parts == part], pairs[parts == part], LOOKS)


def _unmatched(ledger: Ledger, outcome: Outcome, tick: Tick) -> Iterator[Band]:
    used: Integers = outcome.left if outcome.second is not None else np.concatenate([outcome.left, outcome.right])
    places = unmatched(outcome.first, used)
    amounts = ledger.values(outcome.scale)
    sheets = [text(part.sheet.name) for part in ledger.parts]
    letters = [part.column.letter for part in ledger.parts]
    for start in range(0, len(places), BAND):
        tick(1, 1)
        some = places[start : start + BAND]
        parts, rows = (each.tolist() for each in ledger.rows(some))
        exact = (parse(show(int(value), -outcome.scale)) or (0, 0) for value in amounts[some].tolist())
        yield [
            [sheets[part] for part in parts],
            [text(f"{letters[part]}{row}") for part, row in zip(parts, rows, strict=True)],
            [number(*value) for value in exact],
        ]


def _skipped(ledger: Ledger) -> Iterator[Band]:
    cells = skipped_cells([ledger], MOST_SKIPPED)
    if cells:
        yield [
            list(map(text, each)) for each in zip(*((c.sheet, c.cell, c.reason, c.shown) for c in cells), strict=True)
        ]
