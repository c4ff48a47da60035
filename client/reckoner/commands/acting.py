"""Cancel and retry: one job by its id, or all that match."""

from __future__ import annotations

import sys
from typing import Any

import click

from reckoner.desk import Desk, at_desk
from reckoner.exact import loads
from reckoner.outcome import Exit
from reckoner.printing import print_json
from reckoner.records import BulkAnswer
from reckoner.schema_options import text_of

from .completing import complete_job, complete_kind
from .jobs import STATUSES, filters, print_json_line
from .moments import MOMENT
from .watch import watch_job

_AT_ONCE = 1000


def _matching(command: Any) -> Any:
    """The options that say which jobs are meant, where no ids are given."""
    options = (
        click.option("--kind", "-k", multiple=True, shell_complete=complete_kind, help="All of this kind."),
        click.option("--status", "-s", multiple=True, type=click.Choice(STATUSES), help="All of this status."),
        click.option("--tag", "-t", multiple=True, help="All with this tag; with several, all of them."),
        click.option("--owner", help="All of this owner."),
        click.option("--since", type=MOMENT, help="Made after: a time, or an age such as 90m, 12h or 7d."),
        click.option("--until", type=MOMENT, help="Made before: a time, or an age."),
        click.option("--dry-run", is_flag=True, help="Only count what matches."),
        click.option("--yes", "-y", is_flag=True, help="Do not ask."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("job_ids", nargs=-1, shell_complete=complete_job)
@click.option("--reason", "-r", help="Why; shown with the job.")
@_matching
@at_desk
def cancel(desk: Desk, job_ids: tuple[str, ...], reason: str | None, **chosen: Any) -> int:
    """Cancel jobs, by id or all that match.

    A waiting job ends at once; a running one is asked to stop, and is ended by force if it does not.
    """
    dry_run, yes = chosen.pop("dry_run"), chosen.pop("yes")
    wanted = filters(**chosen)
    _require_one_way(job_ids, wanted)
    if not job_ids:
        return _all(desk, "cancel", wanted, dry_run=dry_run, yes=yes, reason=reason)
    for job_id in job_ids:
        job = desk.reckoner.cancel(job_id, reason=reason)
        if desk.as_json:
            print_json_line(job)
        else:
            click.echo(f"{job.id} {'is asked to stop' if not job.is_final else job.status}")
    return Exit.SUCCEEDED


@click.command()
@click.argument("job_ids", nargs=-1, shell_complete=complete_job)
@click.option("--params", "edited", metavar="JSON", help="Other params for one job: JSON, or @FILE; whole, not parts.")
@click.option("--wait", is_flag=True, help="Watch the new job until it has ended; for one job.")
@_matching
@at_desk
def retry(desk: Desk, job_ids: tuple[str, ...], edited: str | None, wait: bool, **chosen: Any) -> int:
    """Run jobs that have ended again, as they were or with other params; each as a new job that names its origin."""
    dry_run, yes = chosen.pop("dry_run"), chosen.pop("yes")
    wanted = filters(**chosen)
    _require_one_way(job_ids, wanted)
    if (edited is not None or wait) and len(job_ids) != 1:
        raise click.UsageError("--params and --wait are for one job")
    if not job_ids:
        return _all(desk, "retry", wanted, dry_run=dry_run, yes=yes)
    params = None if edited is None else _object(edited)
    for job_id in job_ids:
        job = desk.reckoner.retry(job_id, params=params)
        if wait:
            return watch_job(desk, job, None)
        if desk.as_json:
            print_json_line(job)
        else:
            click.echo(job.id)
    return Exit.SUCCEEDED


def _require_one_way(job_ids: tuple[str, ...], wanted: dict[str, Any]) -> None:
    if bool(job_ids) == bool(wanted):
        raise click.UsageError("give job ids, or options that say which jobs are meant (--kind, --status, --tag, ...)")


def _all(desk: Desk, verb: str, wanted: dict[str, Any], *, dry_run: bool, yes: bool, reason: str | None = None) -> int:
    """Count first, ask, then act; a script says --yes."""
    act = desk.reckoner.cancel_all if verb == "cancel" else desk.reckoner.retry_all
    more: dict[str, Any] = {"reason": reason} if reason else {}
    counted = act(dry_run=True, **wanted)
    if dry_run or not counted.matched:
        _tell(desk, counted, verb)
        return Exit.SUCCEEDED
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"{counted.matched} jobs match; say --yes to {verb} them, or --dry-run to count")
        click.confirm(f"{verb} {counted.matched} jobs?", abort=True, err=True)
    # By id, a thousand at a time, as many as the platform takes: what is made meanwhile was not asked for.
    ids = [job.id for job in desk.reckoner.jobs(**wanted) if job.is_final == (verb == "retry")]
    answers = [act(ids=ids[start : start + _AT_ONCE], **more) for start in range(0, len(ids), _AT_ONCE)]
    done = tuple(job_id for answer in answers for job_id in answer.job_ids)
    _tell(desk, BulkAnswer(len(ids), len(done), dry_run=False, job_ids=done), verb)
    return Exit.SUCCEEDED


def _tell(desk: Desk, answer: BulkAnswer, verb: str) -> None:
    if desk.as_json:
        print_json(
            {
                "matched": answer.matched,
                "acted": answer.acted,
                "dry_run": answer.dry_run,
                "job_ids": answer.job_ids,
            }
        )
    elif answer.dry_run:
        click.echo(f"{answer.matched} jobs match")
    else:
        click.echo(f"{answer.acted} of {answer.matched} jobs: {verb}")


def _object(text: str) -> dict[str, Any]:
    try:
        value = loads(text_of(text))
    except (OSError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--params") from None
    if not isinstance(value, dict):
        raise click.BadParameter("must be a JSON object", param_hint="--params")
    return value
