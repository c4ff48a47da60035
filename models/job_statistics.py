"""How many jobs ended when and how, how long they waited and ran: over a period, in equal steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

# Ids begin with their time, so the primary key finds the period's rows without an index of their own; a job that
# was submitted long before it ended is looked for as far back as `slack` says.
_STEPS = text("""
SELECT date_bin(:step, finished_at, :starts) AS at,
    count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - started_at)) AS run,
    percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - queued_at)) AS wait
FROM jobs
WHERE id >= :first_id AND finished_at >= :starts AND (CAST(:owner AS text) IS NULL OR owner = :owner)
GROUP BY 1 ORDER BY 1
""")
_KINDS = text("""
SELECT kind, count(*) AS ended,
    count(*) FILTER (WHERE status = 'failed') AS failed,
    count(*) FILTER (WHERE status = 'failed' AND error ->> 'code' = 'poison') AS poison,
    sum(crashes) AS crashes,
    max(finished_at) FILTER (WHERE status = 'failed') AS last_failed_at,
    (array_agg(error ->> 'message' ORDER BY finished_at DESC) FILTER (WHERE status = 'failed'))[1] AS last_error,
    (array_agg(id::text ORDER BY finished_at DESC) FILTER (WHERE status = 'failed'))[1] AS last_failed_id
FROM jobs
WHERE id >= :first_id AND finished_at >= :starts AND (CAST(:owner AS text) IS NULL OR owner = :owner)
GROUP BY kind ORDER BY failed DESC, ended DESC, kind
""")


def first_id(moment: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def ended_by_step(
    connection: Connection, *, starts: datetime, step: timedelta, slack: timedelta, owner: str | None
) -> Sequence[Row[Any]]:
    """Steps in which nothing ended are left out. Without an owner: everybody's jobs."""
    facts = {"starts": starts, "step": step, "first_id": first_id(starts - slack), "owner": owner}
    return connection.execute(_STEPS, facts).all()


def ended_by_kind(
    connection: Connection, *, starts: datetime, slack: timedelta, owner: str | None
) -> Sequence[Row[Any]]:
    """The kind that failed most first, with its newest error."""
    facts = {"starts": starts, "first_id": first_id(starts - slack), "owner": owner}
    return connection.execute(_KINDS, facts).all()
