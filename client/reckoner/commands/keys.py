"""API keys: create, list, revoke; through the API, or beside the database before there is one."""

from __future__ import annotations

from dataclasses import asdict
from typing import NoReturn

import click

from reckoner.desk import Desk, at_desk
from reckoner.printing import console, print_json, table
from reckoner.problems import UnreachableError

from .local import become

_ROLES = ["viewer", "submitter", "operator", "admin"]
_LOCAL_HELP = "Write to the database on this machine instead of asking the API."


@click.group()
def keys() -> None:
    """API keys: create, list, revoke.

    The API does it for admins. Before it may start on an open address there has to be a key: where nothing answers,
    and no address was given, keys are written to the database of this machine (DATABASE_URL, or the platform that runs
    in this folder).
    """


@keys.command()
@click.argument("name")
@click.option("--owner", required=True, help="Whose jobs it makes and sees.")
@click.option("--role", type=click.Choice(_ROLES), default="submitter", show_default=True, help="What it may do.")
@click.option("--local", is_flag=True, help=_LOCAL_HELP)
@at_desk
def create(desk: Desk, name: str, owner: str, role: str, local: bool) -> None:
    """Make a key called NAME. It is shown this once: store it now."""
    arguments = ["create", name, "--owner", owner, "--role", role]
    if local:
        _beside_the_database(desk, arguments)
    try:
        made = desk.reckoner.create_key(name, owner=owner, role=role)
    except UnreachableError as error:
        _instead(desk, error, arguments)
    if desk.as_json:
        print_json(asdict(made))
    else:
        click.echo(f"{made.role} key for {made.owner}, shown this once:", err=True)
        click.echo(made.key)


@keys.command("list")
@click.option("--local", is_flag=True, help=_LOCAL_HELP)
@at_desk
def list_keys(desk: Desk, local: bool) -> None:
    """All keys, without their secrets."""
    if local:
        _beside_the_database(desk, ["list"])
    try:
        found = desk.reckoner.keys()
    except UnreachableError as error:
        _instead(desk, error, ["list"])
    if desk.as_json:
        print_json([asdict(key) for key in found])
        return
    rows = ((key.id, key.hint, key.name, key.owner, key.role, key.created_at, key.revoked_at) for key in found)
    console().print(table(("id", "key", "name", "owner", "role", "created", "revoked"), rows, empty="no keys"))


@keys.command()
@click.argument("key_id")
@click.option("--local", is_flag=True, help=_LOCAL_HELP)
@at_desk
def revoke(desk: Desk, key_id: str, local: bool) -> None:
    """End a key; within ten seconds nobody gets in with it."""
    if local:
        _beside_the_database(desk, ["revoke", key_id])
    try:
        desk.reckoner.revoke_key(key_id)
    except UnreachableError as error:
        _instead(desk, error, ["revoke", key_id])
    click.echo("{}" if desk.as_json else f"{key_id} is revoked")


def _instead(desk: Desk, error: UnreachableError, arguments: list[str]) -> NoReturn:
    """An address that was given and does not answer is an error: its database is hardly the one of this machine."""
    if desk.given_url or desk.root is None:
        raise error
    _beside_the_database(desk, arguments)


def _beside_the_database(desk: Desk, arguments: list[str]) -> NoReturn:
    become(desk, "api.keys", *arguments, *(["--json"] if desk.as_json else []), needs_database=True)
