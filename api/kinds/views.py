"""Kinds of work, with the schemas that forms, the CLI and clients are made from."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field

from api.platform import current_platform
from api.responses import json_response
from core.errors import NotFoundError
from tasks.contract import JobKind

kinds = APIBlueprint("kinds", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Kinds", description=__doc__)])


class KindPath(BaseModel):
    name: str = Field(description="A kind's name.")


class RetryDocument(BaseModel):
    max_attempts: int
    first_wait_seconds: float
    factor: float
    max_wait_seconds: float


class KindDocument(BaseModel):
    name: str
    title: str
    description: str
    queue: str
    exclusive: bool
    time_limit_seconds: float
    retry: RetryDocument
    retention_days: dict[str, float]
    params_schema: dict[str, Any]
    result_schema: dict[str, Any]


class KindList(BaseModel):
    data: list[KindDocument]


def kind_document(kind: JobKind) -> KindDocument:
    days = 86400.0
    return KindDocument(
        name=kind.name,
        title=kind.title,
        description=kind.description,
        queue=str(kind.queue),
        exclusive=kind.exclusive,
        time_limit_seconds=kind.time_limit.total_seconds(),
        retry=RetryDocument(
            max_attempts=kind.retry.max_attempts,
            first_wait_seconds=kind.retry.first_wait.total_seconds(),
            factor=kind.retry.factor,
            max_wait_seconds=kind.retry.max_wait.total_seconds(),
        ),
        retention_days={
            "succeeded": kind.retention.succeeded.total_seconds() / days,
            "failed": kind.retention.failed.total_seconds() / days,
            "cancelled": kind.retention.cancelled.total_seconds() / days,
        },
        params_schema=kind.params.model_json_schema(),
        result_schema=kind.result.model_json_schema(mode="serialization"),
    )


@kinds.get("/kinds", summary="All kinds", responses={200: KindList})
def list_kinds() -> Response:
    return json_response({"data": [kind_document(kind) for kind in current_platform().registry]})


@kinds.get("/kinds/<name>", summary="One kind", responses={200: KindDocument})
def get_kind(path: KindPath) -> Response:
    kind = current_platform().registry.get(path.name)
    if kind is None:
        known = ", ".join(sorted(kind.name for kind in current_platform().registry))
        raise NotFoundError(f"no job kind {path.name!r}; known kinds: {known}")
    return json_response(kind_document(kind))
