"""Measure whole processes: wall seconds, CPU seconds and peak memory."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Given = TypeVar("Given")


@dataclass(frozen=True)
class Measured:
    """One run; CPU seconds tell more than wall seconds on a shared machine."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Measured:
    started = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, **(environment or {})}, cwd=cwd
    ) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        said = process.stdout.read().decode().strip()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            error = process.stderr.read().decode() if process.stderr else ""
            said = f"failed: {error.strip().splitlines()[-1] if error.strip() else process.returncode}"
    return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def apart(work: Callable[Asked, Given], *arguments: Asked.args, **options: Asked.kwargs) -> Given:
    """Have another process do what takes much memory: the peak of whoever starts a process counts as that one's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **options).result()


def best(found: Sequence[Measured]) -> Measured:
    return Measured(
        min(each.seconds for each in found),
        min(each.cpu_seconds for each in found),
        min(each.peak_mb for each in found),
        found[-1].said,
    )


def peers_python(folder: Path, packages: Sequence[str]) -> Path:
    """A throw-away environment with the peers; made once."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        (folder / "complete").touch()
    return python
