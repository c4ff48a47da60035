"""Build the native part of the sheet reader: `python -m core.workbook.build_native`.

It never fails an installation: without a compiler (the `native` extra brings one as a wheel, CC names another) it
says so and ends well, and the reader goes its pure way with the same answers.
"""

import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from core.workbook import native_library
from core.workbook.native_library import SOURCE, NativeLibrary, Task

LIBRARY = Path(native_library.LIBRARY)
FLAGS = ("-O3", "-shared", "-fPIC", "-pthread", "-fvisibility=hidden", "-fno-sanitize=all")
SECONDS = 300
PROBE = b'<c r="B7" s="1"><v>-12.50</v></c><c r="C7"><v>1</v></c></sheetData>'


def compilers() -> Iterator[list[str]]:
    """The one that CC names, those of the system, the one of the wheel."""
    if named := os.environ.get("CC"):
        yield shlex.split(named)
    for name in ("cc", "gcc", "clang"):
        if path := shutil.which(name):
            yield [path]
    if find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc"]


def is_usable(path: Path) -> bool:
    """Whether it loads here and reads a cell right."""
    try:
        library = NativeLibrary(path)
    except (OSError, AttributeError):
        return False
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(PROBE) + packer.flush()
    with tempfile.TemporaryFile() as file:
        file.write(packed)
        file.flush()
        task = Task(0, len(packed), len(PROBE), 0, 1, 1 << 20, 100, 1 << 20, zlib.crc32(PROBE), file.fileno(), 1)
        sheet = library.open(task, b"B\0\0\0", None)
        if not sheet:
            return False
        said = library.read(sheet, ctypes.c_int64())
        column = library.column(sheet, 0).contents
        is_right = said == 0 and column.count == 1 and ctypes.c_int64.from_address(column.mantissas).value == -1250  # noqa: PLR2004
        library.stop(sheet)
        library.free(sheet)
    return is_right


def build() -> bool:
    """Build with the first compiler that gives a library which loads and reads right."""
    LIBRARY.parent.mkdir(parents=True, exist_ok=True)
    for compiler in compilers():
        with tempfile.TemporaryDirectory(prefix="reckoner-", dir=LIBRARY.parent) as folder:
            made = Path(folder) / LIBRARY.name
            flags = [flag for flag in FLAGS if flag != "-fno-sanitize=all" or "ziglang" in compiler]
            command = [*compiler, *flags, "-o", str(made), SOURCE]
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
    how = f"native part: {LIBRARY.name}" if built else "no native part: the pure one reads everything"
    sys.stdout.write(f"{how}\n")


if __name__ == "__main__":
    main()
