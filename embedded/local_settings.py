"""The platform's settings before its servers run: where they will be, and what the children are told."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings, read_settings
from embedded.endpoints import Endpoints
from embedded.errors import PortTakenError
from embedded.leftovers import VARIABLE
from embedded.ports import free_port, is_free
from embedded.room import write_private

_LATER = "embedded"  # Stands for a url that is known once the server runs.


@dataclass(frozen=True)
class LocalSettings:
    """What one copy of the platform on this machine is made of."""

    home: Path
    host: str
    port: int
    flower_port: int
    drain_seconds: float
    database_url: str | None
    redis_url: str | None
    flower_login: str

    @property
    def api_url(self) -> str:
        return f"http://{_reachable(self.host)}:{self.port}"

    @property
    def flower_url(self) -> str:
        return f"http://{_reachable(self.host)}:{self.flower_port}"

    def endpoints(self, database_url: str, redis_url: str) -> Endpoints:
        return Endpoints(database_url, redis_url, self.api_url, self.flower_url, self.flower_login)

    def environment(self, database_url: str, redis_url: str) -> dict[str, str]:
        """What every child sees."""
        return {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "RECKONER_HOME": str(self.home),
            "PORT": str(self.port),
            "FLOWER_PORT": str(self.flower_port),
            "FLOWER_ADDRESS": self.host,
            "FLOWER_BASIC_AUTH": self.flower_login,
            "PYTHONUNBUFFERED": "1",  # A line is seen when it is written.
            VARIABLE: str(self.home),
        }


def read_local_settings(*, any_port: bool = False) -> LocalSettings:
    """Read the environment; `any_port` takes a free port where the usual one is taken and none was named."""
    database_url, redis_url = (_given(name) for name in ("DATABASE_URL", "REDIS_URL"))
    os.environ.setdefault("DATABASE_URL", _LATER)
    os.environ.setdefault("REDIS_URL", _LATER)
    settings = read_settings()
    home = settings.home.absolute()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LocalSettings(
        home=home,
        host=settings.host,
        port=_port("PORT", settings.port, any_port=any_port),
        flower_port=_port("FLOWER_PORT", settings.flower_port, any_port=any_port),
        drain_seconds=settings.drain.total_seconds(),
        database_url=database_url,
        redis_url=redis_url,
        flower_login=_flower_login(home),
    )


def home_of(environment: Mapping[str, str]) -> Path:
    """The home alone, for what needs no servers and so no urls."""
    return Path(environment.get("RECKONER_HOME") or Settings.model_fields["home"].default).absolute()


def _given(name: str) -> str | None:
    return os.environ.get(name) or os.environ.get(f"RECKONER_{name}")


def _port(name: str, wanted: int, *, any_port: bool) -> int:
    if wanted == 0 or (any_port and _given(name) is None and not is_free(wanted)):
        return free_port()
    return wanted


def require_free(settings: LocalSettings) -> None:
    """Say at once, and once, what each child would find out again and again."""
    for name, port in (("PORT", settings.port), ("FLOWER_PORT", settings.flower_port)):
        if not is_free(port):
            raise PortTakenError(f"port {port} is taken; stop what listens there or choose another with {name}=")


def _flower_login(home: Path) -> str:
    """Name and password for Flower: what the environment says, or one made for this home."""
    if given := os.environ.get("FLOWER_BASIC_AUTH"):
        return given
    path = home / "flower-login"
    if not path.exists():
        write_private(path, f"reckoner:{secrets.token_urlsafe(12)}")
    return path.read_text().strip()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - read, not bound
