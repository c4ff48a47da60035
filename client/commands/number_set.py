"""Number sets: extract numbers, and see which are missing."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import quote

import click

from ..desk import Desk, at_desk
from ..exact import dumps, loads
from ..printing import console, facts, print_json, table

_DEFAULT = "default"
_HIGHEST = 10_000_000
named = click.option("--set", "-s", "name", default=_DEFAULT, show_default=True, help="Which set.")


def _path(name: str, rest: str = "") -> str:
    return f"/api/v1/number-sets/{quote(name, safe='')}{rest}"


@click.group(name="number-set")
def number_set() -> None:
    """Sets of the numbers 1 to a maximum: extract numbers, see which are missing."""


@number_set.command()
@click.argument("name")
@click.argument("max_number", type=click.IntRange(1, _HIGHEST))
@at_desk
def create(desk: Desk, name: str, max_number: int) -> None:
    """Make a set of the numbers 1 to MAX_NUMBER; one that is there already is left as it is."""
    _show(desk, _answer(desk, "PUT", _path(name), {"max_number": max_number}))


@number_set.command()
@click.argument("numbers", nargs=-1, required=True, type=int)
@named
@at_desk
def extract(desk: Desk, numbers: tuple[int, ...], name: str) -> None:
    """Take numbers out; stops at the first that is refused."""
    for number in numbers:
        taken = _answer(desk, "POST", _path(name, f"/extract/{number}"))
        if desk.as_json:
            print_json(taken)
        else:
            click.echo(f"{number} extracted; {taken['remaining_count']:,} left")


@number_set.command()
@named
@at_desk
def status(desk: Desk, name: str) -> None:
    """How many are left, and the missing number if it is one."""
    _show(desk, desk.reckoner.transport.get(_path(name)))


@number_set.command()
@named
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Most ranges.")
@at_desk
def missing(desk: Desk, name: str, limit: int) -> None:
    """The missing numbers as ranges."""
    ranges: list[dict[str, Any]] = []
    cursor: int | None = 1
    while cursor is not None and len(ranges) < limit:
        page = desk.reckoner.transport.get(
            _path(name, f"/missing?limit={min(limit - len(ranges), 1000)}&cursor={cursor}")
        )
        ranges += page["data"]
        cursor = page["next_cursor"]
    if desk.as_json:
        print_json(ranges)
        return
    rows = ((one["first"], one["last"], f"{one['count']:,}") for one in ranges)
    console().print(table(("first", "last", "count"), rows, empty="nothing is missing"))
    if cursor is not None:
        click.echo("there are more; ask with a larger --limit", err=True)


@number_set.command()
@named
@click.confirmation_option(prompt="Put all numbers back?")
@at_desk
def reset(desk: Desk, name: str) -> None:
    """Put all numbers back."""
    answer = _answer(desk, "POST", _path(name, "/reset"))
    click.echo(answer["message"])


def _answer(desk: Desk, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """With a key of its own, so that a lost answer is asked for again and nothing is extracted twice."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    data = None if body is None else dumps(body).encode()
    answer: dict[str, Any] = loads(desk.reckoner.transport.send(method, path, data=data, headers=headers).content)
    return answer


def _show(desk: Desk, found: dict[str, Any]) -> None:
    if desk.as_json:
        print_json(found)
    else:
        console().print(facts(found.items()))
