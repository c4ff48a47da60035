"""The Excel working paper: matched rows in colour, and all that an auditor needs to run the question again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from core import exact_json
from core.workbook.book_writer import Band, BookWriter, Style, number, text
from core.workbook.decimals import parse, show
from core.workbook.header import Column
from core.workbook.source import Source
from tasks.two_sum.answering import Side
from tasks.two_sum.entries import Integers
from tasks.two_sum.ledger import Ledger, Part
from tasks.two_sum.pair_files import HEADER, batches
from tasks.two_sum.paper_rows import BAND, Looks, RowPairs, Tick, bands_of, nobody
from tasks.two_sum.reporting import skipped_cells, unmatched
from tasks.two_sum.scanning import Scan

MOST_COLUMNS = 50
# A full sheet of ten columns, with row and pairs beside them: a larger paper takes minutes, and nobody opens it.
MOST_CELLS = 12 << 20
OWN_COLUMNS = 2  # row and pairs
MOST_SKIPPED = 1 << 20
MOST_PAIRS = 100_000  # side by side; what a row belongs to is said in the row, however many there are
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


@dataclass(frozen=True)
class Table:
    """One table of the question, and which of its entries are in the listed pairs, pair by pair."""

    source: Source
    ledger: Ledger
    side: Side
    paired: Sequence[Integers]
    matched: str  # how its sheets are called
    unmatched: str


def why_not(*ledgers: Ledger | None) -> str | None:
    """Why no paper is made of these, None if one is."""
    parts = _parts(ledgers)
    cells = sum(len(part.numbers.rows) * (len(part.named) + OWN_COLUMNS) for part in parts)
    if cells <= MOST_CELLS:
        return None
    return (
        f"a working paper of {cells:,} cells is left out, {MOST_CELLS:,} are the most that are written;"
        " every pair is in the Parquet and CSV files"
    )


def _parts(ledgers: Iterable[Ledger | None]) -> list[Part]:
    return [part for ledger in ledgers if ledger is not None for part in ledger.parts]


def _most_columns(ledgers: Iterable[Ledger | None]) -> int:
    rows = sum(len(part.numbers.rows) for part in _parts(ledgers))
    return min(MOST_COLUMNS, MOST_CELLS // max(rows, 1) - OWN_COLUMNS)


def _columns(part: Part, most: int) -> list[Column]:
    """As many as there is room for; those that the question names are always there."""
    columns = part.header.columns
    others = [column.index for column in columns if column.index not in part.named]
    shown = part.named | set(others[: max(most - len(part.named), 0)])
    return [column for column in columns if column.index in shown]


def write(
    path: Path,
    found: Scan,
    facts: Mapping[str, Mapping[str, Any]],
    *,
    tick: Tick = nobody,
) -> None:
    """One workbook: summary, the rows, unmatched entries, skipped cells. `facts` fill the summary by title."""
    tables = _tables(found)
    ledgers = [table.ledger for table in tables]
    most = _most_columns(ledgers)
    with BookWriter(path, STYLES) as book:
        book.add_sheet(
            "Summary",
            [],
            [_summary({**facts, **_sheets(tables), **_left_out(ledgers, most, found.outcome.listed)})],
            width=40,
        )
        book.add_sheet("Pairs", _bold(HEADER), _pairs(found))
        for number, table in enumerate(tables):
            watch = partial(_of_all, tick, number, len(tables))
            for at, part in enumerate(table.ledger.parts):
                columns = _columns(part, most)
                names = ["Row", *(column.name or column.letter for column in columns), "Pairs"]
                bands = bands_of(table.source, part, columns, _row_pairs(table, at), watch)
                book.add_sheet(_numbered(table.matched, at), _bold(names), bands)
            bands = _unmatched(table, found.outcome.scale, watch)
            book.add_sheet(table.unmatched, _bold(["Sheet", "Cell", "Amount"]), bands)
        book.add_sheet("Skipped cells", _bold(["Sheet", "Cell", "Reason", "Shown"]), _skipped(ledgers))


def _tables(found: Scan) -> list[Table]:
    outcome = found.outcome
    if found.against is None or found.against_source is None or outcome.second is None:
        both = [outcome.left, outcome.right]
        return [Table(found.source, found.ledger, outcome.first, both, "Matched", "Unmatched")]
    return [
        Table(found.source, found.ledger, outcome.first, [outcome.left], "Matched", "Unmatched"),
        Table(found.against_source, found.against, outcome.second, [outcome.right], "Against", "Unmatched against"),
    ]


def _of_all(tick: Tick, number: int, tables: int, done: float, total: float) -> None:
    tick(number + done / total, tables)


def _numbered(name: str, at: int) -> str:
    return name if at == 0 else f"{name} {at + 1}"


def _sheets(tables: Sequence[Table]) -> dict[str, dict[str, str]]:
    """Which sheet of this paper shows which sheet of the input."""
    shown = {
        _numbered(table.matched, at): part.sheet.name for table in tables for at, part in enumerate(table.ledger.parts)
    }
    return {"Sheets of this paper": shown}


def _bold(names: Sequence[str]) -> list[str]:
    return [text(name, BOLD) for name in names]


def _pairs(found: Scan) -> Iterator[Band]:
    """The first pairs side by side, as in the CSV file."""
    scale = found.outcome.scale
    for some in batches(found.outcome, found.ledger, found.against, nobody, MOST_PAIRS):
        yield [
            list(map(text, column)) if isinstance(column[0], str) else [_amount(each, at, scale) for each in column]
            for at, column in enumerate(zip(*some, strict=True))
        ]


def _amount(value: int, column: int, scale: int) -> str:
    """What is not the pair's number is an amount."""
    return number(value) if column == 0 else number(*(parse(show(value, -scale)) or (0, 0)))


def _left_out(ledgers: Sequence[Ledger], most: int, pairs: int) -> dict[str, dict[str, str]]:
    """What the paper does not show, so that nobody takes it for all there is."""
    notes = {}
    if pairs > MOST_PAIRS:
        notes["Pairs"] = f"the first {MOST_PAIRS:,} of {pairs:,} are shown; all of them are in pairs.csv"
    for part in _parts(ledgers):
        columns, shown = len(part.header.columns), len(_columns(part, most))
        skipped = sum(part.skips.counts.values())
        if columns > shown:
            notes[f"{part.sheet.name}: columns"] = (
                f"{shown} of {columns:,} are shown: those that the question names and the first of the others"
            )
        if skipped > len(part.skips.kept):
            notes[f"{part.sheet.name}: skipped cells"] = f"the first {len(part.skips.kept):,} of {skipped:,} are listed"
    return {"Left out of this paper": notes} if notes else {}


def _summary(facts: Mapping[str, Mapping[str, Any]]) -> Band:
    names, values = list[str](), list[str]()
    for title, lines in facts.items():
        names += [text(title, BOLD), *map(text, lines), ""]
        values += ["", *map(_fact, lines.values()), ""]
    return [names, values]


def _fact(value: object) -> str:
    """A number stays one; lists and the like are written as the API takes them."""
    match value:
        case None:
            return ""
        case bool():
            return text("yes" if value else "no")
        case int() | float() | Decimal():
            exact = parse(str(value))
            return text(str(value)) if exact is None else number(*exact)
        case list() | dict():
            return text(exact_json.dumps(value).decode())
        case _:
            return text(str(value))


def _row_pairs(table: Table, part: int) -> RowPairs:
    parts, rows = table.ledger.rows(np.concatenate(table.paired))
    pairs = np.tile(np.arange(1, len(table.paired[0]) + 1), len(table.paired))
    return RowPairs(rows[parts == part], pairs[parts == part], LOOKS)


def _unmatched(table: Table, scale: int, tick: Tick) -> Iterator[Band]:
    ledger = table.ledger
    places = unmatched(table.side, np.concatenate(table.paired))
    amounts = ledger.values(scale)
    sheets = [text(part.sheet.name) for part in ledger.parts]
    letters = [part.column.letter for part in ledger.parts]
    for start in range(0, len(places), BAND):
        tick(1, 1)
        some = places[start : start + BAND]
        parts, rows = (each.tolist() for each in ledger.rows(some))
        exact = (parse(show(int(value), -scale)) or (0, 0) for value in amounts[some].tolist())
        yield [
            [sheets[part] for part in parts],
            [text(f"{letters[part]}{row}") for part, row in zip(parts, rows, strict=True)],
            [number(*value) for value in exact],
        ]


def _skipped(ledgers: Sequence[Ledger]) -> Iterator[Band]:
    cells = skipped_cells(ledgers, MOST_SKIPPED)
    if cells:
        yield [
            list(map(text, each)) for each in zip(*((c.sheet, c.cell, c.reason, c.shown) for c in cells), strict=True)
        ]
