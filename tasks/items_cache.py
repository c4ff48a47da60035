"""The cached list of items, as the API reads it and a sync invalidates it."""

from __future__ import annotations

from redis import Redis

from core.cache import FreshCache
from models.cache_generation import ITEMS, generation
from models.session import Database

KEPT = 300  # seconds


def items_cache(redis: Redis, db: Database) -> FreshCache:
    def newest() -> int:
        with db.connect() as connection:
            return generation(connection, ITEMS)

    return FreshCache(redis, ITEMS, newest=newest, keep_seconds=KEPT)
