"""A cache in Redis that never answers with what has been overwritten.

The truth about freshness is a generation number beside the data, in the database: it commits with each change. Redis
keeps the answers, each with the number it was read under, and for a quarter of a second at a time it vouches for the
newest number, so that a hit costs no query. A writer takes the voucher away after its commit and before it reports
success; one that cannot reach Redis waits until no voucher can be left. So whoever starts to read after a write was
acknowledged sees that write, whatever dies or loses its connection in between.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

import structlog
from redis import Redis
from redis.exceptions import RedisError

logger = structlog.get_logger()

_VOUCHED_SECONDS = 0.25
_SUSPENDED_SECONDS = 1.0  # after Redis failed, it is left alone for so long
# Whoever asks ever new questions pushes older answers out instead of filling Redis, which must not evict jobs.
_SLOTS = 512
_LARGEST_ENTRY = 256 * 1024

# KEYS of all scripts: voucher, counter of withdrawals, hold.
# Asked before the database is: a voucher lives from here, by Redis' own clock, however long its maker then dawdles.
_BEGIN = """
local at = redis.call('TIME')
return {redis.call('GET', KEYS[2]) or '0', string.format('%d', at[1] * 1000 + math.floor(at[2] / 1000) + ARGV[1])}
"""
# ARGV: number, and the two answers of _BEGIN. A withdrawal in between means that the number may be old.
_VOUCH = """
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[2] or redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[3])
return 1
"""
# ARGV: milliseconds for which nobody may vouch, or 0.
_WITHDRAW = """
redis.call('INCR', KEYS[2])
redis.call('DEL', KEYS[1])
if ARGV[1] ~= '0' then redis.call('SET', KEYS[3], '1', 'PX', ARGV[1]) end
return 1
"""


class CacheState(StrEnum):
    HIT = "HIT"
    MISS = "MISS"
    BYPASS = "BYPASS"  # Redis is away: nothing is looked up and nothing kept


@dataclass(frozen=True)
class Lookup:
    state: CacheState
    key: str
    number: int = 0
    body: bytes = b""


class FreshCache:
    """Answers by key, good while the generation that `newest` reads from the database stays the same."""

    def __init__(self, redis: Redis, name: str, *, newest: Callable[[], int], keep_seconds: int = 300) -> None:
        self._redis = redis
        self._newest = newest
        self._keep_seconds = keep_seconds
        self._prefix = f"reckoner:cache:{name}:"
        self._keys = [f"{self._prefix}{part}" for part in ("voucher", "withdrawals", "hold")]
        self._begin = redis.register_script(_BEGIN)
        self._vouch = redis.register_script(_VOUCH)
        self._withdraw = redis.register_script(_WITHDRAW)
        self._suspended_until = 0.0

    def look_up(self, key: str) -> Lookup:
        """HIT with the body, MISS to be answered with `keep`, or BYPASS."""
        if time.monotonic() < self._suspended_until:
            return Lookup(CacheState.BYPASS, key)
        try:
            return self._look_up(key)
        except RedisError as error:
            self._suspend(error)
            return Lookup(CacheState.BYPASS, key)

    def _look_up(self, key: str) -> Lookup:
        found = self._redis.mget(self._keys[0], self._slot(key))
        voucher, entry = cast("list[bytes | None]", found)
        number = int(voucher) if voucher is not None else self._ask()
        body = _body(entry, key, number)
        return Lookup(CacheState.MISS, key, number) if body is None else Lookup(CacheState.HIT, key, number, body)

    def vouched(self, key: str) -> bytes | None:
        """The body, where Redis has it and vouches for it at this moment; one round trip, and nobody else is asked."""
        if time.monotonic() < self._suspended_until:
            return None
        try:
            voucher, entry = cast("list[bytes | None]", self._redis.mget(self._keys[0], self._slot(key)))
        except RedisError as error:
            self._suspend(error)
            return None
        return None if voucher is None else _body(entry, key, int(voucher))

    def _ask(self) -> int:
        withdrawals, expires_at = self._begin(keys=self._keys, args=[round(_VOUCHED_SECONDS * 1000)])
        number = self._newest()
        self._vouch(keys=self._keys, args=[number, withdrawals, expires_at])
        return number

    def keep(self, lookup: Lookup, body: bytes) -> None:
        """Store what a MISS was answered with. Read the data after `look_up`: newer than its number does no harm."""
        if lookup.state is not CacheState.MISS or len(body) > _LARGEST_ENTRY:
            return
        try:
            entry = b"%d\n%b\n%b" % (lookup.number, lookup.key.encode(), body)
            self._redis.set(self._slot(lookup.key), entry, ex=self._keep_seconds)
        except RedisError as error:
            self._suspend(error)

    def _slot(self, key: str) -> str:
        return f"{self._prefix}at:{zlib.crc32(key.encode()) % _SLOTS}"

    def changed(self) -> None:
        """After the commit and before anybody hears of it."""
        if not self._take_voucher_away(0):
            time.sleep(_VOUCHED_SECONDS)

    def about_to_change(self, seconds: float) -> None:
        """Before a commit that is somebody else's: until it is certainly over, every reader asks the database."""
        self._take_voucher_away(round(seconds * 1000))

    def _take_voucher_away(self, hold_milliseconds: int) -> bool:
        # Tried even while Redis is suspended: this process may be wrong about it, and another one may vouch.
        try:
            self._withdraw(keys=self._keys, args=[hold_milliseconds])
        except RedisError as error:
            self._suspend(error)
            return False
        return True

    def _suspend(self, error: RedisError) -> None:
        self._suspended_until = time.monotonic() + _SUSPENDED_SECONDS
        logger.warning("cache_suspended", error=str(error))


def _body(entry: bytes | None, key: str, number: int) -> bytes | None:
    """What was kept, if it answers this question and was read under this number."""
    if entry is None:
        return None
    written_under, question, body = entry.split(b"\n", 2)
    return body if int(written_under) == number and question == key.encode() else None


def keys_of(arguments: dict[str, Any]) -> str:
    """One key for one question, whatever order its arguments came in; always a single line."""
    return "&".join(f"{name}={value!r}" for name, value in sorted(arguments.items()) if value is not None)
