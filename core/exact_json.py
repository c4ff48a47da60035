"""JSON in and out without losing a digit, and without letting in what JSON does not have."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal
from math import isinf
from typing import Any, NoReturn

import orjson

from core.errors import InvalidInputError

_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_SERIALIZE_NUMPY
_DEEPEST = 100  # levels; the encoder gives up at 254, and nobody means so many
_TOO_DEEP = f"the body is nested more than {_DEEPEST} levels deep"
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_NEITHER_BRACKET_NOR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))
_SURROGATE = re.compile("[\ud800-\udfff]")


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
        return orjson.dumps(_widened(value), default=lambda left: _widened(_fallback(left)), option=_OPTIONS)


def _widened(value: Any) -> Any:
    """The same with integers beyond 64 bits spelled out, which the encoder would refuse."""
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return orjson.Fragment(str(value))
    if isinstance(value, dict):
        return {name: _widened(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_widened(each) for each in value]
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidInputError(f"the body is not JSON: {name} is not a number that JSON has")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise InvalidInputError(f"the number {text:.40} is too large")
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two equal names counts, so neither does."""
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidInputError(f"the body names {twice!r:.100} twice")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_float=_finite, parse_constant=_refuse_constant)


def loads(text: bytes | str) -> Any:
    """Decode what a client sent: big integers stay exact; what could not be kept or shown again is refused.

    That is NaN, infinities, names given twice, half surrogates, the character U+0000, and more than 100 levels.
    """
    try:
        if isinstance(text, bytes):
            text = text.removeprefix(BOM_UTF8).decode()  # JSON is UTF-8; json.loads would take UTF-16, surrogates too
        value = _DECODER.decode(text)
    except RecursionError:
        raise InvalidInputError(_TOO_DEEP) from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"the body is not UTF-8 text: byte {error.start} cannot be read") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidInputError(f"the body is not JSON: {error.msg} at {where}") from None
    except ValueError:  # more digits than int() takes
        raise InvalidInputError("the body holds a number of more than 4,300 digits") from None
    # Looking at every value is dear; most bodies show by their text that there is nothing to find.
    is_shallow = text.count("[") + text.count("{") <= _DEEPEST or _is_shallow(text.encode(errors="surrogatepass"))
    if not is_shallow or _ODD_ESCAPE.search(text):
        _look_through(value)
    return value


def _is_shallow(text: bytes) -> bool:
    """Whether the brackets of a document alone show that it is not too deep: a tenth of the time of looking through.

    False also where strings hold brackets of their own: then one of the quotes is left over.
    """
    left = text.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NEITHER_BRACKET_NOR_QUOTE)
    left = left.replace(b'""', b"")
    for _ in range(_DEEPEST // 2):  # each round takes away one level, or one of each sort
        if not left:
            return True
        left = left.replace(b"[]", b"").replace(b"{}", b"")
    return not left


def _look_through(value: Any) -> None:
    """Level by level, so that no depth can exhaust the stack."""
    level = [value]
    for _ in range(_DEEPEST + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, str):
                refuse_odd_text(each)
            elif isinstance(each, dict):
                below += each
                below += each.values()
            elif isinstance(each, list):
                below += each
        if not below:
            return
        level = below
    raise InvalidInputError(_TOO_DEEP)


def refuse_odd_text(text: str) -> None:
    """Text that neither Postgres nor UTF-8 can hold."""
    if "\0" in text:
        raise InvalidInputError("text must not hold the character U+0000")
    if not text.isascii() and _SURROGATE.search(text):
        raise InvalidInputError("text must not hold half of a surrogate pair")
