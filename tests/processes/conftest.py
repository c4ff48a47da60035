"""What the tests of misbehaving processes look at."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool


@pytest.fixture
def look():
    """Ask a platform's database directly."""

    def ask(platform, statement, **facts):
        url = make_url(platform.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
        engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            result = connection.execute(text(statement), facts)
            return result.all() if result.returns_rows else []

    return ask


@pytest.fixture
def effects(look):
    """How often each job took effect."""

    def count(platform):
        return dict(tuple(row) for row in look(platform, "SELECT job_id::text, count(*) FROM probe_effects GROUP BY 1"))

    return count
