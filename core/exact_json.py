"""JSON in and out without losing a digit, and without letting in what JSON does not have."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from core.errors import InvalidInputError

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_SERIALIZE_NUMPY


def _fallback(value: Any) -> Any:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise TypeError(f"{value} is not a JSON number")
        return orjson.Fragment(f"{value:f}")
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="python")
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: Any) -> bytes:
    """Encode; decimals become exact JSON numbers, and integers of any size stay whole."""
    try:
        return orjson.dumps(value, default=_fallback, option=_OPTIONS)
    except TypeError as error:
        if "64-bit" not in str(error):
            raise
        return json.dumps(value, default=_plain, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return str(value)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidInputError(f"the body is not JSON: {name} is not a number that JSON has")


def loads(text: bytes | str) -> Any:
    """Decode what a client sent: big integers stay exact, NaN and Infinity are refused, depth is bounded."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise InvalidInputError("the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the body is not UTF-8 text: byte {error.start} cannot be read") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidInputError(f"the body is not JSON: {error.msg} at {where}") from None
    except ValueError:  # more digits than int() takes
        raise InvalidInputError("the body holds a number of more than 4,300 digits") from None
