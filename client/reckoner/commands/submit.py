"""Submit jobs: one sub-command for each kind the platform has, made from the kind's schema when it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from reckoner.desk import Desk, desk_of
from reckoner.outcome import Exit
from reckoner.printing import print_json
from reckoner.problems import ReckonerError
from reckoner.records import Kind
from reckoner.schema_options import Json, fields_of, missing_from, option_of, params_from
from reckoner.sdk import Options

from .files import upload_drawn
from .kind_cache import current_kinds, known_kinds
from .moments import MOMENT
from .watch import watch_job

_POLICIES = ["reject", "return_existing", "replace_queued"]


class KindGroup(click.Group):
    """Its sub-commands are the platform's kinds, as they are now."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(kind.name for kind in known_kinds(desk_of(ctx)))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        desk = desk_of(ctx)
        name = cmd_name.replace("-", "_")
        kinds = known_kinds(desk) if ctx.resilient_parsing else current_kinds(desk)
        found = next((kind for kind in kinds if kind.name == name), None)
        if found is None and not ctx.resilient_parsing:
            known = ", ".join(sorted(kind.name for kind in kinds))
            raise click.UsageError(f"no job kind {cmd_name!r}; known kinds: {known}", ctx)
        return None if found is None else command_of(found)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        offered = [
            CompletionItem(kind.name, help=kind.title)
            for kind in known_kinds(desk_of(ctx))
            if kind.name.startswith(incomplete)
        ]
        return offered or super(click.Group, self).shell_complete(ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        desk = desk_of(ctx)
        try:
            kinds, note = current_kinds(desk), ""
        except ReckonerError as error:
            kinds, note = known_kinds(desk), f"As far as known: {error.message}"
        with formatter.section("Kinds"):
            if kinds:
                formatter.write_dl([(kind.name, kind.title) for kind in kinds])
            if note:
                formatter.write_text(note)


@click.group(cls=KindGroup)
def submit() -> None:
    """Send a job, watch it, print its result.

    Every kind of work the platform has is a sub-command; `reckoner submit KIND --help` shows what it takes.
    """


def _common() -> list[click.Parameter]:
    """What every kind takes beside its own params."""
    return [
        click.Option(["--params", "base"], type=Json(), help="All params as JSON, or @FILE; options go before them."),
        click.Option(["--estimate"], is_flag=True, help="Only say what it would take; nothing is sent to a worker."),
        click.Option(["--detach", "-d"], is_flag=True, help="Print the job's id and do not wait."),
        click.Option(["--timeout"], type=click.FloatRange(min=0), help="Wait so many seconds at most (exit code 4)."),
        click.Option(["--run-at"], type=MOMENT, help="Not before this time: ISO, or +30m for in half an hour."),
        click.Option(["--priority"], type=click.IntRange(0, 9), help="9 runs first; 5 if not given."),
        click.Option(["--tag", "-t"], multiple=True, help="A word to find the job by; repeat for several."),
        click.Option(["--unique"], metavar="KEY", help="At most one unfinished job of this kind with this key."),
        click.Option(["--unique-policy"], type=click.Choice(_POLICIES), default="reject", help="If there is one."),
        click.Option(
            ["--idempotency-key"], metavar="KEY", help="The same key and params give the same job, however often."
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON, for scripts."),
    ]


def command_of(kind: Kind) -> click.Command:
    """The sub-command of a kind."""
    common = _common()
    taken = {flag.lstrip("-") for option in common for flag in option.opts} | {"help"}
    fields = list(fields_of(kind.params_schema))
    options: list[click.Parameter] = [option_of(field, taken) for field in fields]

    @click.pass_context
    def run(ctx: click.Context, /, **given: Any) -> int:
        desk = desk_of(ctx)
        desk.as_json = desk.as_json or given["as_json"]
        base = given["base"] if given["base"] is not None else {}
        if not isinstance(base, dict):
            raise click.BadParameter("must be a JSON object", ctx, param_hint="--params")
        params = params_from(fields, given, base)
        missing = missing_from(kind.params_schema, params)
        if missing:
            raise click.UsageError("missing: " + ", ".join(f"--{name.replace('_', '-')}" for name in missing), ctx)
        return _send(desk, kind, params, given)

    return click.Command(
        kind.name, callback=run, params=[*options, *common], help=f"{kind.description}", short_help=kind.title
    )


def _uploaded(desk: Desk, value: Any) -> Any:
    """The params with files of this machine uploaded, drawn as they go."""
    if isinstance(value, Path):
        return upload_drawn(desk, value).id
    return {name: _uploaded(desk, part) for name, part in value.items()} if isinstance(value, dict) else value


def _send(desk: Desk, kind: Kind, params: dict[str, Any], given: dict[str, Any]) -> int:
    sent = _uploaded(desk, params)
    if given["estimate"]:
        print_json(desk.reckoner.estimate(kind.name, **sent))
        return Exit.SUCCEEDED
    options = Options(
        run_at=given["run_at"],
        priority=given["priority"],
        tags=given["tag"],
        unique=given["unique"],
        unique_policy=given["unique_policy"],
        idempotency_key=given["idempotency_key"],
    )
    job = desk.reckoner.submit(kind.name, options, **sent)
    if not given["detach"]:
        return watch_job(desk, job, given["timeout"])
    if desk.as_json:
        print_json(job.document)
    else:
        click.echo(job.id)
    return Exit.SUCCEEDED
