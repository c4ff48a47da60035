"""The running sums of this process, and the thread that moves their journal to the history behind the requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

import redis.exceptions
import structlog
from flask import Flask, current_app

from api.abacus.history import PostgresHistory
from api.platform import Platform, current_platform
from core.errors import UnavailableError
from core.running_sum import Durability, RunningSums, drain, journal

logger = structlog.get_logger()

_DRAIN_EVERY_SECONDS = 0.5
_EXTENSION = "reckoner.sums"
_guard = threading.Lock()


@dataclass(frozen=True)
class SumService:
    """What the views of the sums work with."""

    sums: RunningSums
    history: PostgresHistory


def current_sums() -> SumService:
    return sums_of(current_app, current_platform())


def sums_of(app: Flask, platform: Platform) -> SumService:
    """Made by the first request that asks, so that a process which serves no sums has no thread for them."""
    made = app.extensions.get(_EXTENSION)
    if made is None:
        with _guard:
            made = app.extensions.get(_EXTENSION)
            if made is None:
                made = app.extensions[_EXTENSION] = _make(platform)
    return cast("SumService", made)


def _make(platform: Platform) -> SumService:
    history = PostgresHistory(platform.db)
    sums = RunningSums(
        platform.redis,
        history,
        node_id=platform.settings.node_id,
        durability=Durability(platform.settings.sum_durability),
    )
    # A daemon: what it has not moved when the process ends is in the journal, and another process moves it.
    threading.Thread(target=_drain_forever, args=(platform, history), name="sum-journal", daemon=True).start()
    return SumService(sums, history)


def _drain_forever(platform: Platform, history: PostgresHistory) -> None:
    pause, is_away = threading.Event(), False
    while not pause.wait(_DRAIN_EVERY_SECONDS):
        try:
            if journal.length(platform.redis):
                drain(platform.redis, history)
            is_away = False
        except (UnavailableError, redis.exceptions.RedisError) as error:
            if not is_away:
                logger.warning("sum_journal_waits", error=str(error))
            is_away = True
