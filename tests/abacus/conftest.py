"""A Valkey and a Postgres of our own, because these tests kill and empty them."""

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.abacus.history import PostgresHistory
from core.running_sum import RunningSums
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate
from models.session import Database


@pytest.fixture(scope="session")
def sum_postgres(tmp_path_factory):
    with Postgres(tmp_path_factory.mktemp("sums"), durable=False) as server:
        migrate(server.url)
        yield server


@pytest.fixture
def sum_db(sum_postgres):
    db = Database(sum_postgres.url)
    with db.transaction() as connection:
        connection.exec_driver_sql("TRUNCATE running_sum_entries")
    yield db
    db.close()


@pytest.fixture
def valkey(tmp_path):
    with Valkey(tmp_path) as server:
        yield server


@pytest.fixture
def make_sums(valkey, sum_db):
    """Another node: its own connections, the same sums."""
    clients = []

    def make(node_id="a", **options):
        clients.append(Redis.from_url(valkey.url, retry=Retry(NoBackoff(), 0), socket_timeout=5))
        return RunningSums(clients[-1], PostgresHistory(sum_db), node_id=node_id, **options)

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def sums(make_sums):
    return make_sums()
