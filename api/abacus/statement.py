"""Explain a sum: replay its history up to the state it is in now."""

from __future__ import annotations

from typing import Any

from redis import Redis

from api.abacus.service import SumService
from core.clock import iso
from core.errors import InvalidInputError
from core.running_sum import drain
from models import running_sum_entry as entries
from models.session import Database


def statement(service: SumService, db: Database, redis: Redis, name: str, after: int | None) -> dict[str, Any]:
    """The state first, then everything up to it moved to the history, then the replay of exactly that much."""
    now = service.sums.read(name)
    drain(redis, service.history, wait=True)
    with db.connect() as connection:
        if after is None:
            after = entries.last_reset(connection, name, through=now.sequence)
        elif after > now.sequence:
            raise InvalidInputError(f"the history of {name!r} ends at {now.sequence}", field="after")
        replay = entries.replay(connection, name, after=after, through=now.sequence)
        replayed = entries.sum_after(connection, name, now.sequence)
    is_whole = replay.entries == now.sequence - after and not replay.breaks
    return {
        "name": name,
        "sum": now.sum,
        "sequence": now.sequence,
        "opening": {"sequence": after, "sum": replay.opening_sum, "at": iso(replay.opening_at)},
        "entries": replay.entries,
        "adds": replay.adds,
        "added": replay.added,
        "resets": replay.resets,
        "restores": replay.restores,
        "replayed_sum": replayed,
        "breaks": replay.breaks,
        "explained": is_whole and replayed == now.sum,
        "timestamp": iso(now.at),
        "node_id": now.node_id,
    }
