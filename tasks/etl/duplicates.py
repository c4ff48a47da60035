"""Ids that come more than once in a file, found in bounded memory and judged exactly, in the file's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import Array, pc
from tasks.etl.fields import BLANKS, ID_LENGTH
from tasks.etl.hashing import Hashes, shortened
from tasks.etl.reasons import Reason

HASHES_AT_ONCE = 3_000_000  # 24 MB, and as much again while they are gathered


def short_ids(texts: Array) -> Array:
    return shortened(pc.fill_null(pc.utf8_trim(texts, characters=BLANKS), ""))


def repeated_hashes(read: Callable[[], Iterable[Hashes]], rows: int) -> list[Hashes]:
    """The hashes that several rows share, in parts. Reads them once per three million rows, not into memory."""
    parts = max(1, -(-rows // HASHES_AT_ONCE))
    return [_repeated_of_part(read(), part, parts) for part in range(parts)]


def _repeated_of_part(read: Iterable[Hashes], part: int, parts: int) -> Hashes:
    kept = [numbers if parts == 1 else numbers[numbers % np.uint64(parts) == part] for numbers in read]
    numbers = np.concatenate(kept) if kept else np.zeros(0, np.uint64)
    kept.clear()
    numbers.sort()
    again = numbers[1:][numbers[1:] == numbers[:-1]]
    return np.unique(again)


def duplicate_reasons(lines: NDArray[np.int64], ids: list[str], reasons: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """For rows that may share ids: the first sound row of a short id takes it, later ones are told so."""
    added = np.zeros(len(ids), np.uint32)
    owners: dict[str, str] = {}
    for index in np.argsort(lines, kind="stable").tolist():
        full = ids[index]
        if not full:
            continue
        owner = owners.get(full[:ID_LENGTH])
        if owner is not None:
            added[index] = (Reason.ID_DUPLICATE if owner == full else Reason.ID_COLLISION).bit
        elif reasons[index] == 0:
            owners[full[:ID_LENGTH]] = full
    return added
