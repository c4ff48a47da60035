"""Console sessions: a signed cookie that names an API key, and never carries it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

from flask import Response, request
from itsdangerous import BadData, URLSafeTimedSerializer

from core.settings import Settings

PATH = "/console"
_COOKIE = "reckoner_session"
_LASTS = timedelta(hours=12)


def _signer(settings: Settings) -> URLSafeTimedSerializer:
    """Every node of a platform has the same secret: one of its own, or what it knows of the database."""
    known = settings.session_secret or hashlib.sha256(settings.database_url.encode()).hexdigest()
    return URLSafeTimedSerializer(known, salt="reckoner console session")


def named_key(settings: Settings) -> UUID | None:
    """The key this request's session was opened with; None without a session that is valid and young enough."""
    if request.path != PATH and not request.path.startswith(f"{PATH}/"):
        return None  # the API itself knows no cookies, so no other page can ride on one
    sent = request.cookies.get(_COOKIE)
    if not sent:
        return None
    try:
        return UUID(_signer(settings).loads(sent, max_age=int(_LASTS.total_seconds())))
    except (BadData, ValueError, TypeError, AttributeError):
        return None


def begin(response: Response, settings: Settings, key_id: UUID) -> None:
    """No script can read the cookie, and no other site can make the browser send it."""
    response.set_cookie(
        _COOKIE,
        str(_signer(settings).dumps(str(key_id))),
        max_age=_LASTS,
        path=PATH,
        secure=request.is_secure or request.headers.get("X-Forwarded-Proto") == "https",
        httponly=True,
        samesite="Strict",
    )


def end(response: Response) -> None:
    response.delete_cookie(_COOKIE, path=PATH, httponly=True, samesite="Strict")
