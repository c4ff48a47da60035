"""Workers: every queue served, none paused and forgotten, one version everywhere, schedules firing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from api.doctor.findings import Finding, error, fine, warning
from api.platform import Platform
from models import schema_version
from tasks.base import DATABASE_DOWN
from workers.housekeeping.survey import survey
from workers.process import VERSION

_LIVE = text(
    "SELECT name, version, last_seen_at > clock_timestamp() - interval '15 seconds' AS is_heard FROM workers"
    " WHERE status <> 'stopped' AND last_seen_at > clock_timestamp() - interval '1 hour' ORDER BY name"
)
_LATE = text(
    "SELECT name FROM schedules WHERE paused_at IS NULL AND retired_at IS NULL"
    " AND next_due_at < clock_timestamp() - interval '2 minutes' ORDER BY name"
)


def examine(platform: Platform) -> list[Finding]:
    try:
        with platform.db.connect() as connection:
            if schema_version.found(connection) is None:
                return []  # without tables there is nothing to look at, and the database's findings say so
            seen = survey(connection)["queues"]
            return [*map(_queue, seen), *_workers(connection), _schedules(connection)]
    except DATABASE_DOWN:
        return []  # said once, by the database's own findings


def _queue(queue: dict[str, Any]) -> Finding:
    name, depth = queue["queue"], queue["depth"]
    check = f"queue_{name}"
    if not queue["workers"]:
        return error(
            check,
            f"no live worker serves queue {name}; {depth} jobs wait",
            f"start a worker with `-Q {name}` (docker compose has one for each queue; `reckoner up` serves all)",
        )
    if queue["paused"]:
        return warning(
            check,
            f"queue {name} is paused by {queue['paused_by']} ({queue['pause_reason'] or 'no reason given'});"
            f" {depth} jobs wait",
            f"`reckoner queues resume {name}` when the reason is gone",
        )
    return fine(check, f"queue {name}: {depth} jobs wait, {queue['slots']} can run at once")


def _workers(connection: Connection) -> list[Finding]:
    live = connection.execute(_LIVE).all()
    silent = [row.name for row in live if not row.is_heard]
    versions = {VERSION, *(row.version for row in live if row.is_heard)}
    found = [fine("versions", f"this node and all workers run {VERSION}")]
    if len(versions) > 1:
        others = ", ".join(f"{row.name} runs {row.version}" for row in live if row.is_heard and row.version != VERSION)
        found = [
            warning(
                "versions",
                f"two versions run together: this node {VERSION}; {others}",
                "finish the roll-out: restart what still runs the old one",
            )
        ]
    if silent:
        found.append(
            warning(
                "workers",
                f"not heard of for 15 s without having signed off: {', '.join(silent)}",
                "look whether these machines live; what they ran has been taken over",
            )
        )
    return found


def _schedules(connection: Connection) -> Finding:
    late = connection.execute(_LATE).scalars().all()
    if not late:
        return fine("schedules", "no schedule is late")
    return error(
        "schedules",
        f"late by more than two minutes: {', '.join(late)}",
        "start beat; any number of them may run, a due time fires once",
    )
