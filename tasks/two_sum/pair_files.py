"""Every listed pair as Parquet and as CSV; no cell of ours can become a formula in a spreadsheet."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.workbook.decimals import show
from tasks.two_sum.answering import Outcome
from tasks.two_sum.entries import Amounts
from tasks.two_sum.ledger import Ledger
from tasks.two_sum.paper_rows import Tick, nobody
from tasks.two_sum.reporting import listed_values

BATCH = 20_000  # a fifth of a second's work
MOST_DIGITS = 76  # of an Arrow decimal
HEADER = [
    "pair",
    "target",
    "first_sheet",
    "first_cell",
    "first_amount",
    "second_sheet",
    "second_cell",
    "second_amount",
    "deviation",
]
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; numbers are written by us and stay numbers."""
    return f"'{text}" if text.startswith(RISKY) else text


def write_csv(path: Path, outcome: Outcome, ledger: Ledger, against: Ledger | None, tick: Tick = nobody) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(HEADER)
        for batch in batches(outcome, ledger, against, tick):
            writer.writerows(
                [
                    number,
                    show(aim, -outcome.scale),
                    harmless(sheet_a),
                    cell_a,
                    show(value_a, -outcome.scale),
                    harmless(sheet_b),
                    cell_b,
                    show(value_b, -outcome.scale),
                    show(deviation, -outcome.scale),
                ]
                for number, aim, sheet_a, cell_a, value_a, sheet_b, cell_b, value_b, deviation in batch
            )


def write_parquet(path: Path, outcome: Outcome, ledger: Ledger, against: Ledger | None, tick: Tick = nobody) -> None:
    """Amounts are exact decimals, or texts where a number has more digits than Arrow keeps."""
    widest = max((len(str(abs(value))) for value in _extremes(outcome, ledger, against)), default=1)
    fits = max(widest, outcome.scale) <= MOST_DIGITS
    amount = pa.decimal256(max(widest, outcome.scale, 1), outcome.scale) if fits else pa.string()
    text, count = pa.dictionary(pa.int32(), pa.string()), pa.int64()
    types = [count, amount, text, pa.string(), amount, text, pa.string(), amount, amount]
    fields = [pa.field(name, form) for name, form in zip(HEADER, types, strict=True)]
    with pq.ParquetWriter(path, pa.schema(fields), compression="zstd") as writer:
        for batch in batches(outcome, ledger, against, tick):
            columns = []
            for field, values in zip(fields, zip(*batch, strict=True), strict=True):
                plain = [show(value, -outcome.scale) for value in values] if field.type == amount else list(values)
                columns.append(
                    pa.array(plain, pa.string()).cast(amount) if field.type == amount else pa.array(plain, field.type)
                )
            writer.write_table(pa.Table.from_arrays(columns, schema=pa.schema(fields)))


def _extremes(outcome: Outcome, ledger: Ledger, against: Ledger | None) -> Iterator[int]:
    yield from outcome.targets
    for values in (*listed_values(outcome, ledger, against), outcome.deviations):
        if len(values):
            yield int(values.max())
            yield int(values.min())


PairRow = tuple[int, int, str, str, int, str, str, int, int]


def batches(
    outcome: Outcome, ledger: Ledger, against: Ledger | None, tick: Tick, most: int | None = None
) -> Iterator[list[PairRow]]:
    """Every listed pair, or the first of them, in the order of `HEADER`; amounts in units of the outcome."""
    listed = outcome.listed if most is None else min(most, outcome.listed)
    left, right = listed_values(outcome, ledger, against)
    others = ledger if against is None else against
    for start in range(0, listed, BATCH):
        tick(start, listed)
        piece = slice(start, min(start + BATCH, listed))
        yield list(
            zip(
                range(piece.start + 1, piece.stop + 1),
                [outcome.targets[which] for which in outcome.which_target[piece].tolist()],
                *_places(ledger, outcome.left[piece]),
                _integers(left[piece]),
                *_places(others, outcome.right[piece]),
                _integers(right[piece]),
                _integers(outcome.deviations[piece]),
                strict=True,
            )
        )


def _integers(values: Amounts) -> list[int]:
    return [int(value) for value in values.tolist()]


def _places(ledger: Ledger, places: "np.ndarray") -> tuple[list[str], list[str]]:
    parts, rows = ledger.rows(places)
    sheets = [ledger.parts[part].sheet.name for part in parts.tolist()]
    letters = [part.column.letter for part in ledger.parts]
    return sheets, [f"{letters[part]}{row}" for part, row in zip(parts.tolist(), rows.tolist(), strict=True)]
