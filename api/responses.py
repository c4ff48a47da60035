"""JSON answers, encoded once and exactly."""

from __future__ import annotations

from typing import Any

from flask import Response

from core.exact_json import dumps


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(dumps(value), status, headers, content_type="application/json")
