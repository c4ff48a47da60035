"""The supervisor with stand-in applications and real servers: start, restart, stop, and being killed."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psycopg2
import pytest
import requests

from embedded.ports import free_port
from embedded.process_mark import ProcessMark

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60

# Answers /readyz and says who it is; its grandchild sleeps, as the processes of a web server would wait.
API = """
    import http.server, os, subprocess, sys
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = f"{os.getpid()} {grandchild.pid}".encode()
            self.send_response(200); self.end_headers(); self.wfile.write(body)
        def log_message(self, *facts): pass
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    server = http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer)
    print("api listens", flush=True)
    server.serve_forever()
"""
STUBBORN = """
    import signal, time
    signal.signal(signal.SIGTERM, lambda *facts: print("won't stop", flush=True))
    print("stubborn stands", flush=True)
    while True: time.sleep(600)
"""
MIGRATE = "import os; print('migrates', os.environ['DATABASE_URL'])"
RUN = """
    import sys
    from embedded.local_settings import read_local_settings
    from embedded.log_lines import LogLines
    from embedded.processes import Process
    from embedded.supervisor import Supervisor
    migrate, foreground, *scripts = sys.argv[1:]
    processes = [Process(name, ("python", "-c", body)) for name, body in (s.split("=", 1) for s in scripts)]
    front = Process("front", ("python", "-c", foreground)) if foreground else None
    settings, log = read_local_settings(), LogLines(sys.stdout)
    migrate = Process("migrate", ("python", "-c", migrate))
    sys.exit(Supervisor(settings, processes, migrate=migrate, log=log, foreground=front).run())
"""


class Copy:
    """One supervisor in a process of its own."""

    def __init__(self, home, scripts, *, migrate=MIGRATE, foreground="", out=subprocess.PIPE, **environment):
        self.port = free_port()
        own = {"RECKONER_HOME": str(home), "PORT": str(self.port), "FLOWER_PORT": str(free_port())}
        named = [f"{name}={textwrap.dedent(body)}" for name, body in scripts.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(RUN), migrate, foreground, *named],
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **own, **environment},
        )
        self.lines = []

    def wait_for(self, words):
        """Read its log up to a line with these words."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            line = self.process.stdout.readline().decode()
            if not line:
                break
            self.lines.append(line)
            if words in line:
                return line
        raise AssertionError(f"never said {words!r}:\n{''.join(self.lines)}")

    def api_marks(self):
        answer = requests.get(f"http://127.0.0.1:{self.port}/", timeout=5).text
        return [ProcessMark.of(int(pid)) for pid in answer.split()]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.lines.append(self.process.stdout.read().decode())
        return self.process.wait(PATIENCE_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *facts):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def test_it_starts_everything_says_ready_and_stops_in_order(tmp_path):
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("ready: jobs are taken and run")
        endpoints = json.loads((tmp_path / "endpoints.json").read_text())
        psycopg2.connect(endpoints["database_url"]).close()
        marks = copy.api_marks()
        assert copy.stop() == 0
        log = "".join(copy.lines)
        assert f"migrate  | migrates {endpoints['database_url']}" in log
        assert log.index("migrates") < log.index("api listens") < log.index("ready:") < log.index("stopped")
        assert "docs     http://127.0.0.1" in log
        assert not any(mark.is_alive() for mark in marks)
        assert not (tmp_path / "endpoints.json").exists()


def test_ready_is_not_said_before_the_api_says_so(tmp_path):
    not_ready = API.replace("send_response(200)", "send_response(200 if os.path.exists(flag) else 503)")
    flag = tmp_path / "flag"
    with Copy(tmp_path, {"api": f"    flag = {str(flag)!r}\n{not_ready}"}) as copy:
        copy.wait_for("api listens")
        while requests.get(f"http://127.0.0.1:{copy.port}/", timeout=5).status_code != 503:
            pass
        assert not any("ready: " in line for line in copy.lines)
        flag.touch()
        copy.wait_for("ready: jobs are taken and run")
        assert copy.stop() == 0


def test_a_supervisor_killed_with_9_leaves_nothing_that_blocks_the_next_start(tmp_path):
    with Copy(tmp_path, {"api": API}) as killed:
        killed.wait_for("ready: ")
        marks = killed.api_marks()
        killed.process.kill()
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("ready: ")
        assert not any(mark.is_alive() for mark in marks)
        assert copy.stop() == 0


def test_children_that_outlive_a_killed_supervisor_are_ended_by_the_next(tmp_path):
    with Copy(tmp_path, {"api": API, "stubborn": STUBBORN}) as killed:
        killed.wait_for("ready: ")
        stubborn = ProcessMark.parse((tmp_path / "processes" / "stubborn").read_text())
        grandchild = killed.api_marks()[1]
        killed.process.kill()
    assert stubborn.is_alive()
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("that a killed run had left")
        copy.wait_for("ready: ")
        assert not stubborn.is_alive()
        assert not grandchild.is_alive()
        assert copy.stop() == 0


def test_a_dead_child_is_started_again_with_all_it_left_gone(tmp_path):
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("ready: ")
        api, grandchild = copy.api_marks()
        api.send(signal.SIGKILL)
        copy.wait_for("api ended with code -9; starting it again in 0.5 s")
        copy.wait_for("api listens")
        assert not grandchild.is_alive()
        assert copy.stop() == 0


def test_a_dead_server_is_started_again_on_the_same_address(tmp_path):
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("ready: ")
        url = json.loads((tmp_path / "endpoints.json").read_text())["database_url"]
        pid = int((tmp_path / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        copy.wait_for("postgres has ended; starting it again")
        copy.wait_for("ready to accept connections")
        psycopg2.connect(url).close()
        assert copy.stop() == 0


def test_the_first_ctrl_c_waits_for_a_drain_and_the_second_does_not(tmp_path):
    with Copy(tmp_path, {"api": API, "stubborn": STUBBORN}, RECKONER_DRAIN="3600") as copy:
        copy.wait_for("ready: ")
        stubborn = ProcessMark.parse((tmp_path / "processes" / "stubborn").read_text())
        copy.process.send_signal(signal.SIGINT)
        copy.wait_for("won't stop")
        assert stubborn.is_alive()
        time.sleep(0.5)  # Nearer together they would be one Ctrl-C that was handed on twice.
        assert copy.stop() == 0
        assert not stubborn.is_alive()


def test_a_failed_migration_starts_nothing(tmp_path):
    with Copy(tmp_path, {"api": API}, migrate="raise SystemExit(3)") as copy:
        copy.wait_for("migrate failed with code 3: nothing else is started")
        assert copy.process.wait(PATIENCE_SECONDS) == 3
        assert not any("api" in line for line in copy.lines)


@pytest.mark.parametrize("code", [0, 7])
def test_what_runs_in_the_foreground_ends_the_run_with_its_code(tmp_path, code):
    front = f"import os; print('front sees', os.environ['PORT'], flush=True); raise SystemExit({code})"
    with Copy(tmp_path, {"api": API}, foreground=front) as copy:
        copy.wait_for(f"front sees {copy.port}")
        copy.wait_for("stopped")
        assert copy.process.wait(PATIENCE_SECONDS) == code


def test_two_copies_run_side_by_side(tmp_path):
    with Copy(tmp_path / "one", {"api": API}) as one, Copy(tmp_path / "two", {"api": API}) as two:
        one.wait_for("ready: ")
        two.wait_for("ready: ")
        assert (one.stop(), two.stop()) == (0, 0)


def test_a_second_copy_in_the_same_home_is_refused_and_harms_nothing(tmp_path):
    with Copy(tmp_path, {"api": API}) as first:
        first.wait_for("ready: ")
        with Copy(tmp_path, {"api": API}) as second:
            second.wait_for("another copy runs in")
            assert second.process.wait(PATIENCE_SECONDS) != 0
        assert all(mark.is_alive() for mark in first.api_marks())
        assert first.stop() == 0


def test_given_servers_replace_the_embedded_ones(tmp_path):
    given = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere:6379/0"}
    with Copy(tmp_path, {"api": API}, **given) as copy:
        copy.wait_for("migrates postgresql://elsewhere/db")
        copy.wait_for("ready: ")
        assert not (tmp_path / "postgres").exists()
        assert not (tmp_path / "valkey").exists()
        assert copy.stop() == 0


def test_when_nobody_reads_the_log_any_more_it_stops_in_order(tmp_path):
    with Copy(tmp_path, {"api": API}) as copy:
        copy.wait_for("ready: ")
        marks = copy.api_marks()
        copy.process.stdout.close()
        os.kill(marks[0].pid, signal.SIGKILL)  # Makes it say something.
        copy.process.stdout = None
        assert copy.process.wait(PATIENCE_SECONDS) == 0
        assert not (tmp_path / "endpoints.json").exists()


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_a_colour_per_process_unless_it_wants_none(tmp_path, environment, coloured):
    ours, theirs = pty.openpty()
    given = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere:6379/0"}
    with Copy(tmp_path, {"api": API}, out=theirs, foreground="print()", **given, **environment) as copy:
        os.close(theirs)
        shown = b""
        while b"stopped" not in shown and select.select([ours], [], [], PATIENCE_SECONDS)[0]:
            shown += os.read(ours, 65536)
        copy.process.wait(PATIENCE_SECONDS)
    os.close(ours)
    assert b"api listens" in shown
    assert (b"\x1b[" in shown) is coloured
