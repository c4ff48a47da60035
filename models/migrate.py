"""Bring a database to the newest schema, or back: `python -m models.migrate --help`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from models.schema_version import found
from models.tables import Base

_LOCK = 0x5245434B  # "RECK": two nodes that start together migrate one after the other


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate(url: str, *, to: str = "head", back: bool = False) -> str | None:
    """Run what is missing (or undo down to `to`) under a lock, and say where the database stands now."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as guard:
            guard.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
                (command.downgrade if back else command.upgrade)(_config(connection), to)
                return found(connection)
    finally:
        engine.dispose()


def drift(connection: Connection) -> list[object]:
    """Where the tables of the database and of the code differ."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default=os.environ.get("DATABASE_URL"), help="default: DATABASE_URL")
    parser.add_argument("--down", metavar="REVISION", help="undo down to this revision (`base`: all)")
    options = parser.parse_args()
    if not options.url:
        parser.error("no database: set DATABASE_URL or give --url")
    where = migrate(options.url, to=options.down or "head", back=options.down is not None)
    print(f"schema: {where or 'empty'}")  # noqa: T201  # the answer of a command


if __name__ == "__main__":
    main()
