"""What needs the platform's own code on this machine: up, demo, migrate."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from reckoner.desk import Desk, at_desk

_ONLY_CLIENT = (
    "only the client is installed here, not the platform.\n"
    "Run this in a copy of the platform's repository, where `make up` installs and starts it."
)


@click.command()
@at_desk
def up(desk: Desk) -> None:
    """Keep the platform running on this machine; Ctrl-C stops it.

    Postgres, Valkey, the API, a worker, beat and Flower. PORT, FLOWER_PORT, RECKONER_HOME, DATABASE_URL and REDIS_URL
    are read from the environment.
    """
    become(desk, "embedded", "up")


@click.command()
@at_desk
def demo(desk: Desk) -> None:
    """Start everything, send a job, show its answer, stop."""
    become(desk, "embedded", "demo")


@click.command()
@click.option("--down", metavar="REVISION", help="Undo down to this revision (`base`: all).")
@at_desk
def migrate(desk: Desk, down: str | None) -> None:
    """Bring the database to the newest schema, or back.

    The database is DATABASE_URL, else the one of the platform that runs in this folder.
    """
    become(desk, "models.migrate", *(("--down", down) if down else ()), needs_database=True)


def become(desk: Desk, module: str, *arguments: str, needs_database: bool = False) -> NoReturn:
    """Run a module of the platform in place of this process, so that signals and exit codes are its own."""
    if desk.root is None:
        raise click.ClickException(_ONLY_CLIENT)
    environment = desk.environment
    if needs_database and not environment.get("DATABASE_URL"):
        noted = desk.noted("database_url")
        if noted is None:
            raise click.ClickException(
                "which database? Set DATABASE_URL, or start the platform here with `reckoner up`."
            )
        environment["DATABASE_URL"] = noted
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(desk.root), environment.get("PYTHONPATH")]))
    sys.stdout.flush()
    os.chdir(desk.root)  # `.reckoner` and `data` are looked for there, whoever starts the platform from where
    os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment)  # noqa: S606  # our own module
