"""JSON answers, encoded once and exactly."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.exact_json import dumps

ANY_FILE: dict[str, Any] = {  # what a download answers, for the OpenAPI document
    "description": "The file as it is.",
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}
ANY_OBJECT: dict[str, Any] = {
    "description": "What its kind's schema describes; see GET /api/v1/kinds.",
    "content": {"application/json": {"schema": {"anyOf": [{"type": "object"}, {"type": "null"}]}}},
}


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, content_type="application/json")
