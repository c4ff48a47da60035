"""Ask an outside API for JSON, and come back in time whatever it does."""

from core.http_client.client import Answer, HttpClient
from core.http_client.errors import (
    ExternalAnswerError,
    ExternalBodyError,
    ExternalConnectionError,
    ExternalError,
    PrivateAddressError,
)
from core.http_client.limits import Limits

__all__ = [
    "Answer",
    "ExternalAnswerError",
    "ExternalBodyError",
    "ExternalConnectionError",
    "ExternalError",
    "HttpClient",
    "Limits",
    "PrivateAddressError",
]
