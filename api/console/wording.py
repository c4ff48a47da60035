"""Times, sizes, statuses and errors in words that people use."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint
from markupsafe import Markup, escape
from pydantic import ValidationError

from core.clock import now

NOTHING = "\N{EN DASH}"  # where there is no value
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h"), (30 * 86400, 86400, "d"))
_MEANINGS = {
    "missing": "please fill this in",
    "int_parsing": "write a whole number, such as 42",
    "int_type": "write a whole number, such as 42",
    "int_from_float": "write a whole number, such as 42",
    "decimal_parsing": "write a number, such as 1250.00",
    "float_parsing": "write a number, such as 1250.00",
    "float_type": "write a number, such as 1250.00",
    "bool_parsing": "choose yes or no",
    "uuid_parsing": "this is not an id; it should look like 0195f0c2-…",
    "datetime_parsing": "write a date and time, such as 2026-11-30 14:00",
    "datetime_from_date_parsing": "write a date and time, such as 2026-11-30 14:00",
    "date_from_datetime_parsing": "write a date, such as 2026-11-30",
    "list_type": "write one entry on each line",
    "string_type": "write some text",
    "dict_type": "write a JSON object",
    "extra_forbidden": "this is not known here; remove it",
}


def moment(value: Any) -> datetime | None:
    """A time from a document, or as it is."""
    if not value:
        return None
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def ago(value: Any) -> str:
    """`3 min ago`, `in 2 h`."""
    when = moment(value)
    if when is None:
        return NOTHING
    passed = (now() - when).total_seconds()
    if abs(passed) < 1:
        return "just now"
    words = rough(abs(passed))
    return f"{words} ago" if passed > 0 else f"in {words}"


def rough(seconds: float) -> str:
    """A span in one unit."""
    for limit, unit, word in _STEPS:
        if seconds < limit:
            return f"{int(seconds // unit)} {word}"
    return f"{int(seconds // 86400)} d"


def span(seconds: Any) -> str:
    """A duration as precisely as anybody wants it."""
    if seconds is None:
        return NOTHING
    value = float(seconds)
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:  # noqa: PLR2004  # a minute
        return f"{value:.1f} s"
    whole = round(value)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def between(start: Any, end: Any) -> str:
    """How long from one moment to another, or until now."""
    first, last = moment(start), moment(end) or now()
    return span((last - first).total_seconds()) if first else NOTHING


def clock(value: Any) -> str:
    when = moment(value)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") + " UTC" if when else NOTHING


def time_of_day(value: Any) -> str:
    when = moment(value)
    return when.astimezone(UTC).strftime("%H:%M:%S") if when else NOTHING


def number(value: Any) -> str:
    """With thousands apart, and every digit kept."""
    if value is None:
        return NOTHING
    if isinstance(value, Decimal):
        return f"{value:,f}"
    return f"{value:,}"


def size(value: Any) -> str:
    if value is None:
        return NOTHING
    amount = float(value)
    for unit in ("bytes", "KB", "MB"):
        if amount < 1024:  # noqa: PLR2004
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"


def sentence(message: str) -> str:
    """An error's text with a capital and a full stop."""
    text = message.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")


def meaning(problem: dict[str, Any]) -> str:
    """What to do about one wrong field."""
    words = _MEANINGS.get(problem["type"])
    return words or str(problem["msg"]).removeprefix("Value error, ").replace("Input should", "it should")


def wrong_fields(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'form'}: {meaning(dict(item))}" for item in found[:5])


def label(name: str) -> str:
    """A field's name as a heading: `created_at` is `Created at`."""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def help(text: str) -> Markup:  # noqa: A001  # a filter's name
    """A schema's description: what stands in backticks is code."""
    pieces = str(escape(text)).split("`")
    marked = [f"<code>{piece}</code>" if place % 2 else piece for place, piece in enumerate(pieces)]
    return Markup("".join(marked))  # noqa: S704  # escaped before it was marked


def register(blueprint: Blueprint) -> None:
    filters = (ago, span, clock, time_of_day, number, size, sentence, label, help)
    for each in filters:
        blueprint.add_app_template_filter(each, f"as_{each.__name__}")
    blueprint.add_app_template_global(between, "between")
