"""Circuit breakers: what is not asked at the moment, since when, and until when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field

from api.audit.recording import audited
from api.auth import needs
from api.platform import current_platform
from api.responses import json_response
from core.circuit_breaker import SharedBreaker
from core.errors import NotFoundError
from core.external_api import BREAKER, external_breaker
from models.api_key import Role

breakers = APIBlueprint(
    "breakers", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Breakers", description=__doc__)]
)

_MAKERS = {BREAKER: external_breaker}


class BreakerPath(BaseModel):
    name: str = Field(description="A breaker's name.")


class BreakerDocument(BaseModel):
    name: str
    state: Literal["closed", "open", "half_open"] = Field(description="half_open: the next call is the only probe.")
    failures: int = Field(description="Failures in a row.")
    opened_at: datetime | None
    next_try_at: datetime | None
    is_shared: bool = Field(description="False while Redis is away and each process counts for itself.")


class BreakerList(BaseModel):
    data: list[BreakerDocument]


def all_breakers() -> list[dict[str, Any]]:
    """For the list and for the metrics."""
    redis = current_platform().redis
    return [asdict(make(redis).view()) for make in _MAKERS.values()]


@breakers.get("/breakers", summary="All breakers", responses={200: BreakerList})
def list_breakers() -> Response:
    return json_response({"data": all_breakers()})


@breakers.get("/breakers/<name>", summary="One breaker", responses={200: BreakerDocument})
def get_breaker(path: BreakerPath) -> Response:
    return json_response(asdict(_known(path.name).view()))


@breakers.post("/breakers/<name>/reset", summary="Close a breaker now", responses={200: BreakerDocument})
@needs(Role.OPERATOR)
@audited("breaker.reset", of="name")
def reset_breaker(path: BreakerPath) -> Response:
    breaker = _known(path.name)
    breaker.reset()
    return json_response(asdict(breaker.view()))


def _known(name: str) -> SharedBreaker:
    make = _MAKERS.get(name)
    if make is None:
        raise NotFoundError(f"no breaker {name!r}; breakers: {', '.join(_MAKERS)}")
    return make(current_platform().redis)
