"""Every row's fate: what the survey of the whole file says is looked up, batch after batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from core.kept_memory import keep_freed_blocks
from tasks.etl.arrow import RecordBatch
from tasks.etl.duplicates import duplicate_reasons
from tasks.etl.hashing import hashes, is_among
from tasks.etl.judge import PROBLEMS, Judge, Judged
from tasks.etl.reasons import Reason
from tasks.etl.settings import RunSettings
from tasks.etl.survey import Survey

THREADS = 2
KEPT_BYTES = 8 << 20  # larger than the columns of a batch
HELD_AT_ONCE = 300_000  # rows that may share ids with others and are judged together
# The fields of a record that could not be read as one say nothing reliable: its id is nobody's duplicate.
_NO_ID = np.uint32(Reason.ID_MISSING.bit | Reason.ID_MASKED.bit | sum(PROBLEMS.values()))

T = TypeVar("T")
Mask = NDArray[np.bool_]
Then = Callable[[Judged, Mask], T]  # a judged batch, and which of its rows are decided


class Rows(Protocol):
    """Raw rows that can be read several times, and what was noted of them beside them."""

    @property
    def rows(self) -> int: ...

    @property
    def survey(self) -> Path: ...

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[RecordBatch]: ...


class Verdicts:
    """The fates of all rows of a file, in bounded memory whatever its size."""

    def __init__(self, rows: Rows, settings: RunSettings, tick: Callable[[int, int], None]) -> None:
        self._rows = rows
        self._tick = tick
        self._survey = Survey(rows.survey)
        self._repeated = self._survey.repeated()
        self.directory = self._survey.directory(repair=settings.repair)
        self._judge = Judge(self.directory, settings.date_order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._survey.__exit__(kind, error, trace)

    def judged(self, then: Then[T]) -> Iterator[T]:
        """Judge everything and hand it to `then`, in threads; rows whose id comes again come last, in parts."""
        held: list[Judged] = []
        waiting_for_others = 0
        for sure, shared in self._in_threads(lambda batch: self._split(batch, then)):
            waiting_for_others += len(shared)
            if waiting_for_others <= HELD_AT_ONCE:
                held.append(shared)
            else:
                held.clear()
            yield sure
        if waiting_for_others <= HELD_AT_ONCE:
            yield from (then(part, _all(part)) for part in _settled(held))
            return
        parts = -(-waiting_for_others // HELD_AT_ONCE)
        for part in range(parts):
            chosen = list(self._in_threads(partial(self._shared, part=part, parts=parts)))
            yield from (then(settled, _all(settled)) for settled in _settled(chosen))

    def _in_threads(self, work: Callable[[RecordBatch], T]) -> Iterator[T]:
        """Two batches at a time: Arrow and NumPy leave the interpreter free for most of it."""
        keep_freed_blocks(KEPT_BYTES)
        with ThreadPoolExecutor(THREADS, "judge") as pool:
            waiting: deque[Future[T]] = deque()
            done = 0
            for batch in self._rows.batches():
                waiting.append(pool.submit(work, batch))
                done += len(batch)
                self._tick(done, self._rows.rows)
                if len(waiting) > THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _split(self, batch: RecordBatch, then: Then[T]) -> tuple[T, Judged]:
        judged = self._judge.judge(batch)
        is_shared = is_among(hashes(judged.short_ids), self._repeated) & ((judged.reasons & _NO_ID) == 0)
        return then(judged, ~is_shared), judged.only(is_shared).alone()

    def _shared(self, batch: RecordBatch, part: int, parts: int) -> Judged:
        judged = self._judge.judge(batch)
        numbers = hashes(judged.short_ids)
        is_shared = is_among(numbers, self._repeated) & ((judged.reasons & _NO_ID) == 0)
        # Not the lowest bits: `repeated_hashes` parts by those.
        return judged.only(is_shared & ((numbers >> np.uint64(20)) % np.uint64(parts) == part)).alone()


def _all(judged: Judged) -> Mask:
    return np.ones(len(judged), bool)


def _settled(held: list[Judged]) -> Iterator[Judged]:
    """Rows that share ids, with the reasons that only their order in the file gives."""
    held = [part for part in held if len(part)]
    if not held:
        return
    lines = np.concatenate([part.records.column("line").to_numpy(zero_copy_only=False) for part in held])
    ids = [text for part in held for text in part.ids.to_pylist()]
    added = duplicate_reasons(lines, ids, np.concatenate([part.reasons for part in held]))
    start = 0
    for part in held:
        yield part.with_reasons(added[start : start + len(part)])
        start += len(part)
