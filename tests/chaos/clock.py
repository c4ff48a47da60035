"""A wall clock that is wrong for one process only, Python and C alike."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

_SOURCE = Path(__file__).with_name("shifted_clock.c")


def shifted(folder: Path, by: timedelta) -> dict[str, str]:
    """The environment of a process whose clock is wrong by so much; the shim is built once in `folder`."""
    library = folder / "shifted_clock.so"
    if not library.exists():
        compiler = [sys.executable, "-m", "ziglang", "cc"]
        subprocess.run([*compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(_SOURCE)], check=True)
    return {"LD_PRELOAD": str(library), "SHIFTED_CLOCK_SECONDS": str(int(by.total_seconds()))}
