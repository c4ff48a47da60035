"""pybreaker's circuit breaker, made fit for many threads and many processes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, TypeVar

import structlog
from pybreaker import (
    STATE_CLOSED,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
)
from redis import Redis

from core.circuit_breaker.state import SharedState
from core.clock import now
from core.errors import UnavailableError

logger = structlog.get_logger()
T = TypeVar("T")


class BreakerOpenError(UnavailableError):
    """Nothing was sent: the other side failed too often a moment ago. `retry_after` says when to try."""

    code = "breaker_open"

    def __init__(self, name: str, seconds: float) -> None:
        wait = max(1, ceil(seconds))
        super().__init__(
            f"the circuit breaker {name!r} is open; the next try is in {wait} s",
            retry_after=wait,
            breaker=name,
            seconds=wait,
        )


@dataclass(frozen=True)
class BreakerView:
    """What people see of a breaker. `half_open`: the next call goes through as the only probe."""

    name: str
    state: Literal["closed", "open", "half_open"]
    failures: int
    opened_at: datetime | None
    next_try_at: datetime | None
    is_shared: bool


class SharedBreaker:
    """Opens after `failures` failures in a row, for `open_seconds`; then lets one single probe decide."""

    def __init__(
        self,
        name: str,
        redis: Redis | None,
        *,
        counts: Callable[[BaseException], bool],
        failures: int = 5,
        open_seconds: float = 30.0,
        probe_seconds: float = 15.0,
    ) -> None:
        """`counts` tells failures of the other side from mistakes of ours. A probe that takes longer than
        `probe_seconds` (longer than any call may take) is taken for dead, and another one may try.
        """
        self.name = name
        self._state = SharedState(name, redis)
        self._counts = counts
        self._failures = failures
        self._open_seconds = open_seconds
        self._probe_seconds = probe_seconds

    def call(self, func: Callable[[], T]) -> T:
        """Call `func`, or raise BreakerOpenError at once."""
        if self._state.state == STATE_CLOSED:
            return self._call(func)
        self._refuse_if_early()
        token = self._state.take_probe(self._probe_seconds)
        if token is None:
            raise BreakerOpenError(self.name, 1.0)
        try:
            return self._call(func)
        finally:
            self._state.release_probe(token)

    def view(self) -> BreakerView:
        state, opened_at = self._state.state, self._state.opened_at
        if state == STATE_CLOSED:
            return BreakerView(self.name, "closed", self._state.counter, None, None, self._state.is_shared)
        next_try = opened_at + timedelta(seconds=self._open_seconds) if opened_at else None
        is_open = next_try is not None and next_try > now() and state == STATE_OPEN
        return BreakerView(
            self.name,
            "open" if is_open else "half_open",
            self._state.counter,
            opened_at,
            next_try,
            self._state.is_shared,
        )

    def reset(self) -> None:
        """Close it by hand, for everybody."""
        self._state.clear()
        logger.info("breaker_reset", breaker=self.name)

    def _call(self, func: Callable[[], T]) -> T:
        # One pybreaker object for each call: it holds a lock for as long as the call takes, which would
        # let the threads of a process out one by one. What they share is the state, and that is elsewhere.
        breaker = CircuitBreaker(
            fail_max=self._failures,
            reset_timeout=self._open_seconds,
            exclude=[lambda error: not self._counts(error)],
            listeners=[_Logged(self.name)],
            state_storage=self._state,
            throw_new_error_on_trip=False,
        )
        try:
            result: T = breaker.call(func)
        except CircuitBreakerError as error:
            raise BreakerOpenError(self.name, self._seconds_left()) from error
        return result

    def _refuse_if_early(self) -> None:
        if self._state.state == STATE_OPEN and (left := self._seconds_left()) > 0:
            raise BreakerOpenError(self.name, left)

    def _seconds_left(self) -> float:
        opened_at = self._state.opened_at
        return self._open_seconds - (now() - opened_at).total_seconds() if opened_at else 0.0


class _Logged(CircuitBreakerListener):
    def __init__(self, name: str) -> None:
        self._name = name

    def state_change(self, _breaker: object, old: CircuitBreakerState | None, new: CircuitBreakerState) -> None:
        logger.warning("breaker_changed", breaker=self._name, before=old.name if old else None, now=new.name)
