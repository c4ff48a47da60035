"""What the shell offers: kinds and job ids. It must be quick, and silent when the platform is away."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from reckoner.desk import desk_of
from reckoner.problems import ReckonerError

from .kind_cache import known_kinds


def complete_kind(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(kind.name, help=kind.title)
        for kind in known_kinds(desk_of(ctx))
        if kind.name.startswith(incomplete)
    ]


def complete_job(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        jobs, _cursor = desk_of(ctx).reckoner.page(limit=50)
    except ReckonerError:
        return []
    return [CompletionItem(job.id, help=f"{job.kind} {job.status}") for job in jobs if job.id.startswith(incomplete)]


def complete_queue(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        found = desk_of(ctx).reckoner.queues().queues
    except ReckonerError:
        return []
    return [CompletionItem(queue.queue) for queue in found if queue.queue.startswith(incomplete)]
