"""Every error as one JSON document: RFC 9457's members, and the members clients of the older services read."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Flask, Response, request
from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from core import errors
from core.exact_json import dumps
from tasks.submission import described

logger = structlog.get_logger()

STATUS: dict[type[errors.PlatformError], int] = {
    errors.InvalidInputError: 422,
    errors.UnreadableFileError: 422,
    errors.UnsupportedTypeError: 415,
    errors.TooLargeError: 413,
    errors.NotFoundError: 404,
    errors.GoneError: 410,
    errors.UnauthorizedError: 401,
    errors.ForbiddenError: 403,
    errors.ConflictError: 409,
    errors.RateLimitedError: 429,
    errors.UnavailableError: 503,
    errors.UpstreamError: 502,
}
TITLES = {
    400: "Bad request",
    401: "Who are you?",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Not in this state",
    410: "Expired",
    413: "Too large",
    415: "Unsupported type",
    422: "Invalid input",
    429: "Too many requests",
    500: "Internal error",
    502: "The outside API failed",
    503: "Temporarily unavailable",
}
# Blueprints whose clients read a list of wrong fields under `detail`.
_LISTS_IN_DETAIL = {"items"}


class ProblemError(errors.PlatformError):
    """An answer whose status and wording an older service's clients rely on."""

    def __init__(
        self, status: int, error: str, message: str | None = None, *, detail: Any = None, code: str = "", **details: Any
    ) -> None:
        super().__init__(message or error, **details)
        self.status = status
        self.error = error
        self.detail = detail
        self.public_code = code or error.lower().replace(" ", "_")


def problem(
    status: int,
    code: str,
    message: str,
    *,
    error: str | None = None,
    detail: Any = None,
    details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    document = {
        "type": f"/problems/{code}",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": message if detail is None else detail,
        "instance": request.path,
        "error": error or code,
        "message": message,
        "details": details or {},
    }
    return Response(dumps(document), status, {**(headers or {})}, content_type="application/problem+json")


def from_platform_error(error: errors.PlatformError) -> Response:
    if isinstance(error, ProblemError):
        return problem(
            error.status,
            error.public_code,
            error.message,
            error=error.error,
            detail=error.detail,
            details=error.details,
        )
    status = next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)
    headers: dict[str, str] = {}
    if isinstance(error, errors.UnavailableError):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.UnauthorizedError):
        headers["WWW-Authenticate"] = 'Bearer realm="reckoner"'
    detail: Any = None
    if status == 422 and request.blueprint in _LISTS_IN_DETAIL:  # noqa: PLR2004
        detail = [{"loc": ["body"], "msg": error.message, "type": error.code}]
    return problem(status, error.code, error.message, detail=detail, details=error.details, headers=headers)


def from_validation(error: ValidationError) -> Response:
    """422 with each wrong field named."""
    wrong = described(error)
    named = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'body'}: {item['msg']}" for item in wrong[:5])
    return problem(
        422,
        "invalid_input",
        named,
        error="VALIDATION_ERROR",
        detail=wrong if request.blueprint in _LISTS_IN_DETAIL else None,
        details={"validation_errors": wrong},
    )


def _from_http(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004  # redirects are not problems
        return Response(error.get_body(), status, error.get_headers())
    code = (error.name or "error").lower().replace(" ", "_").replace("'", "")
    headers = {name: value for name, value in error.get_headers() if name not in {"Content-Type", "Content-Length"}}
    return problem(status, code, error.description or error.name, error=error.name, headers=headers)


def _from_database(error: Exception) -> Response:
    logger.warning("database_unavailable", error=str(error).splitlines()[0])
    return problem(
        503,
        "unavailable",
        "the database does not answer; try again in a moment",
        error="database connection failed",
        headers={"Retry-After": "2"},
    )


def _from_redis(error: RedisError) -> Response:
    logger.warning("redis_unavailable", error=str(error))
    return problem(
        503,
        "unavailable",
        "Redis does not answer; try again in a moment",
        error="redis connection failed",
        headers={"Retry-After": "2"},
    )


def _from_anything(error: Exception) -> Response:
    """The last handler: the log has the stack, the client has the request's id."""
    logger.error("request_raised", exc_info=error)
    return problem(500, "internal", "something went wrong on our side; the log has it under this request's id")


def register(app: Flask) -> None:
    app.register_error_handler(errors.PlatformError, from_platform_error)
    app.register_error_handler(ValidationError, from_validation)
    app.register_error_handler(HTTPException, _from_http)
    for cause in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(cause, _from_database)
    app.register_error_handler(RedisError, _from_redis)
    app.register_error_handler(Exception, _from_anything)
