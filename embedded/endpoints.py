"""Where a running copy listens, noted in its home for a second terminal; only its owner can read it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded.errors import ServerError
from embedded.room import write_private

_NAME = "endpoints.json"


@dataclass(frozen=True)
class Endpoints:
    """Addresses with the credentials they need."""

    database_url: str
    redis_url: str
    api: str
    flower: str
    flower_login: str

    def note(self, home: Path) -> None:
        write_private(home / _NAME, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, home: Path) -> "Endpoints":
        try:
            return cls(**json.loads((home / _NAME).read_text()))
        except FileNotFoundError:
            raise ServerError(f"nothing runs in {home}; start it with `make up`") from None

    @staticmethod
    def forget(home: Path) -> None:
        (home / _NAME).unlink(missing_ok=True)

    def lines(self) -> list[str]:
        """What a person wants to open."""
        user, _, password = self.flower_login.partition(":")
        return [
            f"console  {self.api}/",
            f"docs     {self.api}/docs",
            f"Flower   {self.flower}  user {user}  password {password}",
        ]
