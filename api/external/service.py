"""The outside API as this process asks it: one client, and never so many calls that nobody else is served."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from flask import current_app

from api.platform import Platform, current_platform
from core.errors import UnavailableError
from core.external_api import ExternalApi
from core.http_client import Limits

ANSWER_WITHIN = 10.0  # seconds, for all tries together: somebody waits


class ExternalService:
    """Calls hold a thread of the API while the other side thinks, so only half of the threads may be out at once."""

    def __init__(self, platform: Platform) -> None:
        settings = platform.settings
        limits = Limits(private_redirects=settings.sync_allow_private)
        self.api = ExternalApi(settings.external_api_url, platform.redis, limits=limits)
        self._places = threading.BoundedSemaphore(max(1, settings.api_threads // 2))

    @contextmanager
    def call(self) -> Iterator[ExternalApi]:
        if not self._places.acquire(blocking=False):
            raise UnavailableError("too many calls to the external API are under way", retry_after=2)
        try:
            yield self.api
        finally:
            self._places.release()


def external_service() -> ExternalService:
    """One for the process, made by its first call."""
    extensions = current_app.extensions
    if "reckoner_external" not in extensions:
        extensions.setdefault("reckoner_external", ExternalService(current_platform()))
    return cast("ExternalService", extensions["reckoner_external"])
