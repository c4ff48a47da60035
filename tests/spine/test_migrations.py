"""Migrations: no drift, and each step runs both ways."""

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from models import schema_version
from models.migrate import drift, migrate


def connect(url):
    return create_engine(make_url(url).set(drivername="postgresql+psycopg2")).connect()


def tables(url):
    with connect(url) as connection:
        rows = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        return set(rows.scalars()) - {"alembic_version", "probe_effects"}


def test_the_tables_are_what_the_code_says(make_database):
    with connect(make_database("drift")) as connection:
        connection.execute(text("DROP TABLE probe_effects"))
        assert drift(connection) == []


def test_every_migration_goes_up_and_down_and_up_again(make_database):
    url = make_database("both_ways")
    full = tables(url)
    assert full
    migrate(url, to="base", back=True)
    assert tables(url) == set()
    migrate(url)
    assert tables(url) == full
    with connect(url) as connection:
        assert schema_version.found(connection) == schema_version.expected()
