"""Let calls that come at the same time share one round trip: the first leads, the others ride along."""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class _Call(Generic[Asked, Given]):
    __slots__ = ("answer", "asked", "error", "is_done", "wake")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.wake = threading.Lock()  # Held until there is news; a plain lock is the cheapest thing to wait on.
        self.wake.acquire()
        self.is_done = False
        self.answer: Given | None = None
        self.error: BaseException | None = None


class Coalescer(Generic[Asked, Given]):
    """Runs `work` on lists of what was asked, never two lists at once, in the order of arrival.

    A call that finds nobody at work leads at once, alone: there is no waiting for company. Calls that arrive
    while it works form the next list, which one of them leads, so that no thread works for others for ever.
    `work` answers each in order; an `Exception` among the answers is raised to its own caller only.
    """

    def __init__(self, work: Callable[[Sequence[Asked]], Sequence[Given | Exception]], most: int = 256) -> None:
        self._work = work
        self._most = most
        self._guard = threading.Lock()
        self._waiting: list[_Call[Asked, Given]] = []
        self._is_led = False

    def ask(self, asked: Asked) -> Given:
        call: _Call[Asked, Given] = _Call(asked)
        with self._guard:
            self._waiting.append(call)
            leads, self._is_led = not self._is_led, True
        if not leads:
            call.wake.acquire()
        if not call.is_done:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.answer  # type: ignore[return-value]  # done without an error means answered

    def _lead(self) -> None:
        with self._guard:
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        try:
            answers: Sequence[Given | Exception] = self._work([call.asked for call in batch])
        except BaseException as error:  # noqa: BLE001 - whoever rides along is told too: each caller raises it
            for call in batch:
                call.error = error
        else:
            for call, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    call.error = answer
                else:
                    call.answer = answer
        self._hand_over(batch)

    def _hand_over(self, batch: list[_Call[Asked, Given]]) -> None:
        for call in batch:
            call.is_done = True
        with self._guard:
            heir = self._waiting[0] if self._waiting else None
            self._is_led = heir is not None
        if heir is not None:
            heir.wake.release()
        for call in batch[1:]:  # The first is the leader itself.
            call.wake.release()
