"""The audit log: who did what that changed something other than a job's own timeline."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from reckoner.desk import Desk, at_desk
from reckoner.printing import console, print_json, table

from .moments import MOMENT

_HEADS = ("at", "who", "what", "to what", "detail")


@click.command()
@click.option("--actor", help="Who did it.")
@click.option("--action", multiple=True, help="What was done, such as queue.paused; several with several options.")
@click.option("--target", help="What it was done to.")
@click.option("--after", type=MOMENT, help="Since then: a time, or an age like 7d.")
@click.option("--before", type=MOMENT, help="Until then: a time, or an age.")
@click.option("--limit", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@at_desk
def audit(desk: Desk, action: tuple[str, ...], limit: int, **filters: str | datetime | None) -> None:
    """Who did what that changed something, newest first; operators and admins may read it."""
    found = list(desk.reckoner.audit(limit=limit, action=action or None, **filters))
    if desk.as_json:
        print_json([asdict(entry) for entry in found])
        return
    rows = ((entry.at, entry.actor, entry.action, entry.target, entry.detail) for entry in found)
    console().print(table(_HEADS, rows, empty="nothing that fits"))
