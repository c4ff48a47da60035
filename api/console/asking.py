"""The console as a client of the API: it calls the very views, with their models and roles, and reads their answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Response

from api.auth import role_needed
from api.platform import current_holder
from core.errors import ForbiddenError


def ask(view: Callable[..., Response], **arguments: Any) -> Any:
    """What a view answers to a GET."""
    return _answer(view, "GET", arguments)


def tell(view: Callable[..., Response], **arguments: Any) -> Any:
    """What a view answers to a POST or DELETE, which then has happened."""
    return _answer(view, "POST", arguments)


def may(view: Callable[..., Response], method: str = "POST") -> bool:
    """Whether this person's role is enough for a view; pages do not offer what would be refused."""
    return current_holder().role.covers(role_needed(view, method))


def _answer(view: Callable[..., Response], method: str, arguments: dict[str, Any]) -> Any:
    needed = role_needed(view, method)
    if not current_holder().role.covers(needed):
        raise ForbiddenError(f"this needs the role {needed}; yours is {current_holder().role}", needed=str(needed))
    body = view(**arguments).get_data()
    return exact(body) if body else None


def exact(text: bytes | str) -> Any:
    """JSON as it was written: 0.10 stays ten hundredths."""
    return json.loads(text, parse_float=Decimal)
