"""The cached list of items, answered on the event loop: stored bytes that Redis vouches for at this moment.

It saves the hop to a thread and Flask's own work; bench/items.py shows the ratio. Without a voucher, or on a miss, the
request goes the ordinary way, which asks Postgres and keeps what it answers.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from pydantic import ValidationError

from api import metrics
from api.auth import KeyRing
from api.fast_poll import PATIENCE
from api.items.schemas import ItemQuery
from api.ordinary import PlainReads, Quick, said
from api.platform import Platform
from core.cache import CacheState, keys_of
from core.clock import uuid7_text
from core.trace import continued
from tasks.items_cache import items_cache
from tasks.runtime import connect_redis

_PATH = "/api/v1/items"


class QuickItems:
    """Answers, or says None and leaves the request to Flask."""

    def __init__(self, platform: Platform, ring: KeyRing) -> None:
        self._cache = items_cache(
            connect_redis(platform.settings.redis_url, patience=PATIENCE, alone=True), platform.db
        )
        self._reads = PlainReads(platform, ring)

    def answer(self, scope: Any) -> Quick | None:
        if scope.path != _PATH:
            return None
        began = time.perf_counter()
        key = _key_of(scope.query_string) if self._reads.holder(scope) is not None else None
        body = self._cache.vouched(key) if key is not None else None
        if body is None:
            return None
        told = [*said(uuid7_text(), continued(scope.headers.get("traceparent"))), ("X-Cache", str(CacheState.HIT))]
        metrics.HTTP.labels("GET", _PATH, "200").observe(time.perf_counter() - began)
        return 200, told, body


@lru_cache(maxsize=512)
def _key_of(query_string: str) -> str | None:
    """The cache's key for a question, or None where the question is odd."""
    pairs = parse_qsl(query_string, keep_blank_values=True)
    asked = dict(pairs)
    if len(asked) < len(pairs) or not asked.keys() <= ItemQuery.model_fields.keys():
        return None
    try:
        return keys_of(ItemQuery.model_validate(asked).model_dump())
    except ValidationError:
        return None
