"""The `reckoner` command: reads its settings from the environment, finds the sub-command, turns errors into exit codes.

Sub-commands are loaded when they are used: `reckoner --help` must be there at once.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from . import __version__
from .desk import desk_of
from .problems import ReckonerError

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Command(NamedTuple):
    module: str
    help: str


COMMANDS: dict[str, _Command] = {
    "up": _Command("local", "Keep the platform running on this machine."),
    "demo": _Command("local", "Start everything, send a job, show its answer, stop."),
    "migrate": _Command("local", "Bring the database to the newest schema, or back."),
    "submit": _Command("submit", "Send a job, watch it, print its result."),
    "jobs": _Command("jobs", "List jobs."),
    "show": _Command("jobs", "One job with everything that is known of it."),
    "watch": _Command("watch", "Watch a job until it has ended."),
    "result": _Command("jobs", "A job's result."),
    "artifacts": _Command("artifacts", "The files a job made; save them."),
    "events": _Command("timeline", "A job's timeline: every move with who and why."),
    "logs": _Command("timeline", "What a job's attempts logged."),
    "cancel": _Command("acting", "Cancel jobs, by id or all that match."),
    "retry": _Command("acting", "Run jobs that have ended again, as they were or with other params."),
    "files": _Command("files", "Files: upload, list, show, delete."),
    "number-set": _Command("number_set", "Number sets: extract numbers, see which are missing."),
    "schedules": _Command("schedules", "Schedules: what ran and what did not; run, pause, resume, backfill."),
    "kinds": _Command("kinds", "Kinds of work and what they take."),
    "queues": _Command("queues", "Queues: how deep, how old; pause and resume."),
    "workers": _Command("queues", "Workers and what they run."),
    "top": _Command("top", "Queues and jobs, live."),
    "keys": _Command("keys", "API keys: create, list, revoke."),
    "audit": _Command("audit", "Who did what that changed something here."),
    "doctor": _Command("doctor", "Look for what bites, and say the way out."),
    "completion": _Command("completion", "Print what makes your shell complete this command."),
}

_EPILOG = """\
\b
Exit codes:
  0  the job succeeded; the command did what was asked
  1  the job failed; the doctor found an error
  2  wrong usage, or params that the platform refuses
  3  the job was cancelled
  4  time is up, the job goes on
  5  the platform cannot be reached or is too busy
  6  the platform refused: key, unknown id, wrong state
  130  stopped by Ctrl-C
"""


class LazyGroup(click.Group):
    """Knows its sub-commands by name and one line each; loads the one that is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        module = import_module(f".commands.{found.module}", __package__)
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


@click.command(cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--url", envvar="RECKONER_URL", help="The platform's address. Default: the one that runs in this folder, or here."
)
@click.option("--key", envvar="RECKONER_API_KEY", help="An API key; better given as RECKONER_API_KEY.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts; every command takes this too.")
@click.version_option(__version__, prog_name="reckoner")
@click.pass_context
def cli(ctx: click.Context, /, **_: object) -> None:
    """Reckoner: send jobs to the platform, watch them, read their results, and look after it."""
    desk_of(ctx)


def main(arguments: Sequence[str] | None = None) -> None:
    try:
        code = cli.main(arguments, prog_name="reckoner", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Who read us, `head` say, has had enough; Python must not complain about it at its own end either.
        sys.stderr.close()
        sys.exit(0)
    except ReckonerError as error:
        from .outcome import code_of, describe  # noqa: PLC0415  # only when it is needed: --help does not wait for it

        click.echo(describe(error, as_json="--json" in (arguments or sys.argv[1:])), err=True)
        sys.exit(code_of(error))
    sys.exit(code if isinstance(code, int) else 0)
