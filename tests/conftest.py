"""Real servers for all tests: one Postgres and one Valkey a session, a database of its own for each platform."""

from datetime import timedelta

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.settings import Settings
from embedded.postgres import Postgres
from embedded.valkey import Valkey
from models.migrate import migrate
from models.tables import Base
from tasks.runtime import make_runtime
from tests.running import EXTRA_KINDS, RunningPlatform

_EFFECTS = "CREATE TABLE probe_effects (job_id uuid, attempt int, at timestamptz)"


@pytest.fixture(scope="session")
def postgres():
    with Postgres.throwaway() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server():
    with Valkey.throwaway() as server:
        yield server


@pytest.fixture(scope="session")
def template(postgres):
    """A migrated database that others are copied from."""
    _administer(postgres.url, "CREATE DATABASE template_reckoner")
    url = _named(postgres.url, "template_reckoner")
    migrate(url)
    _administer(url, _EFFECTS)
    return "template_reckoner"


@pytest.fixture(scope="session")
def make_database(postgres, template):
    """A new database, migrated, by name."""

    def make(name):
        _administer(postgres.url, f"CREATE DATABASE {name} TEMPLATE {template}")
        return _named(postgres.url, name)

    return make


@pytest.fixture(scope="session")
def postgres_url(make_database):
    """The database of tests that call our code directly; emptied before each."""
    return make_database("unit")


@pytest.fixture(scope="session")
def redis_url(valkey_server):
    return valkey_server.url.rsplit("/", 1)[0] + "/1"


@pytest.fixture
def settings(postgres_url, redis_url, tmp_path):
    return Settings(
        database_url=postgres_url,
        redis_url=redis_url,
        home=tmp_path,
        data_root=tmp_path / "data",
        environment="test",
        extra_kinds=tuple(EXTRA_KINDS.split(",")),
        lease=timedelta(seconds=10),
    )


@pytest.fixture
def runtime(settings):
    runtime = make_runtime(settings, application="test")
    runtime.redis.flushdb()
    tables = ", ".join([*Base.metadata.tables, "probe_effects"])
    with runtime.db.transaction() as connection:
        # Without triggers: emptying a table must not count as a change of its rollups.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    yield runtime
    runtime.close()


@pytest.fixture
def db(runtime):
    return runtime.db


@pytest.fixture
def redis(runtime):
    return runtime.redis


@pytest.fixture
def lifecycle(runtime):
    return runtime.lifecycle


@pytest.fixture(scope="session")
def platform(make_database, valkey_server, tmp_path_factory):
    """A running platform that many tests share: one API node, one worker group."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/2"
    running = RunningPlatform(make_database("shared"), url, tmp_path_factory.mktemp("platform"))
    running.start_worker(wait=False)
    running.start_api()
    yield running
    running.stop()


@pytest.fixture
def http(platform):
    with platform.client() as client:
        yield client


@pytest.fixture
def make_platform(make_database, tmp_path):
    """A platform of a test's own, with a Valkey that it may kill."""
    made = []

    def make(**settings):
        number = len(made)
        name = f"own_{abs(hash(str(tmp_path))) % 10**10}_{number}"
        valkey = Valkey(tmp_path / f"valkey{number}", durable=False).start()
        running = RunningPlatform(make_database(name), valkey.url, tmp_path / f"home{number}", **settings)
        running.valkey = valkey
        made.append(running)
        return running

    yield make
    for running in made:
        running.stop()
        running.valkey.stop()


def _named(url, database):
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _administer(url, statement):
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
