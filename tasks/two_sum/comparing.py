"""Compare two runs: which pairs one found and the other did not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

KEY = ("first_sheet", "first_cell", "second_sheet", "second_cell")
SHOWN = ("first_amount", "second_amount")
MOST_SHOWN = 200

Row = dict[str, str]


@dataclass(frozen=True)
class Comparison:
    """Pairs of the second run that the first had not, and the other way round."""

    kept: int
    gained: int
    lost: int
    first_gained: Sequence[Row]
    first_lost: Sequence[Row]


def compare(before: Path, after: Path) -> Comparison:
    """By the cells of the pairs, whatever their order and number."""
    old, new = _pairs(before), _pairs(after)
    gained = [row for key, row in new.items() if key not in old]
    lost = [row for key, row in old.items() if key not in new]
    return Comparison(len(new) - len(gained), len(gained), len(lost), gained[:MOST_SHOWN], lost[:MOST_SHOWN])


def _pairs(path: Path) -> dict[tuple[str, ...], Row]:
    table = pq.read_table(path, columns=[*KEY, *SHOWN])
    rows = ({name: str(value) for name, value in row.items()} for row in table.to_pylist())
    return {tuple(row[name] for name in KEY): row for row in rows}
