"""Kinds of work and what they take."""

from __future__ import annotations

from dataclasses import asdict

import click

from reckoner.desk import Desk, at_desk
from reckoner.printing import console, facts, print_json, span, table
from reckoner.schema_options import fields_of

from .completing import complete_kind
from .kind_cache import current_kinds


@click.command()
@click.argument("name", required=False, shell_complete=complete_kind)
@at_desk
def kinds(desk: Desk, name: str | None) -> None:
    """Kinds of work; with a name, what that kind takes and gives."""
    if name is None:
        found = current_kinds(desk)
        if desk.as_json:
            print_json([asdict(kind) for kind in found])
            return
        rows = ((kind.name, kind.title, kind.queue, span(kind.time_limit_seconds)) for kind in found)
        console().print(table(("kind", "title", "queue", "longest"), rows, empty="this platform has no kinds"))
        return
    kind = desk.reckoner.kind(name.replace("-", "_"))
    if desk.as_json:
        print_json(asdict(kind))
        return
    out = console()
    out.print(
        facts(
            [
                ("kind", kind.name),
                ("title", kind.title),
                ("does", kind.description),
                ("queue", kind.queue),
                ("longest", span(kind.time_limit_seconds)),
                ("gives", ", ".join(kind.result_schema.get("properties", {}))),
            ]
        )
    )
    params = (
        (".".join(field.path), "yes" if field.required else "", field.schema.get("description", ""))
        for field in fields_of(kind.params_schema)
    )
    out.print()
    out.print(table(("param", "needed", "what"), params, empty="it takes no params"))
