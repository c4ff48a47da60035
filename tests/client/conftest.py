"""A client for the running platform, and the command as people type it."""

from dataclasses import dataclass

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from embedded.valkey import Valkey
from reckoner import Reckoner
from reckoner.cli import main
from tests.running import RunningPlatform


@pytest.fixture(scope="session")
def workerless(make_database, tmp_path_factory):
    """One API node on a database and a Valkey of its own, and no worker; tests that break it mend it."""
    home = tmp_path_factory.mktemp("workerless")
    valkey = Valkey(home / "valkey", durable=False).start()
    platform = RunningPlatform(make_database("workerless"), valkey.url, home / "home", api_workers=1)
    platform.valkey = valkey
    platform.start_api()
    yield platform
    platform.stop()
    valkey.stop()


@pytest.fixture
def sql(workerless):
    """Change that node's database behind its back."""
    url = make_url(workerless.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def run(statement):
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    return run


@pytest.fixture
def schedule(sql):
    """Put a schedule into that node's timetable for a while."""

    def add(name, *, due):
        sql(
            "INSERT INTO schedules"
            " (name, kind, params, every_seconds, catch_up, overlap, at_start, next_due_at, created_at) VALUES"
            f" ('{name}', 'echo', '{{\"words\": \"due\"}}', 60, 'one', 'skip', false, now() {due}, now())"
        )

    yield add
    sql("DELETE FROM schedules")


@pytest.fixture
def reckoner(platform):
    with Reckoner(platform.url) as client:
        yield client


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """Nothing of the machine's own user: no cache, no key, no address."""
    for name in ("RECKONER_API_KEY", "RECKONER_URL", "RECKONER_HOME", "DATABASE_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def type_in(at_home, monkeypatch, capsys):  # noqa: ARG001  # asked for by its effect
    """Run the command in this process, as `reckoner ARGUMENTS` would."""

    def run(*arguments, url=None):
        if url:
            monkeypatch.setenv("RECKONER_URL", url)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def command(type_in, platform, monkeypatch):
    monkeypatch.setenv("RECKONER_URL", platform.url)
    return type_in
