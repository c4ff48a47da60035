"""Is it up, can it work, what is it: for people, load balancers and Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from flask import Response, request
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict
from redis.exceptions import RedisError
from sqlalchemy import text

from api import metrics
from api.abacus.schemas import DEFAULT
from api.abacus.service import current_sums
from api.platform import Platform, current_platform
from api.responses import json_response
from core.clock import iso, now
from core.errors import PlatformError
from models import schema_version
from tasks.base import DATABASE_DOWN
from tasks.contract import Queue
from workers.process import VERSION

health = APIBlueprint("health", __name__, abp_tags=[Tag(name="Health", description=__doc__)])

logger = structlog.get_logger()


class HealthDocument(BaseModel):
    """While something is away it has the members of a problem too."""

    model_config = ConfigDict(extra="allow")

    status: str
    database: str
    redis: str
    redis_connected: bool
    node_id: str
    version: str
    current_sum: int | None
    stats: dict[str, Any] | None
    timestamp: datetime


class LiveDocument(BaseModel):
    status: str


class ReadyDocument(BaseModel):
    """While it is not ready it has the members of a problem too."""

    model_config = ConfigDict(extra="allow")

    status: str
    missing: list[str]


_FIGURES = {"description": "In Prometheus' text format.", "content": {"text/plain": {"schema": {"type": "string"}}}}


def _database_trouble(platform: Platform) -> str | None:
    try:
        with platform.db.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DATABASE_DOWN as error:
        logger.warning("health_database", error=str(error).splitlines()[0])
        return "database connection failed"
    return None


def _redis_trouble(platform: Platform) -> str | None:
    try:
        platform.redis.ping()
    except RedisError as error:
        logger.warning("health_redis", error=str(error))
        return "redis connection failed"
    return None


@health.get(
    "/health", summary="Are the database and Redis there?", responses={200: HealthDocument, 503: HealthDocument}
)
def get_health() -> Response:
    platform = current_platform()
    database, cache = _database_trouble(platform), _redis_trouble(platform)
    document: dict[str, Any] = {
        "status": "healthy" if not (database or cache) else "unhealthy",
        "database": "disconnected" if database else "connected",
        "redis": "disconnected" if cache else "connected",
        "redis_connected": cache is None,
        "node_id": platform.settings.node_id,
        "version": VERSION,
        "current_sum": None,
        "stats": None,
        "timestamp": iso(now()),
    }
    if cache is None:
        document |= _redis_facts(platform)
    if database or cache:
        message = " and ".join(trouble for trouble in (database, cache) if trouble)
        document |= _problem(message, error=database or cache)
        return json_response(document, 503, {"Retry-After": "2"})
    return json_response(document)


def _redis_facts(platform: Platform) -> dict[str, Any]:
    facts = platform.redis.info()
    wanted = ("connected_clients", "total_commands_processed", "used_memory_human")
    return {"stats": {name: facts.get(name) for name in wanted}, "current_sum": _current_sum()}


def _current_sum() -> int | None:
    """None where it cannot be told: a sum that is away must not make a healthy node look ill."""
    try:
        return current_sums().sums.read(DEFAULT).sum
    except PlatformError as error:
        logger.warning("health_sum", error=error.message)
        return None


@health.get("/livez", summary="Is this process answering?", responses={200: LiveDocument})
def get_livez() -> Response:
    return json_response({"status": "ok"})


@health.get("/readyz", summary="Can a job be submitted and run?", responses={200: ReadyDocument, 503: ReadyDocument})
def get_readyz() -> Response:
    """503 while the database is away, migrations are missing, or a queue has no live worker."""
    platform = current_platform()
    missing: list[str] = []
    try:
        with platform.db.connect() as connection:
            if schema_version.found(connection) != schema_version.expected():
                missing.append("migrations are behind; run `reckoner migrate`")
            else:
                served = set(connection.execute(_SERVED).scalars())
                missing += [f"no live worker serves queue {queue}" for queue in Queue if queue not in served]
    except DATABASE_DOWN:
        missing.append("database connection failed")
    if _redis_trouble(platform):
        missing.append("redis connection failed")
    if not missing:
        return json_response({"status": "ready", "missing": []})
    document = {"status": "not ready", "missing": missing, **_problem("; ".join(missing), error="not ready")}
    return json_response(document, 503, {"Retry-After": "2"})


def _problem(message: str, *, error: str | None) -> dict[str, Any]:
    """The members of a problem, but for `status`, which says here how it stands."""
    words: dict[str, Any] = {"error": error, "message": message, "detail": message, "details": {}}
    return {"type": "/problems/unavailable", "title": "Temporarily unavailable", "instance": request.path, **words}


_SERVED = text(
    "SELECT DISTINCT unnest(queues) FROM workers WHERE status = 'online'"
    " AND last_seen_at > clock_timestamp() - interval '5 seconds'"
)


@health.get("/metrics", summary="Figures for Prometheus", responses={200: _FIGURES})
def get_metrics() -> Response:
    return Response(metrics.render(current_platform()), content_type=metrics.CONTENT_TYPE)
