"""The running sums of this process, and the thread that moves their journal to the history behind the requests."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app

from api.abacus.history import PostgresHistory
from api.history import keep_moving
from api.platform import Platform, current_platform
from core.running_sum import Durability, RunningSums, journal

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
    keep_moving(platform.redis, journal.KEY, history, name="sum-journal", waits="sum_journal_waits")
    return SumService(sums, history)
