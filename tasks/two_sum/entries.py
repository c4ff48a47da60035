"""The amounts a question is asked of: exact integers at one scale, with what may restrict their partners."""

from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
Amounts = npt.NDArray[np.int64] | npt.NDArray[np.object_]
# Sums, differences and tolerances of amounts this small stay inside 64 bits.
SAFE = 1 << 60


@dataclass(frozen=True)
class Entries:
    """Amounts in reading order. Beyond 64 bits they are Python integers in an object array."""

    values: Amounts
    groups: Integers | None = None  # only entries of one group match
    days: Integers | None = None  # for a date window

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Integers) -> "Entries":
        """Only those entries, in the order given."""
        return Entries(
            self.values[places],
            None if self.groups is None else self.groups[places],
            None if self.days is None else self.days[places],
        )


@dataclass(frozen=True)
class Question:
    """What two amounts must do to match, in the units of the entries."""

    target: int
    tolerance: int = 0
    # Per cent tolerance as a fraction: of the target, or with target 0 of the larger amount of the two.
    share: tuple[int, int] | None = None
    max_days: int | None = None
    date_order: str = "any"  # `forward`: the second is not older than the first; `backward`: not younger


def as_amounts(values: list[int]) -> Amounts:
    """An array of exact integers: 64-bit when all are safely inside, objects when not."""
    if all(-SAFE < value < SAFE for value in values):
        return np.array(values, np.int64)
    return np.array(values, np.object_)


def is_int64(values: Amounts) -> TypeGuard[Integers]:
    return values.dtype == np.int64
