"""Estimates: what a job would take, from sizes and first rows alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from api.platform import current_holder, current_platform
from api.responses import json_response
from core.errors import InvalidInputError
from models.api_key import Role
from tasks.inputs import Inputs
from tasks.submission import checked_params

estimates = APIBlueprint(
    "estimates", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Estimates", description=__doc__)]
)


class EstimateBody(BaseModel):
    """The same kind and params as a submit would have."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    params: dict[str, Any] = Field(default_factory=dict)


class EstimateDocument(BaseModel):
    """And what its kind estimates: rows, seconds, memory."""

    model_config = ConfigDict(extra="allow")

    kind: str
    queue: str


@estimates.post("/estimates", summary="What a job would take", responses={200: EstimateDocument})
def estimate(body: EstimateBody) -> Response:
    """Rows, seconds and memory to expect; wrong params are refused as a submit refuses them. Nothing is made."""
    platform, holder = current_platform(), current_holder()
    kind = platform.registry[body.kind]
    params = checked_params(kind, body.params)
    if not kind.estimate:
        raise InvalidInputError(f"there is no estimate for kind {kind.name!r}", kind=kind.name)
    module, _, function = kind.estimate.partition(":")
    inputs = Inputs(platform.runtime, holder.owner, sees_all=holder.role.covers(Role.OPERATOR))
    found = getattr(import_module(module), function)(kind.params.model_validate(params), inputs)
    return json_response({"kind": kind.name, "queue": str(kind.queue_for(params)), **found.model_dump()})
