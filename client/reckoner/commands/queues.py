"""Queues and the workers that serve them."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.text import Text

from reckoner.desk import Desk, at_desk
from reckoner.printing import age, console, print_json, span, table
from reckoner.records import Queues, QueueState, Worker

from .completing import complete_queue

QUEUE_HEADS = ("queue", "depth", "oldest", "state", "workers", "slots", "mean run")
_WORKER_HEADS = ("worker", "host", "queues", "slots", "version", "status", "seen", "runs")


@click.group(invoke_without_command=True)
@at_desk
def queues(desk: Desk) -> None:
    """Queues: how deep, how old, how many workers; pause and resume."""
    if click.get_current_context().invoked_subcommand is None:
        _print(desk, desk.reckoner.queues())


@queues.command()
@click.argument("queue", shell_complete=complete_queue)
@click.option("--reason", "-r", help="Why; shown with the queue.")
@at_desk
def pause(desk: Desk, queue: str, reason: str | None) -> None:
    """Let nothing new start from a queue; what runs goes on, and jobs are still taken."""
    _print(desk, desk.reckoner.pause(queue, reason=reason))


@queues.command()
@click.argument("queue", shell_complete=complete_queue)
@at_desk
def resume(desk: Desk, queue: str) -> None:
    """Let a paused queue run again."""
    _print(desk, desk.reckoner.resume(queue))


def _print(desk: Desk, seen: Queues) -> None:
    if desk.as_json:
        print_json(asdict(seen))
    else:
        console().print(table(QUEUE_HEADS, map(queue_row, seen.queues), empty="no queues"))


def queue_row(queue: QueueState) -> tuple[object, ...]:
    state = Text("open", style="green")
    if queue.paused:
        why = f": {queue.pause_reason}" if queue.pause_reason else ""
        state = Text(f"paused by {queue.paused_by}{why}", style="yellow")
    elif not queue.workers:
        state = Text("no worker", style="red")
    oldest, run = span(queue.oldest_age_seconds), span(queue.mean_run_seconds)
    return (queue.queue, queue.depth, oldest, state, queue.workers, queue.slots, run)


@click.command()
@at_desk
def workers(desk: Desk) -> None:
    """Workers that are alive, and what they run."""
    found = desk.reckoner.workers()
    if desk.as_json:
        print_json([asdict(worker) for worker in found])
    else:
        console().print(table(_WORKER_HEADS, map(worker_row, found), empty="no worker runs"))


def worker_row(worker: Worker) -> tuple[object, ...]:
    runs = "\n".join(f"{run.kind} {run.job_id} {age(run.started_at)}" for run in worker.runs)
    status = Text(worker.status, style="green" if worker.status == "online" else "yellow")
    served = " ".join(worker.queues)
    seen = f"{age(worker.last_seen_at)} ago"
    return (worker.name, worker.hostname, served, worker.concurrency, worker.version, status, seen, runs)
