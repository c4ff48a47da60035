"""What all pages share: the blueprint, the navigation, the headers that keep a page to itself, errors in words."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

import structlog
from flask import Blueprint, Response, g, make_response, render_template, request, url_for
from pydantic import ValidationError
from redis.exceptions import RedisError
from werkzeug.exceptions import HTTPException

from api.console import wording
from api.platform import current_holder, current_platform
from api.problem import STATUS
from core.errors import NotFoundError, PlatformError, UnauthorizedError
from models.api_key import Role
from tasks.base import DATABASE_DOWN
from workers.process import VERSION

logger = structlog.get_logger()

console = Blueprint(
    "console",
    __name__,
    url_prefix="/console",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
wording.register(console)

_STATIC = Path(__file__).parent / "static"
_YEAR = 31_536_000
# Everything a page needs comes from here, and nothing in it may be written inline.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",  # with "no-referrer" browsers would not name the origin of a form either
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
HEADINGS = {
    401: "Please sign in",
    403: "That is not allowed",
    404: "Nothing here",
    409: "That is not possible just now",
    410: "No longer kept",
    413: "Too large",
    415: "A type nobody here reads",
    422: "Something does not fit",
    429: "Too many requests",
    503: "Not available at the moment",
}


class Place(NamedTuple):
    """An entry of the navigation."""

    title: str
    endpoint: str
    icon: str
    least_role: Role = Role.VIEWER


PLACES = (
    Place("Overview", "overview", "gauge"),
    Place("Jobs", "jobs", "list"),
    Place("New job", "new_job", "plus", Role.SUBMITTER),
    Place("Files", "files", "file"),
    Place("Transactions", "etl_runs", "book"),
    Place("Schedules", "schedules", "clock"),
    Place("Items", "items", "table"),
    Place("Analytics", "analytics", "chart"),
    Place("Sums", "sums", "sum"),
    Place("Number sets", "number_sets", "dots"),
    Place("Queues", "queues", "layers"),
    Place("Audit log", "audit", "shield", Role.OPERATOR),
    Place("Doctor", "doctor", "pulse", Role.OPERATOR),
    Place("API keys", "keys", "key", Role.ADMIN),
)


def show(template: str, status: int = 200, **facts: Any) -> Response:
    response = make_response(render_template(f"console/{template}", **facts), status)
    # Pages show live and private things; going back must not show them to the next person at this desk.
    response.headers["Cache-Control"] = "no-store"
    return response


def go(address: str) -> Response:
    """After a form: look at the address, so that reloading does not send the form again."""
    if is_htmx():
        return Response(status=204, headers={"HX-Redirect": address})
    return Response(status=303, headers={"Location": address})


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


@cache
def _print_of(name: str) -> str:
    return hashlib.sha256((_STATIC / name).read_bytes()).hexdigest()[:12]


@console.context_processor
def _shared() -> dict[str, Any]:
    holder = current_holder() if "holder" in g else None
    return {
        "holder": holder,
        "places": [found for found in PLACES if holder and holder.role.covers(found.least_role)],
        "asset": lambda name: url_for("console.static", filename=name, v=_print_of(name)),
        "fresh_key": lambda: str(uuid4()),
        "version": VERSION,
        "node": current_platform().settings.node_id,
        "in_session": holder is not None and holder.key_id is not None,
    }


@console.after_request
def _keep_to_itself(response: Response) -> Response:
    response.headers.update(_HEADERS)
    if request.endpoint == "console.static" and request.args.get("v"):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response


@console.get("/<path:rest>")
def nowhere(rest: str) -> Response:
    raise NotFoundError(f"there is no page /console/{rest}")


@console.errorhandler(PlatformError)
def _platform_error(error: PlatformError) -> Response:
    status = next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), 500)
    if isinstance(error, UnauthorizedError):
        wanted = request.full_path.rstrip("?") if request.method == "GET" and not is_htmx() else "/console"
        return go(f"{url_for('console.sign_in')}?next={quote(wanted, safe='')}")
    response = _said(status, error.message)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


@console.errorhandler(ValidationError)
def _validation_error(error: ValidationError) -> Response:
    return _said(422, wording.wrong_fields(error))


@console.errorhandler(HTTPException)
def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        return Response(error.get_body(), status, error.get_headers())
    return _said(status, error.description or error.name)


def _away(error: Exception) -> Response:
    logger.warning("console_dependency_away", error=str(error).splitlines()[0])
    response = _said(503, "The database or Redis does not answer. Nothing is lost; try again in a moment.")
    response.headers["Retry-After"] = "2"
    return response


for _cause in (*DATABASE_DOWN, RedisError):
    console.register_error_handler(_cause, _away)


@console.errorhandler(Exception)
def _any_error(error: Exception) -> Response:
    """The last handler: the log has the stack, the reader has the request's id."""
    logger.error("request_raised", exc_info=error)
    return _said(
        500, f"Something went wrong on our side. The log has it under request {g.get('request_id', 'unknown')}."
    )


def _said(status: int, message: str) -> Response:
    heading = HEADINGS.get(status, "That did not work")
    template = "problem_note.html" if is_htmx() else "problem.html"
    return show(template, status, heading=heading, message=wording.sentence(message), number=status)
