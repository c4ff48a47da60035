"""Points in time as people give them: an ISO time, or an age."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import click

_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Moment(click.ParamType[datetime]):
    """`2026-11-21T08:00` is this machine's time; `90m` is that long from now, back or (with +) ahead."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        match = _AGE.fullmatch(text.removeprefix("+"))
        if match:
            distance = timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
            return datetime.now(UTC) + (distance if text.startswith("+") else -distance)
        try:
            return datetime.fromisoformat(text).astimezone()
        except ValueError:
            self.fail(f"{text!r} is neither an ISO time like 2026-11-21T08:00 nor an age like 90m, 12h, 7d", param, ctx)


MOMENT = Moment()
