"""The filter bar's little language: `kind:two_sum status:failed age<1d tag:month-end owner:me`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from core.clock import now
from core.errors import InvalidInputError
from models.job import FINAL, JobStatus

_WORD = re.compile(r'(?:([A-Za-z_]+)(:|<=|>=|<|>))?("[^"]*"|\S+)')
_AGE = re.compile(r"(\d+)(s|min|m|h|d|w)")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_GROUPS = {
    "open": [str(status) for status in JobStatus if status not in FINAL],
    "ended": [str(status) for status in JobStatus if status in FINAL],
}
NAMES = ("kind", "status", "tag", "owner", "age", "created", "schedule", "parent")


@dataclass(frozen=True)
class Wanted:
    """What was asked for: fields that ListQuery and Filter share, and a job that was named outright."""

    fields: dict[str, Any] = field(default_factory=dict)
    job_id: UUID | None = None


def understood(text: str, *, me: str, kinds: Iterable[str]) -> Wanted:
    """The text as a filter; what cannot be understood is named, with what would be."""
    fields: dict[str, Any] = {}
    known = list(kinds)
    for name, sign, raw in _WORD.findall(text):
        value = raw.strip('"')
        if not name:
            named = _as_id(value)
            if named is None:
                raise InvalidInputError(_not_understood(value, known))
            return Wanted(job_id=named)
        _add(fields, name.lower(), sign, value, me=me, kinds=known)
    return Wanted(fields)


def _add(fields: dict[str, Any], name: str, sign: str, value: str, *, me: str, kinds: list[str]) -> None:
    if name in {"age", "created"}:
        fields |= _age(value, sign) if name == "age" else _created(value, sign)
        return
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"; did you mean {near[0]}:?" if near else ""
        raise InvalidInputError(f"there is no filter {name!r}; filters: {', '.join(NAMES)}{hint}")
    if sign != ":":
        raise InvalidInputError(f"{name} takes a colon: {name}:{value}")
    match name:
        case "kind":
            fields.setdefault("kind", []).extend(_each(value, kinds, "kind"))
        case "status":
            statuses = [status for word in value.split(",") for status in _GROUPS.get(word, [word])]
            fields.setdefault("status", []).extend(_each(",".join(statuses), list(JobStatus), "status"))
        case "tag":
            fields.setdefault("tag", []).append(value)
        case "owner":
            fields["owner"] = me if value == "me" else value
        case "schedule":
            fields["schedule"] = value
        case _:
            parent = _as_id(value)
            if parent is None:
                raise InvalidInputError(f"parent takes a job's id, not {value!r}")
            fields["parent_id"] = parent


def _each(value: str, known: Iterable[str], name: str) -> list[str]:
    allowed = [str(word) for word in known]
    words = [word for word in value.split(",") if word]
    for word in words:
        if word not in allowed:
            near = difflib.get_close_matches(word, allowed, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(sorted(allowed))}"
            raise InvalidInputError(f"there is no {name} {word!r}{hint}")
    return words


def _age(value: str, sign: str) -> dict[str, datetime]:
    match = _AGE.fullmatch(value)
    if match is None or sign == ":":
        raise InvalidInputError(f"age is written like age<1d or age>2h (s, m, h, d, w), not age{sign}{value}")
    try:
        edge = now() - timedelta(seconds=int(match[1]) * _UNITS[match[2]])
    except OverflowError:
        raise InvalidInputError(f"{value} is longer ago than there are dates") from None
    return {"created_after": edge} if sign.startswith("<") else {"created_before": edge}


def _created(value: str, sign: str) -> dict[str, datetime]:
    """A day, or a moment, in UTC; `created:2026-11-21` means that day."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInputError(f"created is written like created>2026-11-01, not created{sign}{value}") from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if sign == ":":
        return {"created_after": moment - timedelta(microseconds=1), "created_before": moment + timedelta(days=1)}
    return {"created_after": moment} if sign.startswith(">") else {"created_before": moment}


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _not_understood(word: str, kinds: list[str]) -> str:
    if word in kinds:
        return f"{word!r} is a kind; write kind:{word}"
    if word in set(JobStatus) or word in _GROUPS:
        return f"{word!r} is a status; write status:{word}"
    return f"{word!r} is not understood; write for example kind:two_sum, status:failed, tag:{word} or a whole job id"
