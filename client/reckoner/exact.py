"""JSON in and out without losing a digit: fractions are decimals, because sums of money are."""

from __future__ import annotations

import json
import re
import uuid
from datetime import date
from decimal import Decimal
from pathlib import PurePath
from typing import Any


def loads(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any, *, indent: int | None = None) -> str:
    """Encode; a decimal becomes the JSON number with exactly its digits."""
    # The encoder of the standard library has no way to write a number verbatim, so each is marked and unwrapped after.
    mark = uuid.uuid4().hex

    def fallback(part: Any) -> str:
        if isinstance(part, Decimal) and part.is_finite():
            return f"{mark}{part}"
        if isinstance(part, date):
            return part.isoformat()
        if isinstance(part, PurePath | uuid.UUID):
            return str(part)
        raise TypeError(f"{part!r} has no JSON form")

    text = json.dumps(value, default=fallback, ensure_ascii=False, allow_nan=False, indent=indent)
    return re.sub(f'"{mark}([^"]*)"', r"\1", text)
