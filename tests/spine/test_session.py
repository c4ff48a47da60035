"""Connections: what was written after an outage stays written."""

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from models.session import Database


def test_a_connection_made_anew_after_an_outage_still_commits_each_statement(settings, runtime):
    db = Database(settings.database_url, pool_size=1)
    with db.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    with runtime.db.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with db.connect() as connection:
        try:
            connection.execute(text("SELECT 1"))
        except OperationalError:
            assert connection.invalidated
    with db.connect() as connection:
        connection.execute(text("INSERT INTO paused_queues VALUES ('quick', now(), 'me', NULL)"))
    db.close()
    with runtime.db.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM paused_queues")).scalar() == 1
