"""Let what requests of one moment ask for share one round trip: collected while the one before is under way."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")

_MOST_AT_ONCE = 256


class Together(Generic[Asked, Given]):
    """One thread that does `work` on lists of what was asked, in the order of arrival.

    What finds the thread idle goes at once, alone. `work` answers each in order; an exception among the answers is
    raised to its own caller only. After a list of several the next one may wait for a `pause` of seconds: those who
    were just answered tend to come back, and longer lists are fewer. The thread takes from its queue by itself and
    wakes the loop once for each list.
    """

    def __init__(
        self, work: Callable[[Sequence[Asked]], Sequence[Given | Exception]], name: str, *, pause: float = 0.0
    ) -> None:
        self._work = work
        self._pause = pause
        self._waiting: SimpleQueue[tuple[Asked, asyncio.Future[Given]]] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def ask(self, asked: Asked) -> asyncio.Future[Given]:
        """Called on the event loop; what it gives is awaited there."""
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        if self._thread.ident is None:
            self._thread.start()
        self._waiting.put((asked, future))
        return future

    def _run(self) -> None:
        answers: Sequence[Given | Exception]
        size = 0
        while True:
            first = self._waiting.get()
            if size > 1:
                time.sleep(self._pause)
            batch = self._all_from(first)
            size = len(batch)
            try:
                answers = self._work([asked for asked, _ in batch])
            except Exception as error:  # noqa: BLE001 - each of those who wait is told, and answers it
                answers = [error] * size
            loop = first[1].get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(_settle, [future for _, future in batch], answers)

    def _all_from(self, first: tuple[Asked, asyncio.Future[Given]]) -> list[tuple[Asked, asyncio.Future[Given]]]:
        batch = [first]
        with suppress(Empty):
            while len(batch) < _MOST_AT_ONCE:
                batch.append(self._waiting.get_nowait())
        return batch


def _settle(futures: Sequence[asyncio.Future[Given]], answers: Sequence[Given | Exception]) -> None:
    for future, answer in zip(futures, answers, strict=True):
        if future.cancelled():
            continue  # The client went away; what it asked for has been done all the same.
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
