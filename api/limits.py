"""What a request may bring and how often: sizes, types, rates."""

from __future__ import annotations

import time
from typing import Any, NoReturn

from flask import Flask, Request, Response, g, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address

from api.platform import current_holder
from core.errors import InvalidInputError, RateLimitedError, UnsupportedTypeError
from core.exact_json import loads
from core.settings import Settings

_JSON_TYPES = {"application/json", "application/problem+json"}


class JsonRequest(Request):
    """Reads JSON exactly, and says what is wrong with it instead of pretending there was none."""

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:  # noqa: ARG002  # Flask's signature
        if "json" not in self.__dict__:
            body = self.get_data()
            if body and not force and self.mimetype not in _JSON_TYPES and not self.mimetype.endswith("+json"):
                raise UnsupportedTypeError(
                    f"the body is {self.mimetype or 'of no stated type'}; send it as application/json"
                )
            self.__dict__["json"] = loads(body) if body else {}  # a cancel, say, needs no reason
        return self.__dict__["json"]

    def on_json_loading_failed(self, e: ValueError | None) -> NoReturn:
        raise InvalidInputError(f"the body is not JSON: {e}")


def register(app: Flask, settings: Settings) -> None:
    app.request_class = JsonRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body_bytes
    app.before_request(_refuse_odd_requests)
    if settings.rate_limit:
        _limit_rates(app, settings)


def _refuse_odd_requests() -> None:
    """What no view should have to think of: U+0000 in the address, and bodies that would have to be inflated."""
    if "\0" in request.path or b"%00" in request.query_string:
        raise InvalidInputError("the address must not hold the character U+0000")
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedTypeError(f"the body is encoded as {encoding:.40}; send it as it is", encoding=encoding[:40])


def _who() -> str:
    holder = current_holder()
    return str(holder.key_id) if holder.key_id else get_remote_address()


def _limit_rates(app: Flask, settings: Settings) -> None:
    limiter = Limiter(
        key_func=_who,
        application_limits=[settings.rate_limit],
        storage_uri=settings.redis_url,
        storage_options={"socket_timeout": 1, "socket_connect_timeout": 1},
        # With Redis away each process counts for itself: a limit that is a little too generous beats no service.
        in_memory_fallback_enabled=True,
        on_breach=_too_many,
    )
    limiter.init_app(app)

    @app.after_request
    def say_what_is_left(response: Response) -> Response:
        limit = getattr(limiter, "current_limit", None) or g.get("breached")
        if limit is not None:
            period = limit.limit.get_expiry()
            left = max(int(limit.reset_at - time.time()), 0)
            response.headers["RateLimit-Policy"] = f'"default";q={limit.limit.amount};w={period}'
            response.headers["RateLimit"] = f'"default";r={max(limit.remaining, 0)};t={left}'
            if response.status_code == 429:  # noqa: PLR2004
                response.headers["Retry-After"] = str(max(left, 1))
        return response


def _too_many(limit: RequestLimit) -> NoReturn:
    g.breached = limit
    raise RateLimitedError(f"more than {limit.limit} from {request.remote_addr or 'you'}; wait and try again")
