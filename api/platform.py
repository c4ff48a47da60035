"""What a view may reach: the runtime, the publisher, who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import redis
from celery import Celery
from flask import current_app, g

from core.settings import Settings
from core.storage import Storage
from models.api_key import KeyHolder
from models.session import Database
from tasks.board import Board
from tasks.lifecycle import Lifecycle
from tasks.registry import Registry
from tasks.runtime import Runtime
from workers.publisher import Publisher


@dataclass(frozen=True)
class Platform:
    runtime: Runtime
    celery: Celery
    publisher: Publisher

    @property
    def settings(self) -> Settings:
        return self.runtime.settings

    @property
    def db(self) -> Database:
        return self.runtime.db

    @property
    def redis(self) -> redis.Redis:
        return self.runtime.redis

    @property
    def board(self) -> Board:
        return self.runtime.board

    @property
    def lifecycle(self) -> Lifecycle:
        return self.runtime.lifecycle

    @property
    def storage(self) -> Storage:
        return self.runtime.storage

    @property
    def registry(self) -> Registry:
        return self.runtime.registry


def current_platform() -> Platform:
    return cast("Platform", current_app.extensions["reckoner"])


def current_holder() -> KeyHolder:
    """Who this request comes from; set by api.auth before any view runs."""
    return cast("KeyHolder", g.holder)
