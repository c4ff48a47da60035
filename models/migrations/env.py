"""Alembic runs this; the connection comes from models.migrate."""

from __future__ import annotations

from alembic import context

from models.tables import Base


def run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


run()
