"""What lanes that answer without Flask have in common: whether a request is ordinary, who asks, and what is answered.

A lane refuses nothing. What is in any way unusual it leaves to Flask, so that no check can differ between the two.
"""

from __future__ import annotations

from typing import Any

from flask import Flask

from api.auth import LOCAL, KeyRing, is_served
from api.platform import Platform
from models.api_key import KeyHolder, Role

Quick = tuple[int, list[tuple[str, str]], bytes]

_UNUSUAL = {"HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_COOKIE", "HTTP_CONTENT_ENCODING"}


class Ordinary:
    """Knows the plain writes of clients that need not be asked for."""

    def __init__(self, app: Flask, platform: Platform) -> None:
        self._app = app
        self._settings = platform.settings
        self._ring: KeyRing = app.extensions["key_ring"]

    def submitter(self, environ: dict[str, Any]) -> KeyHolder | None:
        """Who sends this JSON, if it is somebody who may write and nothing about the request is unusual."""
        if environ.get("CONTENT_TYPE") != "application/json" or self._settings.rate_limit:
            return None
        if not environ.keys().isdisjoint(_UNUSUAL):
            return None
        holder = self._holder(environ)
        return holder if holder is not None and holder.role.covers(Role.SUBMITTER) else None

    def _holder(self, environ: dict[str, Any]) -> KeyHolder | None:
        """Who asks, where that is known without asking anybody."""
        settings = self._settings
        if not is_served(environ.get("HTTP_HOST", ""), settings):
            return None
        authorization = environ.get("HTTP_AUTHORIZATION")
        if authorization is None and "HTTP_X_API_KEY" not in environ:
            return LOCAL if settings.is_loopback and not settings.require_keys else None
        scheme, _, secret = (authorization or "").partition(" ")
        return self._ring.known(secret.strip()) if scheme.lower() == "bearer" else None

    def refused(self, environ: dict[str, Any], error: Exception) -> Quick:
        """As a view's error is answered, with the hooks before and after it."""
        with self._app.request_context(environ):
            self._app.preprocess_request()
            response = self._app.finalize_request(self._app.handle_user_exception(error))
            return response.status_code, list(response.headers.items()), response.get_data()


class PlainReads:
    """Knows the plain reads of clients that need not be asked for."""

    def __init__(self, platform: Platform, ring: KeyRing) -> None:
        self._settings = platform.settings
        self._ring = ring

    def holder(self, scope: Any) -> KeyHolder | None:
        """Who reads, where that is known without asking anybody and nothing about the request is unusual."""
        headers, settings = scope.headers, self._settings
        if scope.method != "GET" or settings.rate_limit:
            return None
        if "origin" in headers or "x-request-id" in headers or "cookie" in headers:
            return None
        if not is_served(headers.get("host") or scope.authority or "", settings):
            return None
        authorization = headers.get("authorization")
        if authorization is None and "x-api-key" not in headers:
            return LOCAL if settings.is_loopback and not settings.require_keys else None
        scheme, _, secret = (authorization or "").partition(" ")
        return self._ring.known(secret.strip()) if scheme.lower() == "bearer" else None


def said(request_id: str, traceparent: str) -> list[tuple[str, str]]:
    """The headers that every answer in JSON has."""
    return [
        ("Content-Type", "application/json"),
        ("X-Request-ID", request_id),
        ("traceparent", traceparent),
        ("X-Content-Type-Options", "nosniff"),
    ]
