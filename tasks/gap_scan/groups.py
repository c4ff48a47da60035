"""Part the numbers of a column into the groups that their labels make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InvalidInputError
from tasks.gap_scan.column import Label, Understood
from tasks.gap_scan.series import Block

MOST_GROUPS = 50_000
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Numbers that share their labels."""

    label: dict[str, str]
    block: Block


def parted(column: Understood, further: Sequence[Label]) -> Iterator[Group]:
    """Each group once, in the order of its labels; without labels there is one group."""
    labels = (*column.labels, *further)
    if not labels or not len(column.rows):
        if not labels:
            yield Group({}, Block(column.rows, column.numbers))
        return
    which, firsts = _combined(labels)
    if len(firsts) > MOST_GROUPS:
        raise InvalidInputError(
            f"the numbers fall into {len(firsts):,} groups, more than {MOST_GROUPS:,}: "
            "group by a column that repeats, or by none",
            field="group_by",
        )
    order = np.argsort(which, kind="stable")
    ends = np.searchsorted(which[order], np.arange(len(firsts) + 1))
    named = [
        ({label.name: label.values[label.codes[row]] for label in labels}, number)
        for number, row in enumerate(firsts.tolist())
    ]
    for names, number in sorted(named, key=lambda pair: list(pair[0].values())):
        rows = order[ends[number] : ends[number + 1]]
        yield Group(names, Block(column.rows[rows], column.numbers[rows]))


def _combined(labels: Sequence[Label]) -> tuple[Numbers, Numbers]:
    """One code for each combination, and the first place where each occurs."""
    which = np.zeros(len(labels[0].codes), np.int64)
    firsts = np.zeros(1, np.int64)
    for label in labels:
        _, firsts, which = np.unique(
            which * max(len(label.values), 1) + label.codes, return_index=True, return_inverse=True
        )
    return which.astype(np.int64), firsts.astype(np.int64)
