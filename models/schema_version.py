"""Which schema the code expects and which one the database has, without loading the migration tool."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def expected() -> str:
    """The newest migration this code knows; files are numbered."""
    return max(path.name.partition("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def found(connection: Connection) -> str | None:
    """The migration this database stands at, or None where it has none yet."""
    exists = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar()
    if exists is None:
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
