"""One HTTP conversation: tries again when that is safe, and turns answers into values or errors."""

from __future__ import annotations

import ipaddress
import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests

from . import __version__
from .exact import dumps, loads
from .problems import ProblemError, UnreachableError, problem_of

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# The request was not carried out, or an answer got lost on the way; asking again is worth it.
_WORTH_ANOTHER_TRY = {429, 502, 503, 504}
_CONFLICT, _FIRST_ERROR, _FIRST_REDIRECT = 409, 400, 300


class Transport:
    """Requests to one platform.

    `patience` is how many seconds a request is repeated while nothing answers or the platform is busy;
    `first_patience` is the same as long as it has never answered: then it is probably not there at all.
    """

    def __init__(
        self, url: str, key: str | None = None, *, patience: float = 30.0, first_patience: float | None = None
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!r} is not an address of a platform; it looks like http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self._patience = patience
        self._first_patience = patience if first_patience is None else first_patience
        self._has_answered = False
        self._session = requests.Session()
        # A proxy or a .netrc of the environment is meant for other hosts than this machine.
        self._session.trust_env = not _is_loopback(parts.hostname)
        self._session.headers["User-Agent"] = f"reckoner-client/{__version__}"
        if key:
            self._session.headers["Authorization"] = f"Bearer {key}"

    def close(self) -> None:
        self._session.close()

    def get(self, path: str, *, params: Mapping[str, Any] | None = None) -> Any:
        return _value(self.send("GET", path, params=params))

    def post(self, path: str, body: Any, *, key: str | None = None, is_repeatable: bool = False) -> Any:
        """Send JSON; with an Idempotency-Key, or where twice is the same as once, it may be sent again."""
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["Idempotency-Key"] = key
        return _value(
            self.send(
                "POST", path, data=dumps(body).encode(), headers=headers, is_repeatable=is_repeatable or key is not None
            )
        )

    def delete(self, path: str) -> None:
        self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool = True,
        timeout: float = _ANSWER_SECONDS,
        stream: bool = False,
    ) -> requests.Response:
        """The answer, if it is no error; repeated while that is safe and may help. `data` can be made for each try."""
        request_id = str(uuid.uuid4())
        began, tries = time.monotonic(), 0
        while True:
            tries += 1
            try:
                response = _whole(
                    self._session.request(
                        method,
                        self.url + path,
                        params=params,
                        data=data() if callable(data) else data,
                        headers={**(headers or {}), "X-Request-ID": request_id},
                        timeout=(_CONNECT_SECONDS, timeout),
                        allow_redirects=False,  # a key goes to the platform it is for, and nowhere else
                        stream=stream,
                    )
                )
            except requests.RequestException as error:
                pause = self._pause(tries, began) if is_repeatable or _never_arrived(error) else None
                if pause is None:
                    self._give_up(error, request_id)
            else:
                self._has_answered = True
                if response.status_code < _FIRST_REDIRECT or response.status_code == requests.codes.not_modified:
                    return response
                problem = _problem(response, request_id)
                pause = self._pause_after(problem, response, tries, began, is_repeatable=is_repeatable)
                if pause is None:
                    raise problem
            time.sleep(pause)

    @contextmanager
    def download(self, path: str) -> Iterator[requests.Response]:
        """An answer whose body is read piece by piece; what breaks while it is read is UnreachableError."""
        response = self.send("GET", path, stream=True)
        try:
            yield response
        except requests.RequestException as error:
            self._give_up(error, response.headers.get("X-Request-ID", ""))
        finally:
            response.close()

    def stream(self, path: str, *, headers: Mapping[str, str], silence: float) -> Iterator[str]:
        """Lines as they come; ends when the platform ends it, raises when `silence` seconds bring nothing. No retry."""
        request_id = str(uuid.uuid4())
        try:
            with self._session.get(
                self.url + path,
                headers={**headers, "X-Request-ID": request_id},
                timeout=(_CONNECT_SECONDS, silence),
                allow_redirects=False,
                stream=True,
            ) as response:
                self._has_answered = True
                if response.status_code >= _FIRST_REDIRECT:
                    raise _problem(response, request_id)
                for line in response.iter_lines(chunk_size=512):
                    yield line.decode()
        except requests.RequestException as error:
            self._give_up(error, request_id)

    def _pause_after(
        self, problem: ProblemError, response: requests.Response, tries: int, began: float, *, is_repeatable: bool
    ) -> float | None:
        """How long to wait before asking again, or None where that would not help or not be safe."""
        # 429 says that nothing was done; the others may have lost the answer to something that was.
        is_safe = is_repeatable or problem.status == requests.codes.too_many_requests
        # Our own first try is still being answered: its answer is what we are after.
        is_ours = problem.status == _CONFLICT and problem.details.get("in_flight") is True
        if not (is_ours or (is_safe and problem.status in _WORTH_ANOTHER_TRY)):
            return None
        said = response.headers.get("Retry-After", "")
        return self._pause(tries, began, at_least=float(said) if said.isdecimal() else 0.0)

    def _pause(self, tries: int, began: float, *, at_least: float = 0.0) -> float | None:
        patience = self._patience if self._has_answered else self._first_patience
        pause = min(_FIRST_PAUSE * 2 ** (tries - 1), _LONGEST_PAUSE) * random.uniform(0.5, 1.0)
        pause = max(pause, at_least)
        return pause if time.monotonic() + pause - began <= patience else None

    def _give_up(self, error: requests.RequestException, request_id: str) -> NoReturn:
        raise UnreachableError(self.url, _reason(error), request_id) from error


def _whole(response: requests.Response) -> requests.Response:
    """The answer, unless it was cut among its headers: the library takes what is left for an empty one."""
    is_bare = response.status_code in {requests.codes.no_content, requests.codes.not_modified}
    if is_bare or "Content-Length" in response.headers or "Transfer-Encoding" in response.headers:
        return response
    raise requests.ConnectionError("the answer was cut off")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _never_arrived(error: requests.RequestException) -> bool:
    """Whether the platform cannot have seen the request, because there was no connection."""
    return "NewConnectionError" in repr(error) or isinstance(error, requests.ConnectTimeout)


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    if "refused" in str(error):
        return "nothing listens there"
    if "NameResolution" in repr(error) or "Name or service" in str(error):
        return "there is no host of that name"
    if isinstance(error, requests.exceptions.SSLError):
        return f"its certificate is not trusted ({error})"
    return f"the connection broke ({type(error).__name__})"


def _problem(response: requests.Response, request_id: str) -> ProblemError:
    seen_as = response.headers.get("X-Request-ID", request_id)
    if response.status_code < _FIRST_ERROR:
        where = response.headers.get("Location", "elsewhere")
        document = f'{{"message": "redirected to {where}; give that address instead"}}'
        return problem_of(response.status_code, document.encode(), seen_as)
    return problem_of(response.status_code, response.content, seen_as)


def _value(response: requests.Response) -> Any:
    return loads(response.content) if response.content else None
