"""Where a command is run: which platform it talks to, as whom, and how it prints."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sdk import Reckoner

F = TypeVar("F", bound="Callable[..., Any]")

# The platform's own code, where this command is run from its checkout.
_BESIDE = Path(__file__).absolute().parents[2]


@dataclass
class Desk:
    given_url: str | None
    key: str | None
    as_json: bool
    environment: dict[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @cached_property
    def url(self) -> str:
        """What was given, else the platform that runs in this folder, else the usual port of this machine."""
        return self.given_url or self.noted("api") or f"http://127.0.0.1:{self.environment.get('PORT') or 8000}"

    @cached_property
    def reckoner(self) -> Reckoner:
        from .sdk import Reckoner  # noqa: PLC0415  # an HTTP library takes longer to load than --help may take

        try:
            # A platform that has not answered yet is more likely absent than restarting.
            return Reckoner(self.url, self.key, patience=30.0, first_patience=1.0)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--url") from None

    def close(self) -> None:
        if "reckoner" in self.__dict__:
            self.reckoner.close()

    @cached_property
    def root(self) -> Path | None:
        """The folder of the platform's own code, if there is one."""
        return next((place for place in (_BESIDE, Path.cwd()) if (place / "embedded" / "__main__.py").is_file()), None)

    def noted(self, name: str) -> str | None:
        """What a platform that runs on this machine has noted in its home: api, database_url, redis_url."""
        homes = [self.environment.get("RECKONER_HOME"), Path.cwd() / ".reckoner", self.root and self.root / ".reckoner"]
        for home in homes:
            try:
                noted = json.loads((Path(home) / "endpoints.json").read_text()) if home else {}
            except (OSError, ValueError):
                continue
            if isinstance(noted.get(name), str):
                return str(noted[name])
        return None


def desk_of(ctx: click.Context) -> Desk:
    """The desk of this run; made on first use, because completion never runs the group's own body."""
    root = ctx.find_root()
    if root.obj is None:
        root.obj = Desk(root.params.get("url"), root.params.get("key"), bool(root.params.get("as_json")))
        root.call_on_close(root.obj.close)
    desk: Desk = root.obj
    return desk


def at_desk(command: F) -> F:
    """Give a command `--json` and its desk as first argument."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        if value:
            desk_of(ctx).as_json = True

    option = click.option(
        "--json", is_flag=True, expose_value=False, callback=remember, help="Print JSON, for scripts."
    )
    return option(_with_desk(command))


def _with_desk(command: F) -> F:
    def run(*arguments: Any, **options: Any) -> Any:
        return command(desk_of(click.get_current_context()), *arguments, **options)

    return update_wrapper(run, command)  # type: ignore[return-value]  # click sees only the options
