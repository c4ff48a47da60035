"""Redis: there, forgetting nothing, writing to disk, with memory left, and of one time with us."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from api.doctor.findings import Finding, clock, error, fine, warning
from api.platform import Platform
from core.clock import now

_CROWDED = 0.85


def examine(platform: Platform) -> list[Finding]:
    try:
        facts: Any = platform.redis.info()
        return [
            eviction(facts),
            persistence(facts, snapshots=_snapshots(platform.redis)),
            memory(facts),
            _clock(platform.redis),
        ]
    except RedisError as trouble:
        return [
            error(
                "redis",
                f"Redis does not answer: {trouble}",
                "start Redis, or correct REDIS_URL; jobs are taken meanwhile, and run when it is back",
            )
        ]


def eviction(facts: dict[str, Any]) -> Finding:
    policy, limit = facts.get("maxmemory_policy", "unknown"), int(facts.get("maxmemory", 0))
    if policy == "noeviction":
        return fine("redis_eviction", "Redis never throws anything away by itself (noeviction)")
    way_out = "set `maxmemory-policy noeviction` in redis.conf, or CONFIG SET it"
    if limit:
        what = f"Redis throws keys away when full ({policy}): messages, sums and sets can vanish"
        return error("redis_eviction", what, way_out)
    return warning("redis_eviction", f"Redis would throw keys away ({policy}) as soon as maxmemory is set", way_out)


def persistence(facts: dict[str, Any], *, snapshots: str | None) -> Finding:
    """`snapshots` is Redis' `save` setting, or None where it may not be read."""
    failed = [
        name for name in ("aof_last_write_status", "aof_last_bgrewrite_status") if facts.get(name, "ok") != "ok"
    ] + (["rdb_last_bgsave_status"] if snapshots and facts.get("rdb_last_bgsave_status", "ok") != "ok" else [])
    if failed:
        return error(
            "redis_persistence",
            f"Redis could not write to its disk ({', '.join(failed)})",
            "look into Redis' log; most often its disk is full or read-only",
        )
    if facts.get("aof_enabled"):
        return fine("redis_persistence", "Redis writes every change to disk (appendonly)")
    way_out = "set `appendonly yes` in redis.conf; jobs survive without it, running sums and number sets may not"
    if snapshots:
        return warning("redis_persistence", f"Redis only saves snapshots ({snapshots}): minutes can be lost", way_out)
    return error("redis_persistence", "Redis keeps nothing on disk: a restart empties it", way_out)


def memory(facts: dict[str, Any]) -> Finding:
    used, limit = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    what = f"Redis uses {used / 1e6:.0f} MB" + (f" of {limit / 1e6:.0f} MB" if limit else "")
    if limit and used > _CROWDED * limit:
        return error("redis_memory", what, "raise maxmemory; when it is reached Redis refuses writes")
    return fine("redis_memory", what)


def _snapshots(client: Redis) -> str | None:
    try:
        answer: Any = client.config_get("save")
    except ResponseError:
        return None  # hosted Redis often allows no CONFIG
    return str(answer.get("save", ""))


def _clock(client: Redis) -> Finding:
    before = now()
    said: Any = client.time()
    seconds, micros = said
    theirs = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)
    return clock("redis_clock", theirs, before, now(), whose="Redis'")
