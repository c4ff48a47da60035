"""Memory of the idle platform, process by process, as `make up` starts it."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from bench.table import markdown
from embedded.ports import free_port

_ROOT = Path(__file__).parent.parent
_GOAL_MB = 400


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench memory", description=__doc__)
    parser.add_argument("--settle", type=float, default=15.0, help="seconds of idling before looking")
    options = parser.parse_args(arguments)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="reckoner-bench-", ignore_cleanup_errors=True) as home:
        places = {"RECKONER_HOME": home, "PORT": str(port), "FLOWER_PORT": str(free_port())}
        command = [sys.executable, "-m", "embedded", "up"]
        with (Path(home) / "up.log").open("wb") as log:
            up = subprocess.Popen(command, env={**os.environ, **places}, cwd=_ROOT, stdout=log, stderr=log)
        try:
            _wait_until_ready(port)
            time.sleep(options.settle)
            sizes = {pid: size for pid in family(up.pid) if (size := proportional_mb(pid)) is not None}
            names = {pid: _name(pid) for pid in sizes}
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)
    groups: dict[str, list[float]] = {}
    for pid, size in sizes.items():
        groups.setdefault(names[pid], []).append(size)
    rows = [[name, str(len(each)), f"{sum(each):.0f}"] for name, each in sorted(groups.items())]
    total = sum(sizes.values())
    rows.append(["all", str(len(sizes)), f"{total:.0f} (goal: under {_GOAL_MB})"])
    print(markdown(["processes", "number", "MB (proportional set size)"], rows))
    return 0


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok:
                return
        except requests.RequestException:
            pass
        if time.monotonic() > deadline:
            raise TimeoutError("the platform does not get ready")
        time.sleep(0.2)


def family(root: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(parent, []).append(int(entry.parent.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def proportional_mb(pid: int) -> float | None:
    """A process' own memory and its share of what it shares; None where it has ended."""
    try:
        match = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(match[1]) / 1024 if match else None


def _name(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
    except FileNotFoundError:
        return "ended"
    marks = ("-m api", "celery", "embedded up", "postgres", "valkey")
    mark = next((mark for mark in marks if mark in command), "other")
    if mark != "celery":
        return {"-m api": "api", "embedded up": "supervisor"}.get(mark, mark)
    return next((part for part in ("worker", "beat", "flower") if f" {part} " in command), "celery")
