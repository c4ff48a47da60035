"""Build the native part of the sheet reader: `python -m core.workbook.build_native`.

It never fails an installation: without a compiler (the `native` extra brings one as a wheel, CC names another) it
says so and ends well, and the reader goes its pure way with the same answers.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from core.workbook.native_sheet import LIBRARY, SOURCE, is_usable

FLAGS = ("-O3", "-shared", "-fPIC", "-fvisibility=hidden", "-fno-sanitize=all")
SECONDS = 300


def compilers() -> Iterator[list[str]]:
    """The one that CC names, those of the system, the one of the wheel."""
    if named := os.environ.get("CC"):
        yield shlex.split(named)
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            yield [path]
    if find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc"]


def build() -> bool:
    """Build with the first compiler that gives a library which loads and reads right."""
    LIBRARY.parent.mkdir(parents=True, exist_ok=True)
    for compiler in compilers():
        with tempfile.TemporaryDirectory(prefix="reckoner-", dir=LIBRARY.parent) as folder:
            made = Path(folder) / LIBRARY.name
            flags = [flag for flag in FLAGS if flag != "-fno-sanitize=all" or "ziglang" in compiler]
            command = [*compiler, *flags, "-o", str(made), str(SOURCE)]
            try:
                subprocess.run(command, check=True, capture_output=True, timeout=SECONDS)  # noqa: S603 - a compiler
            except (OSError, subprocess.SubprocessError):
                continue
            if is_usable(made):
                made.replace(LIBRARY)
                return True
    return False


def main() -> None:
    try:
        built = LIBRARY.exists() or build()
    except OSError as error:
        built = False
        sys.stdout.write(f"the native part cannot be kept here: {error}\n")
    how = f"native sheet reader: {LIBRARY.name}" if built else "no native sheet reader: the pure one reads everything"
    sys.stdout.write(f"{how}\n")


if __name__ == "__main__":
    main()
