"""Between what people type and what JSON has, without losing a digit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from core.exact_json import dumps

_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_WHOLE = re.compile(r"[+-]?\d{1,4000}")
_DECIMAL = re.compile(r"[+-]?(\d+\.\d*|\.?\d+)([eE][+-]?\d{1,4})?")
_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_APART = re.compile(r"[\s,;]+")


class Control(StrEnum):
    """What a field looks like."""

    TEXT = "text"
    NUMBER = "number"
    WORD_OR_NUMBER = "word_or_number"
    YES_NO = "yes_no"
    CHOICE = "choice"
    LINES = "lines"
    DATE = "date"
    MOMENT = "moment"
    FILE = "file"
    JSON = "json"
    GROUP = "group"


def read_number(text: str) -> Any:
    """`1,250.00` and `1 250.00` are numbers; what is none stays text, so that the kind says what it wants."""
    plain = text.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "").replace("\u2212", "-")
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if _WHOLE.fullmatch(plain):
        return int(plain)
    if _DECIMAL.fullmatch(plain):
        return Decimal(plain)
    return text


def read_value(control: Control, text: str, *, of_numbers: bool = False) -> Any:
    """The value of one control, or None when it was left empty."""
    if control is Control.YES_NO:
        return text in {"yes", "true", "on"} if text else None
    stripped = text.strip()
    if not stripped:
        return None
    if control is Control.LINES:
        return _read_lines(stripped, of_numbers=of_numbers)
    read = _READ.get(control)
    return text if read is None else read(stripped)


def _read_lines(text: str, *, of_numbers: bool) -> list[Any]:
    if of_numbers:
        return [read_number(part) for part in _APART.split(text) if part]
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read_moment(text: str) -> str:
    """What a browser's field gives has no zone: pages speak UTC."""
    moment = text.replace(" ", "T", 1)
    return moment if _ZONE.search(moment) else f"{moment}Z"


def _read_word_or_number(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def read_json(text: str) -> Any:
    """JSON as typed; what is none stays text, and the kind says what it wants."""
    try:
        return json.loads(text, parse_float=Decimal)
    except ValueError:
        return text


_READ: dict[Control, Callable[[str], Any]] = {
    Control.NUMBER: read_number,
    Control.WORD_OR_NUMBER: _read_word_or_number,
    Control.MOMENT: _read_moment,
    Control.JSON: read_json,
    Control.CHOICE: str,
    Control.DATE: str,
    Control.FILE: str,
}


def as_text(control: Control, value: Any) -> str:
    """A value as a control shows it."""
    if value is None:
        return ""
    if control is Control.YES_NO:
        return "yes" if value else "no"
    if control is Control.LINES and isinstance(value, list | tuple):
        return "\n".join(str(part) for part in value)
    if control is Control.MOMENT:
        return str(value).removesuffix("Z")[:16]
    if control is Control.JSON or isinstance(value, list | dict):
        return "" if value in ([], {}) else dumps(value).decode()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def readable_json(value: Mapping[str, Any] | list[Any] | None) -> str:
    """JSON for reading and editing, each decimal as it is."""
    try:
        return orjson.dumps(value or {}, default=_digits, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # integers beyond 64 bits
        return dumps(value or {}).decode()


def _digits(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    raise TypeError
