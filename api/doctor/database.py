"""Postgres: there, migrated, with room for connections, durable, and of one time with us."""

from __future__ import annotations

from sqlalchemy import Connection, text

from api.doctor.findings import Finding, clock, error, fine, warning
from api.platform import Platform
from core.clock import now
from models import schema_version
from tasks.base import DATABASE_DOWN

_CROWDED, _FULL = 0.8, 0.95
_CONNECTIONS = text(
    "SELECT count(*) AS used, current_setting('max_connections')::int AS most"
    " FROM pg_stat_activity WHERE backend_type = 'client backend'"
)
_DURABILITY = text("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') ORDER BY name")


def examine(platform: Platform) -> list[Finding]:
    try:
        with platform.db.connect() as connection:
            return [_migrations(connection), _clock(connection), _connections(connection), _durability(connection)]
    except DATABASE_DOWN as trouble:
        return [
            error(
                "database",
                f"the database does not answer: {str(trouble).splitlines()[0]}",
                "start Postgres, or correct DATABASE_URL; jobs go on by themselves when it is back",
            )
        ]


def _migrations(connection: Connection) -> Finding:
    found, expected = schema_version.found(connection), schema_version.expected()
    if found == expected:
        return fine("migrations", f"the schema is at {found}, as this version expects")
    if found is not None and found > expected:
        return error(
            "migrations",
            f"the schema is at {found}, but this node only knows {expected}: it is older than the database",
            "update this node, or take the schema back with `reckoner migrate --down`",
        )
    return error(
        "migrations",
        f"the schema is at {found or 'nothing'}, but this version needs {expected}",
        "run `reckoner migrate`",
    )


def _clock(connection: Connection) -> Finding:
    before = now()
    theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return clock("database_clock", theirs, before, now(), whose="Postgres'")


def _connections(connection: Connection) -> Finding:
    row = connection.execute(_CONNECTIONS).one()
    what = f"{row.used} of {row.most} database connections are in use"
    if row.used < _CROWDED * row.most:
        return fine("database_connections", what)
    way_out = "raise max_connections, put a pooler before Postgres, or run fewer API and worker processes"
    return (error if row.used > _FULL * row.most else warning)("database_connections", what, way_out)


def _durability(connection: Connection) -> Finding:
    off = [row.name for row in connection.execute(_DURABILITY) if row.setting == "off"]
    if not off:
        return fine("database_durability", "what Postgres has committed survives a power cut")
    return error(
        "database_durability",
        f"Postgres runs with {' and '.join(off)} off: a power cut can destroy the database",
        f"switch {' and '.join(off)} on and restart Postgres",
    )
