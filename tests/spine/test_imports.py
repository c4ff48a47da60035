"""Importing is free: no module connects to anything or reads a setting, except the entry points."""

import subprocess
import sys

from tests.running import ROOT

_ENTRY_POINTS = {"api.wsgi", "workers.entry"}
_READERS = {
    "api/__main__.py",
    "api/wsgi.py",
    "client/reckoner/cli.py",
    "embedded/local_settings.py",
    "models/keys.py",
    "workers/entry.py",
}
_READS = r"read_settings\(\)|(^|[^A-Za-z_])Settings\(\)"
_WALK = """
import importlib, os, pkgutil, socket, sys

def refuse(*_, **__):
    raise AssertionError("connected at import")

socket.socket.connect = refuse
tops = ("core", "models", "tasks", "workers", "api", "embedded", "reckoner")
read = os.environ.__class__.__getitem__

def watched(self, name):
    reader = sys._getframe(1).f_globals.get("__name__", "")
    if reader == "os":  # get() and the like
        reader = sys._getframe(2).f_globals.get("__name__", "")
    assert reader.partition(".")[0] not in tops, f"{reader} read {name} at import"
    return read(self, name)

os.environ.__class__.__getitem__ = watched
skipped = set(sys.argv[1].split(","))
count = 0
for top in tops:
    package = importlib.import_module(top)
    for found in pkgutil.walk_packages(package.__path__, top + "."):
        if found.name in skipped or found.name.endswith("__main__") or ".migrations." in found.name:
            continue
        importlib.import_module(found.name)
        count += 1
print(count)
"""


def test_nothing_connects_or_reads_a_setting_at_import():
    run = subprocess.run(
        [sys.executable, "-c", _WALK, ",".join(_ENTRY_POINTS)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATABASE_URL": "postgresql://nowhere/x", "REDIS_URL": "redis://nowhere"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert int(run.stdout) > 100


def test_only_entry_points_read_the_settings():
    found = subprocess.run(
        ["git", "grep", "-lE", _READS, "--", "*.py", ":!tests", ":!core/settings.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(found) <= _READERS


def test_what_serves_and_what_fires_loads_no_library_that_only_bodies_need():
    """Two API processes, beat and Flower would each pay for numpy and pyarrow, and never use them."""
    script = """
import sys, workers.beat, api.app
print(sorted(name for name in ("numpy", "pandas", "pyarrow", "openpyxl") if name in sys.modules))
"""
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
