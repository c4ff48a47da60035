"""Postgres refuses root; every kind of user can run it all the same."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2
import pytest

from embedded import run_as
from embedded.postgres import Postgres
from embedded.process_mark import ProcessMark

ROOT = Path(__file__).parents[2]
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
START_AND_ASK = """
import os, sys
from pathlib import Path
import psycopg2
from embedded.postgres import Postgres
with Postgres(Path(sys.argv[1]), durable=False) as server:
    connection = psycopg2.connect(server.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 42")
        print(os.geteuid(), cursor.fetchone()[0])
    connection.close()
"""


def as_user(uid, home):
    """Run in a namespace where we are `uid`: files stay readable wherever the clone lies."""
    prefix = ["unshare", "--user", f"--map-user={uid}", f"--map-group={uid}", "--"]
    command = [*prefix, sys.executable, "-c", START_AND_ASK, str(home)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


def namespaces_are_open():
    return shutil.which("unshare") is not None and run_as._namespaces_are_open()


OPEN_NAMESPACES = pytest.mark.skipif(not namespaces_are_open(), reason="user namespaces are closed here")


@OPEN_NAMESPACES
def test_an_ordinary_user_starts_it(tmp_path):
    done = as_user(65534, tmp_path)
    assert done.stdout == "65534 42\n", done.stderr


@OPEN_NAMESPACES
def test_a_user_without_a_name_starts_it(tmp_path):
    done = as_user(54321, tmp_path)
    assert done.stdout == "54321 42\n", done.stderr


@AS_ROOT
@pytest.mark.parametrize("parent_mode", [0o755, 0o700])
def test_root_hands_over_to_nobody_where_namespaces_are_closed(parent_mode):
    """A home below a closed directory (root's own) puts its data where `nobody` can go."""
    parent = Path(tempfile.mkdtemp())
    parent.chmod(parent_mode)
    try:
        with Postgres(parent / "home", durable=False, as_user=run_as.AS_NOBODY) as server:
            assert Path(f"/proc/{server.pid}").stat().st_uid == 65534
            server.kill()
            connection = psycopg2.connect(server.start().url)
            connection.close()
            mark = ProcessMark.of(server.pid)
            data = server.data
        assert not mark.is_alive()
        assert data.is_relative_to(parent) == (parent_mode == 0o755)
    finally:
        shutil.rmtree(parent)
        if not data.is_relative_to(parent):
            shutil.rmtree(data.parent)
