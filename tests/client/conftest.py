"""A client for the running platform, and the command as people type it."""

from dataclasses import dataclass

import pytest

from client import Reckoner
from client.cli import main


@pytest.fixture
def reckoner(platform):
    with Reckoner(platform.url) as client:
        yield client


@dataclass
class Ran:
    code: int
    out: str
    err: str


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """Nothing of the machine's own user: no cache, no key, no address."""
    for name in ("RECKONER_API_KEY", "RECKONER_URL", "RECKONER_HOME", "DATABASE_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def type_in(at_home, monkeypatch, capsys):  # noqa: ARG001  # asked for by its effect
    """Run the command in this process, as `reckoner ARGUMENTS` would."""

    def run(*arguments, url=None):
        if url:
            monkeypatch.setenv("RECKONER_URL", url)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def command(type_in, platform, monkeypatch):
    monkeypatch.setenv("RECKONER_URL", platform.url)
    return type_in
