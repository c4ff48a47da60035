"""Sum up charges by day and company while they are judged, so that publishing need not read them again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.etl.arrow import pc
from tasks.etl.judge import DAY_MICROS, Judged
from tasks.etl.statuses import REPORTED, STATUSES

MOST_SUMS = 100_000  # beyond that Postgres sums up itself
EPOCH = date(1970, 1, 1)
_REPORTED = [STATUSES.index(name) for name in REPORTED]
_SPLIT = 10**8  # sums of largest amounts are beyond 64 bits: they are added up in two halves


class DailySums:
    """Exact totals and counts by day and company, and which companies have charges at all."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, str], tuple[int, int]] = {}
        self.companies: set[str] = set()
        self.is_complete = True

    def add(self, judged: Judged, chosen: NDArray[np.bool_]) -> None:
        if not self.is_complete:
            return
        rows = np.flatnonzero(chosen & (judged.reasons == 0))
        encoded = pc.dictionary_encode(judged.company_ids)
        names = encoded.dictionary.to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        self.companies.update(names[code] for code in np.unique(codes[rows]).tolist())
        rows = rows[np.isin(judged.statuses[rows], _REPORTED)]
        if len(rows):
            self._count(judged.created[rows] // DAY_MICROS, codes[rows], judged.cents[rows], names)
        if len(self._sums) > MOST_SUMS or len(self.companies) > MOST_SUMS:
            self.is_complete = False
            self._sums.clear()
            self.companies.clear()

    def _count(
        self, days: NDArray[np.int64], codes: NDArray[np.int32], cents: NDArray[np.int64], names: list[str]
    ) -> None:
        places = days * len(names) + codes
        order = np.argsort(places, kind="stable")
        places, cents = places[order], cents[order]
        starts = np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1])))
        high = np.add.reduceat(cents // _SPLIT, starts).tolist()
        low = np.add.reduceat(cents % _SPLIT, starts).tolist()
        counts = np.diff(np.append(starts, len(places))).tolist()
        for place, upper, lower, count in zip(places[starts].tolist(), high, low, counts, strict=True):
            key = (place // len(names), names[place % len(names)])
            total, rows = self._sums.get(key, (0, 0))
            self._sums[key] = (total + upper * _SPLIT + lower, rows + count)

    def rows(self) -> Iterator[tuple[str, str, str, int]]:
        """Day, company, total and count, as COPY takes them."""
        for (day, company_id), (cents, count) in self._sums.items():
            yield (EPOCH + timedelta(days=day)).isoformat(), company_id, f"{cents // 100}.{cents % 100:02d}", count
