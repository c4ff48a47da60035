"""What API nodes and workers hold in common, put together in one place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.exact_json import dumps
from core.kept_connection import KeptConnection
from core.settings import Settings
from core.storage import Storage
from models.session import Database
from tasks.board import Board
from tasks.lifecycle import Lifecycle
from tasks.registry import Registry, make_registry


@dataclass(frozen=True)
class Runtime:
    """Connections are opened by the first use, not here."""

    settings: Settings
    db: Database
    redis: redis.Redis
    board: Board
    lifecycle: Lifecycle
    storage: Storage
    registry: Registry

    def close(self) -> None:
        self.redis.close()
        self.db.close()


def connect_redis(url: str, *, patience: float = 2.0, alone: bool = False) -> redis.Redis:
    """A client that would rather fail at once than keep a request waiting; `alone` where one thread asks."""
    return (KeptConnection if alone else redis.Redis).from_url(
        url,
        socket_connect_timeout=min(patience, 0.5),
        socket_timeout=patience,
        # The default retries ten times; here Postgres answers instead, or housekeeping comes round again.
        retry=Retry(NoBackoff(), 0),
        socket_keepalive=True,
    )


_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def _for_postgres(value: Any) -> str:
    """JSON that jsonb takes. It has no NUL; a job must be able to end whatever its file or its error holds."""
    encoded = dumps(value).decode()
    return _NUL.sub(r"\1\\ufffd", encoded) if "\\u0000" in encoded else encoded


def make_runtime(settings: Settings, *, application: str, pool_size: int = 4, alone: bool = False) -> Runtime:
    db = Database(
        settings.database_url,
        pool_size=pool_size,
        dumps=_for_postgres,
        application=f"reckoner {application}",
    )
    client = connect_redis(settings.redis_url, alone=alone)
    board = Board(client)
    lifecycle = Lifecycle(
        db,
        board,
        lease=settings.lease,
        cancel_grace=settings.cancel_grace,
        crashes_until_poison=settings.crashes_until_poison,
    )
    return Runtime(
        settings=settings,
        db=db,
        redis=client,
        board=board,
        lifecycle=lifecycle,
        storage=Storage(settings.files_url),
        registry=make_registry(settings.extra_kinds),
    )
