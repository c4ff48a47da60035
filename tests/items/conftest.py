"""A running platform whose outside API is a stand-in of ours."""

from __future__ import annotations

import pytest
from redis import Redis

from core.external_api import external_breaker
from models.session import Database
from tests.running import RunningPlatform
from tests.sync import outside as behaviour
from tests.sync.outside import OutsideApi, post


@pytest.fixture(scope="session")
def outside_server():
    with OutsideApi() as running:
        yield running


@pytest.fixture(scope="session")
def world(make_database, valkey_server, tmp_path_factory, outside_server):
    """One API node and one worker group for all tests of items, sync, orders and analytics."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/3"
    running = RunningPlatform(
        make_database("items"), url, tmp_path_factory.mktemp("items"), external_api_url=outside_server.url
    )
    running.start_worker(wait=False)
    running.start_api()
    yield running
    running.stop()


@pytest.fixture
def world_db(world):
    db = Database(world.environment["DATABASE_URL"], pool_size=2)
    yield db
    db.close()


@pytest.fixture
def world_redis(world):
    with Redis.from_url(world.environment["REDIS_URL"]) as client:
        yield client


@pytest.fixture
def outside(outside_server, world_redis):
    """Well-behaved at the beginning of each test, and the breaker closed."""
    outside_server.posts = [post(n) for n in range(1, 101)]
    outside_server.always = behaviour.well_behaved
    outside_server.paged, outside_server.etags = True, False
    external_breaker(world_redis).reset()
    return outside_server


@pytest.fixture
def client(world, outside):  # noqa: ARG001  # each test begins with an outside API that behaves
    with world.client() as session:
        yield session
