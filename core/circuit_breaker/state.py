"""A breaker's state, shared through Redis; while Redis is away each process goes on with its own copy."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar

import structlog
from pybreaker import STATE_CLOSED, CircuitBreakerStorage
from redis import Redis
from redis.exceptions import RedisError

logger = structlog.get_logger()
T = TypeVar("T")

# After Redis failed once, it is left alone for so long: a breaker must not add waits of its own to each call.
_SUSPENDED_SECONDS = 1.0

# Releases the probe only if it is still ours: it may have expired and be somebody else's by now.
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class SharedState(CircuitBreakerStorage):
    """One hash in Redis, with the last known values beside it in this process."""

    def __init__(self, name: str, redis: Redis | None) -> None:
        super().__init__(name)
        self._redis = redis
        self._key = f"reckoner:breaker:{name}"
        self._lock = threading.Lock()
        self._suspended_until = 0.0
        self._local: dict[str, str] = {}
        self._local_probe: tuple[str, float] | None = None

    @property
    def is_shared(self) -> bool:
        """Whether Redis answered last time it was asked."""
        return self._redis is not None and monotonic() >= self._suspended_until

    @property
    def state(self) -> str:
        return self._read("state") or str(STATE_CLOSED)

    @state.setter
    def state(self, state: str) -> None:
        self._write("state", state)

    @property
    def counter(self) -> int:
        return int(self._read("failures") or 0)

    def increment_counter(self) -> None:
        self._increment("failures")

    def reset_counter(self) -> None:
        self._write("failures", "0")

    @property
    def success_counter(self) -> int:
        return int(self._read("successes") or 0)

    def increment_success_counter(self) -> None:
        self._increment("successes")

    def reset_success_counter(self) -> None:
        self._write("successes", "0")

    @property
    def opened_at(self) -> datetime | None:
        value = self._read("opened_at")
        return datetime.fromtimestamp(float(value), UTC) if value else None

    @opened_at.setter
    def opened_at(self, moment: datetime) -> None:
        self._write("opened_at", repr(moment.timestamp()))

    def take_probe(self, seconds: float) -> str | None:
        """Become the one caller that may try a half-open breaker; None if another one is trying."""
        token = uuid.uuid4().hex
        key = f"{self._key}:probe"
        taken = self._ask(lambda redis: redis.set(key, token, nx=True, px=round(seconds * 1000)))
        if self.is_shared:
            return token if taken else None
        with self._lock:
            if self._local_probe is not None and self._local_probe[1] > monotonic():
                return None
            self._local_probe = (token, monotonic() + seconds)
            return token

    def release_probe(self, token: str) -> None:
        self._ask(lambda redis: redis.eval(_RELEASE, 1, f"{self._key}:probe", token))
        with self._lock:
            if self._local_probe is not None and self._local_probe[0] == token:
                self._local_probe = None

    def clear(self) -> None:
        """Forget everything: closed, no failures, no probe."""
        with self._lock:
            self._local.clear()
            self._local_probe = None
        self._ask(lambda redis: redis.delete(self._key, f"{self._key}:probe"))

    def _read(self, field: str) -> str | None:
        value = self._ask(lambda redis: redis.hget(self._key, field))
        if not self.is_shared:
            return self._local.get(field)
        text = value.decode() if isinstance(value, bytes) else value
        with self._lock:
            if text is None:
                self._local.pop(field, None)
            else:
                self._local[field] = text
        return text

    def _write(self, field: str, value: str) -> None:
        with self._lock:
            self._local[field] = value
        self._ask(lambda redis: redis.hset(self._key, field, value))

    def _increment(self, field: str) -> None:
        with self._lock:
            self._local[field] = str(int(self._local.get(field, "0")) + 1)
        self._ask(lambda redis: redis.hincrby(self._key, field, 1))

    def _ask(self, question: Callable[[Redis], Any]) -> Any:
        if self._redis is None or monotonic() < self._suspended_until:
            return None
        try:
            return question(self._redis)
        except RedisError as error:
            self._suspended_until = monotonic() + _SUSPENDED_SECONDS
            logger.warning("breaker_state_is_local", breaker=self.name, error=str(error))
            return None
