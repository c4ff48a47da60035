"""Let what requests of one moment ask for share one round trip: collected while the one before is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")

_MOST_AT_ONCE = 256


class Together(Generic[Asked, Given]):
    """One thread that does `work` on lists of what was asked, in the order of arrival.

    Nobody waits for company: what finds the thread idle goes at once, alone. `work` answers each in order; an
    exception among the answers is raised to its own caller only.
    """

    def __init__(self, work: Callable[[Sequence[Asked]], Sequence[Given | Exception]], name: str) -> None:
        self._work = work
        self._waiting: list[tuple[Asked, asyncio.Future[Given]]] = []
        self._running: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def ask(self, asked: Asked) -> Given:
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        answers: Sequence[Given | Exception]
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                try:
                    answers = await loop.run_in_executor(self._thread, self._work, [asked for asked, _ in batch])
                except Exception as error:  # noqa: BLE001 - each of those who wait is told, and answers it
                    answers = [error] * len(batch)
                _settle([future for _, future in batch], answers)
        finally:
            self._running = None


def _settle(futures: Sequence[asyncio.Future[Given]], answers: Sequence[Given | Exception]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.cancelled():
            continue  # The client went away; what it asked for has been done all the same.
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
