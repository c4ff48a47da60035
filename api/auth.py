"""Who may call what: keys and roles, owners apart, and a browser on this machine is not a way in."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

from flask import Flask, current_app, g, request
from sqlalchemy import Connection

from api import session
from api.platform import current_holder, current_platform
from core.errors import ForbiddenError, UnauthorizedError
from core.settings import Settings
from models.api_key import KeyHolder, Role, hash_of, holder_named, holder_of

View = TypeVar("View", bound=Callable[..., Any])

LOCAL = KeyHolder("local", Role.ADMIN)
_REMEMBERED = 10.0  # seconds a key is believed without asking Postgres; also how long a revoked one still works
_LOCAL_NAMES = {"localhost", "127.0.0.1", "[::1]", "::1"}
_READS = {"GET", "HEAD", "OPTIONS"}
# Orchestrators and scrapers have no key; these tell nothing about jobs.
_OPEN = {"/health", "/livez", "/readyz", "/", "/metrics", "/console/sign-in"}
_OPEN_FOLDER = "/console/static/"


def needs(role: Role) -> Callable[[View], View]:
    """Name the least role for a view; without it reading needs a viewer and writing a submitter."""

    def mark(view: View) -> View:
        view.least_role = role  # type: ignore[attr-defined]  # read back by role_needed
        return view

    return mark


def role_needed(view: Callable[..., Any] | None, method: str) -> Role:
    marked: Role | None = getattr(view, "least_role", None)
    return marked or (Role.VIEWER if method in _READS else Role.SUBMITTER)


def sees(owner: str) -> bool:
    """Owners don't see each other's jobs or files; operators see all."""
    return may_see(current_holder(), owner)


def may_see(holder: KeyHolder, owner: str) -> bool:
    return holder.owner == owner or holder.role.covers(Role.OPERATOR)


class KeyRing:
    """Keys seen lately, so that a poll does not cost a query."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[KeyHolder | None, float]] = {}

    def known(self, secret: str) -> KeyHolder | None:
        """Whose key it is, if it was seen lately; asks nobody."""
        holder, until = self._seen.get(hash_of(secret), (None, 0.0))
        return holder if until > time.monotonic() else None

    def holder(self, secret: str) -> KeyHolder | None:
        return self._remembered(hash_of(secret), lambda connection: holder_of(connection, secret))

    def holder_named(self, key_id: UUID) -> KeyHolder | None:
        return self._remembered(str(key_id), lambda connection: holder_named(connection, key_id))

    def _remembered(self, name: str, look: Callable[[Connection], KeyHolder | None]) -> KeyHolder | None:
        known = self._seen.get(name)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        with current_platform().db.connect() as connection:
            holder = look(connection)
        if len(self._seen) > 10_000:  # noqa: PLR2004  # somebody is guessing; forget, do not grow
            self._seen.clear()
        self._seen[name] = (holder, time.monotonic() + _REMEMBERED)
        return holder


def _secret() -> str | None:
    authorization = request.headers.get("Authorization", "")
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    return request.headers.get("X-API-Key")


def _identify(ring: KeyRing, settings: Settings) -> KeyHolder:
    secret = _secret()
    if secret is not None:
        holder = ring.holder(secret)
        if holder is None:
            raise UnauthorizedError("this API key is unknown or revoked; ask an admin for a new one")
        return holder
    in_session = _holder_in_session(ring, settings)
    if in_session is not None:
        return in_session
    if settings.is_loopback and not settings.require_keys:
        return LOCAL
    if request.path in _OPEN or request.path.startswith(_OPEN_FOLDER):
        return KeyHolder("anonymous", Role.VIEWER)
    raise UnauthorizedError("an API key is needed: send `Authorization: Bearer rk_...`")


def is_served(host: str, settings: Settings) -> bool:
    """Whether a Host header names this machine, where that is all that keeps strangers out."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return not settings.is_loopback or name.lower() in _LOCAL_NAMES or name in settings.trusted_hosts


def _site_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # a bracket that is not closed, say: nobody's site
        return ""


def _holder_in_session(ring: KeyRing, settings: Settings) -> KeyHolder | None:
    """Who signed in to the console; what such a browser writes must come from the console's own pages."""
    key_id = session.named_key(settings)
    holder = ring.holder_named(key_id) if key_id is not None else None
    if holder is not None and request.method not in _READS:
        origin = request.headers.get("Origin", "")
        if urlsplit(origin).netloc != request.host:
            raise ForbiddenError("this form was not sent from the console; open the page again and repeat")
    return holder


def _refuse_strangers(settings: Settings) -> None:
    """On loopback there is no key, so a web page must not be able to ride on the user's browser."""
    if not is_served(request.host, settings):
        raise ForbiddenError(f"host {request.host!r} is not served here; if it should be, set RECKONER_TRUSTED_HOSTS")
    origin = request.headers.get("Origin")
    if origin and request.method not in _READS and origin not in settings.cors_origins:
        if _site_of(origin) != request.host:
            raise ForbiddenError(f"writes from {origin} are refused; add it to RECKONER_CORS_ORIGINS if it is yours")
    elif request.method not in _READS and request.headers.get("Sec-Fetch-Site") == "cross-site" and not origin:
        raise ForbiddenError("writes from other sites are refused")


def register(app: Flask) -> None:
    ring = app.extensions["key_ring"] = KeyRing()

    @app.before_request
    def admit() -> None:
        settings = current_platform().settings
        _refuse_strangers(settings)
        if request.method == "OPTIONS":
            g.holder = KeyHolder("anonymous", Role.VIEWER)
            return
        holder = _identify(ring, settings)
        g.holder = holder
        view = current_app.view_functions.get(request.endpoint or "")
        needed = role_needed(view, request.method)
        if not holder.role.covers(needed):
            raise ForbiddenError(f"this needs the role {needed}; your key has {holder.role}", needed=str(needed))
