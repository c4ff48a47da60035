"""The outside API that `sync` and the external routes talk to: one service, one breaker."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from redis import Redis

from core.circuit_breaker import SharedBreaker
from core.http_client import (
    Answer,
    ExternalAnswerError,
    ExternalBodyError,
    ExternalError,
    HttpClient,
    Limits,
    PrivateAddressError,
)

BREAKER = "external_api"
_POST_MEMBERS = {"id": int, "title": str, "body": str, "userId": int}


def external_breaker(redis: Redis | None) -> SharedBreaker:
    """The breaker as every process sees it."""
    return SharedBreaker(BREAKER, redis, counts=_is_its_failure)


def _is_its_failure(error: BaseException) -> bool:
    """A refusal such as 404 or 429 shows that the other side is alive."""
    if isinstance(error, ExternalAnswerError):
        return error.status >= 500  # noqa: PLR2004 - HTTP's own number
    return isinstance(error, ExternalError) and not isinstance(error, PrivateAddressError)


class ExternalApi:
    """Posts by number and by page. All its errors are UnavailableErrors that say when to come back."""

    def __init__(self, base_url: str, redis: Redis | None, *, limits: Limits | None = None) -> None:
        self.breaker = external_breaker(redis)
        self._client = HttpClient(base_url, guard=self.breaker, limits=limits)

    @property
    def base_url(self) -> str:
        return self._client.base_url

    def post(self, number: int, *, budget: float | None = None) -> dict[str, Any]:
        """One post, whatever it holds."""
        found = self._client.get(f"/posts/{number}", budget=budget).json
        if not isinstance(found, dict):
            raise ExternalBodyError(f"post {number} is not a JSON object")
        return found

    def first_posts(self, count: int, *, budget: float | None = None) -> list[dict[str, Any]]:
        """The first posts, exactly `{id, title, body, userId}` each."""
        answer = self._client.get("/posts", params={"_start": "0", "_limit": str(count)}, budget=budget)
        if not isinstance(answer.json, list):
            raise ExternalBodyError("the posts are not a JSON list")
        return [_shown(post) for post in answer.json[:count]]

    def page(self, start: int, limit: int, etag: str | None) -> Answer:
        """Posts from `start` on; an API that knows no paging answers with all of them."""
        headers = {"If-None-Match": etag} if etag else None
        return self._client.get("/posts", params={"_start": str(start), "_limit": str(limit)}, headers=headers)

    def close(self) -> None:
        """End what is under way in any thread."""
        self._client.close()


def _shown(post: Any) -> dict[str, Any]:
    if not isinstance(post, dict):
        raise ExternalBodyError("a post is not a JSON object")
    for name, kind in _POST_MEMBERS.items():
        if not isinstance(post.get(name), kind) or isinstance(post[name], bool):
            raise ExternalBodyError(f"a post has no usable {name!r}")
    return {name: post[name] for name in _POST_MEMBERS}


def shown_address(url: str) -> str:
    """An address without a password, for people."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
