"""Deleting a home is possible only where it is one, and only when nothing runs in it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.errors import HomeInUseError, ServerError
from embedded.home_lock import lock_home
from embedded.reset import delete_home
from embedded.valkey import Valkey

ROOT = Path(__file__).parents[2]


def test_a_home_is_deleted_with_all_its_data(tmp_path):
    home = tmp_path / "home"
    with Valkey(home, durable=False):
        pass
    os.close(lock_home(home))
    delete_home(home)
    assert not home.exists()


def test_a_home_in_use_is_kept(tmp_path):
    lock = lock_home(tmp_path)
    with pytest.raises(HomeInUseError):
        delete_home(tmp_path)
    os.close(lock)
    assert tmp_path.exists()


def test_a_home_whose_server_runs_is_kept(tmp_path):
    os.close(lock_home(tmp_path))
    with Valkey(tmp_path, durable=False) as server, pytest.raises(HomeInUseError):
        delete_home(tmp_path)
    assert (server.room.path / "data").exists()


def test_a_directory_that_is_no_home_is_kept(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader")
    with pytest.raises(ServerError, match="not a home of this platform"):
        delete_home(tmp_path)
    assert (tmp_path / "letter.txt").exists()


@pytest.mark.parametrize(("answer", "is_kept"), [("no\n", True), ("", True), ("yes\n", False)])
def test_the_command_asks_first(tmp_path, answer, is_kept):
    home = tmp_path / "home"
    home.mkdir()
    os.close(lock_home(home))
    done = subprocess.run(
        [sys.executable, "-m", "embedded", "reset"],
        input=answer,
        text=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "RECKONER_HOME": str(home)},
        check=False,
    )
    assert f"Delete {home}" in done.stdout
    assert home.exists() is is_kept
    assert done.returncode == (1 if is_kept else 0)
