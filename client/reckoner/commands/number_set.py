"""Number sets: extract numbers, and see which are missing."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import click

from reckoner.desk import Desk, at_desk
from reckoner.exact import dumps, loads
from reckoner.printing import console, facts, print_json, table

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


@number_set.command(name="list")
@click.option("--limit", "-n", type=click.IntRange(1), default=100, show_default=True, help="Most sets.")
@at_desk
def list_sets(desk: Desk, limit: int) -> None:
    """All sets by name, and how much is left of each."""
    found, is_all = _paged(desk, "/api/v1/number-sets", limit)
    if desk.as_json:
        print_json(found)
        return
    rows = (
        (each["name"], *(f"{each[fact]:,}" for fact in ("max_number", "extracted_count", "remaining_count")))
        for each in found
    )
    console().print(table(("name", "maximum", "extracted", "left"), rows, empty="no sets"))
    _say_whether_all(is_all)


@number_set.command()
@named
@click.option("--number", type=click.IntRange(1, _HIGHEST), help="Only who extracted this number.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="Most entries.")
@at_desk
def history(desk: Desk, name: str, number: int | None, limit: int) -> None:
    """Who extracted and reset what, newest first."""
    asked = {} if number is None else {"number": number}
    found, is_all = _paged(desk, _path(name, "/history"), limit, **asked)
    if desk.as_json:
        print_json(found)
        return
    rows = (
        (datetime.fromisoformat(each["at"]), each["actor"], each["kind"], f"{each['number']:,}", each["node_id"])
        for each in found
    )
    console().print(table(("at", "who", "what", "number", "node"), rows, empty="nothing that fits"))
    _say_whether_all(is_all)


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
    ranges, is_all = _paged(desk, _path(name, "/missing"), limit)
    if desk.as_json:
        print_json(ranges)
        return
    rows = ((one["first"], one["last"], f"{one['count']:,}") for one in ranges)
    console().print(table(("first", "last", "count"), rows, empty="nothing is missing"))
    _say_whether_all(is_all)


@number_set.command()
@named
@click.confirmation_option(prompt="Put all numbers back?")
@at_desk
def reset(desk: Desk, name: str) -> None:
    """Put all numbers back."""
    answer = _answer(desk, "POST", _path(name, "/reset"))
    click.echo(answer["message"])


def _paged(desk: Desk, path: str, limit: int, **asked: int) -> tuple[list[dict[str, Any]], bool]:
    """Up to so many of a list, and whether that was all."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"next_cursor": None}
    while len(found) < limit:
        query = {"limit": min(limit - len(found), 1000), **asked}
        if found:
            query["cursor"] = page["next_cursor"]
        page = desk.reckoner.transport.get(f"{path}?{urlencode(query)}")
        found += page["data"]
        if page["next_cursor"] is None:
            break
    return found, page["next_cursor"] is None


def _say_whether_all(is_all: bool) -> None:
    if not is_all:
        click.echo("there are more; ask with a larger --limit", err=True)


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
