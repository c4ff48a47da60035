"""Ask one outside API: time-outs, retries, limits and redirects are decided here and nowhere else."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from time import monotonic
from typing import Any, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import orjson
import requests
import tenacity
import urllib3

from core.clock import now
from core.http_client.connections import CuttableAdapter, PublicAdapter
from core.http_client.errors import (
    ExternalAnswerError,
    ExternalBodyError,
    ExternalConnectionError,
    ExternalError,
    PrivateAddressError,
    TooManyBytesError,
)
from core.http_client.exchange import Exchange, exchange
from core.http_client.limits import Limits, retry_after_seconds
from core.http_client.unreachable import in_words

T = TypeVar("T")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NOT_MODIFIED = 304


class Guard(Protocol):
    """What decides whether a call may go out at all; the circuit breaker is one."""

    def call(self, func: Callable[[], T]) -> T: ...


@dataclass(frozen=True)
class Answer:
    """A usable answer: parsed JSON, or nothing new (`is_unchanged`) to a conditional request."""

    status: int
    json: Any
    headers: Mapping[str, str]
    bytes: int

    @property
    def is_unchanged(self) -> bool:
        return self.status == _NOT_MODIFIED


class HttpClient:
    """Knows a base URL. Safe to share between threads; `close` ends what is under way in any of them."""

    def __init__(self, base_url: str, *, guard: Guard | None = None, limits: Limits | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._guard = guard
        self._limits = limits or Limits()
        self._closed = threading.Event()
        self._running: set[Exchange] = set()
        self._session = requests.Session()
        self._session.trust_env = False  # No proxies, passwords or certificates from the environment by surprise.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        anywhere = CuttableAdapter() if self._limits.private_redirects else PublicAdapter()
        self._session.mount("http://", anywhere)
        self._session.mount("https://", anywhere)
        self._session.mount(_origin(self.base_url), CuttableAdapter())

    def get(
        self,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        budget: float | None = None,
    ) -> Answer:
        """GET a JSON document, retrying what may pass; with a `budget`, give up after so many seconds in all.

        Raises ExternalError, or what the guard raises when it lets nothing out.
        """
        url = f"{self.base_url}/{path.lstrip('/')}"
        ends = monotonic() + budget if budget is not None else None

        def attempt() -> Answer:
            left = self._limits.total if ends is None else min(self._limits.total, ends - monotonic())
            return self._attempt(url, params, headers, max(left, 0.001))

        def guarded() -> Answer:
            return attempt() if self._guard is None else self._guard.call(attempt)

        return self._retrying(ends)(guarded)

    def close(self) -> None:
        """Cut off every attempt under way and refuse new ones."""
        self._closed.set()
        for running in tuple(self._running):
            running.cut()
        self._session.close()

    def _retrying(self, ends: float | None) -> tenacity.Retrying:
        def wait(state: tenacity.RetryCallState) -> float:
            outcome = state.outcome
            return self._limits.wait_before(state.attempt_number, outcome.exception() if outcome else None)

        def stop(state: tenacity.RetryCallState) -> bool:
            spent = state.attempt_number > self._limits.retries or self._closed.is_set()
            too_long = state.upcoming_sleep > self._limits.longest_wait
            return spent or too_long or (ends is not None and monotonic() + state.upcoming_sleep >= ends)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(_may_pass),
            wait=wait,
            stop=stop,
            sleep=self._sleep,
            reraise=True,
        )

    def _sleep(self, seconds: float) -> None:
        self._closed.wait(seconds)

    def _attempt(
        self,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        total: float,
    ) -> Answer:
        if self._closed.is_set():
            raise ExternalConnectionError("the client is closed")
        with self._exchange(total) as current:
            try:
                return self._follow(url, params, headers, min(total, self._limits.connect))
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if current.is_cut:
                    raise ExternalConnectionError(f"no complete answer within {total:.3g} s") from error
                raise ExternalConnectionError(in_words(url, error)) from error
            except ExternalBodyError as error:
                # A body that was cut off is half a JSON; say what really happened.
                if current.is_cut:
                    raise ExternalConnectionError(f"no complete answer within {total:.3g} s") from error
                raise

    @contextlib.contextmanager
    def _exchange(self, total: float) -> Iterator[Exchange]:
        with exchange(total) as current:
            self._running.add(current)
            try:
                yield current
            finally:
                self._running.discard(current)

    def _follow(
        self,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        connect: float,
    ) -> Answer:
        for _ in range(self._limits.redirects + 1):
            with self._session.get(
                url,
                params=params,
                headers={"Accept": "application/json", **(headers or {})},
                timeout=(connect, self._limits.read),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code not in _REDIRECTS or "Location" not in response.headers:
                    return self._answer(response)
                url, params = _target(url, response.headers["Location"]), None
        raise ExternalAnswerError(
            f"more than {self._limits.redirects} redirects from {_shown(self.base_url)}",
            status=response.status_code,
        )

    def _answer(self, response: requests.Response) -> Answer:
        status = response.status_code
        if status == _NOT_MODIFIED:
            return Answer(status, None, response.headers, 0)
        if not response.ok or not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own numbers
            wish = retry_after_seconds(response.headers.get("Retry-After"), now())
            raise ExternalAnswerError(f"{_shown(response.url)} answered {status}", status=status, retry_after=wish)
        body = self._body(response)
        try:
            return Answer(status, orjson.loads(body), response.headers, len(body))
        except orjson.JSONDecodeError as error:
            raise ExternalBodyError(f"{_shown(response.url)} answered {len(body)} bytes that are not JSON") from error

    def _body(self, response: requests.Response) -> bytes:
        limit = self._limits.body_bytes
        announced = response.headers.get("Content-Length", "")
        body = bytearray()
        if announced.isdigit() and int(announced) > limit:
            raise TooManyBytesError(f"{_shown(response.url)} announces {announced} bytes; the limit is {limit}")
        for piece in response.iter_content(64 * 1024):
            body += piece
            if len(body) > limit:
                raise TooManyBytesError(f"{_shown(response.url)} sends more than {limit} bytes")
        return bytes(body)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, ExternalAnswerError):
        return error.is_transient
    return isinstance(error, ExternalError) and error.retryable


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _target(url: str, location: str) -> str:
    target = urljoin(url, location)
    if urlsplit(target).scheme not in {"http", "https"}:
        raise PrivateAddressError(f"redirected to {target[:200]!r}, which is not HTTP")
    return target


def _shown(url: str) -> str:
    """An address fit for messages: without a password and without a query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"
