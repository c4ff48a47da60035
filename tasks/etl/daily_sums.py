"""Sum up charges by day and company while they are judged, so that publishing need not read them again."""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import pa, pc
from tasks.etl.judge import DAY_MICROS, Judged
from tasks.etl.pairs import unique
from tasks.etl.statuses import REPORTED, STATUSES

MOST_SUMS = 100_000  # beyond that Postgres sums up itself
MERGED_AT = 2 * MOST_SUMS
EPOCH = date(1970, 1, 1)
_REPORTED = [STATUSES.index(name) for name in REPORTED]
_SPLIT = 10**8  # sums of largest amounts are beyond 64 bits: they are added up in two halves
_COMPANIES = 1 << 32  # a key is the day times this, and the number of the company

Numbers = NDArray[np.int64]


class DailySums:
    """Exact totals and counts by day and company, and which companies have charges at all."""

    def __init__(self) -> None:
        self._parts: list[Numbers] = []  # columns of each: key, upper and lower half of the total, count
        self._size = 0
        self._numbers: dict[str, int] = {}  # of companies, in the order in which they came
        self.is_complete = True

    @property
    def companies(self) -> KeysView[str]:
        return self._numbers.keys()

    def add(self, judged: Judged, chosen: NDArray[np.bool_]) -> None:
        if not self.is_complete:
            return
        rows = np.flatnonzero(chosen & (judged.reasons == 0))
        encoded = pc.dictionary_encode(judged.company_ids)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        present = np.unique(codes[rows])
        numbers = np.zeros(len(encoded.dictionary), np.int64)
        names = encoded.dictionary.take(pa.array(present)).to_pylist()
        numbers[present] = [self._numbers.setdefault(name, len(self._numbers)) for name in names]
        rows = rows[np.isin(judged.statuses[rows], _REPORTED)]
        if len(rows):
            self._count(judged.created[rows] // DAY_MICROS, codes[rows], judged.cents[rows], numbers)
        if self._size > MERGED_AT:
            self._merge()
            self._give_up_beyond_most(self._size)
        self._give_up_beyond_most(len(self._numbers))

    def _give_up_beyond_most(self, size: int) -> None:
        if size > MOST_SUMS:
            self.is_complete = False
            self._parts.clear()
            self._numbers.clear()

    def _count(self, days: Numbers, codes: NDArray[np.int32], cents: Numbers, numbers: Numbers) -> None:
        first, width = int(days.min()), len(numbers)
        cells, places = unique((days - first) * width + codes, (int(days.max()) - first + 1) * width)
        keys = (first + cells // width) * _COMPANIES + numbers[cells % width]
        self._keep(keys, places, (cents // _SPLIT, cents % _SPLIT, np.ones(len(cents), np.int64)))

    def _keep(self, keys: Numbers, places: Numbers, values: tuple[Numbers, Numbers, Numbers]) -> None:
        """Add the values up under their keys; `places` says which key each has."""
        part = np.zeros((4, len(keys)), np.int64)
        part[0] = keys
        for sums, each in zip(part[1:], values, strict=True):
            np.add.at(sums, places, each)
        self._parts.append(part)
        self._size += len(keys)

    def _merge(self) -> None:
        keys, *values = np.concatenate(self._parts, axis=1)
        self._parts.clear()
        self._size = 0
        present, places = np.unique(keys, return_inverse=True)
        self._keep(present, places, (values[0], values[1], values[2]))

    def rows(self) -> Iterator[tuple[str, str, str, int]]:
        """Day, company, total and count, as COPY takes them."""
        if not self._parts:
            return
        self._merge()
        companies = list(self._numbers)
        for key, high, low, count in self._parts[0].T.tolist():
            day, company = divmod(key, _COMPANIES)
            cents = high * _SPLIT + low
            yield (
                (EPOCH + timedelta(days=day)).isoformat(),
                companies[company],
                f"{cents // 100}.{cents % 100:02d}",
                count,
            )
