"""Why an outside API cannot be reached, in words for whoever waits for its data, and what they can do."""

import http.client
import socket
import ssl
from urllib.parse import urlsplit

_WAY_OUT = "try again later; if it stays so, ask whoever runs this platform whether the address is right"


def in_words(url: str, error: BaseException) -> str:
    """Names the host that the failed request went to, and neither a path nor a password."""
    asked = getattr(getattr(error, "request", None), "url", None) or url  # a redirect may have led elsewhere
    parts = urlsplit(asked)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return f"{host} {_trouble(_innermost(error))}; {_WAY_OUT}"


def _innermost(error: BaseException) -> BaseException:
    """The reason itself: requests and urllib3 wrap `Connection refused` four times over."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return error


def _trouble(reason: BaseException) -> str:
    match reason:
        case ConnectionRefusedError():
            return "refused the connection: nothing answers there at the moment"
        case socket.gaierror():
            return "cannot be found: no such name is known at the moment"
        case TimeoutError():
            return "did not answer in time"
        case ssl.SSLCertVerificationError():
            return f"cannot prove who it is ({reason.verify_message})"
        case ConnectionError() | http.client.RemoteDisconnected():
            return "broke the connection off before it had answered"
        case _:
            return f"cannot be reached ({str(reason) or type(reason).__name__})"
