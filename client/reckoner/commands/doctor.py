"""Look for what bites: the platform's own findings, and what only shows from outside."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import click
from rich.text import Text

from reckoner import __version__
from reckoner.desk import Desk, at_desk
from reckoner.outcome import Exit
from reckoner.printing import clean, console, print_json
from reckoner.problems import BusyError, MissingError, ProblemError, RefusedError, UnreachableError
from reckoner.records import Diagnosis, Finding

_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "error": ("✗", "red")}
_TOLERATED_SECONDS = 2.0
_UNAUTHORIZED = 401


@click.command()
@click.option("--quiet", "-q", is_flag=True, help="Only what is wrong.")
@at_desk
def doctor(desk: Desk, quiet: bool) -> int:
    """Look for what bites, and say the way out.

    Redis' eviction and persistence, clocks, migrations, queues without workers, late schedules, two versions, full
    disks. Exit code 1 when there is an error, 5 when the platform cannot be reached.
    """
    findings, code = _examined(desk)
    if quiet:
        findings = [finding for finding in findings if finding.severity != "ok"]
    if desk.as_json:
        print_json({"url": desk.url, "findings": [asdict(finding) for finding in findings]})
    else:
        _draw(findings)
    if code == Exit.SUCCEEDED and any(finding.severity == "error" for finding in findings):
        return Exit.FAILED
    return code


def _examined(desk: Desk) -> tuple[list[Finding], Exit]:
    before = datetime.now(UTC)
    try:
        diagnosis = desk.reckoner.doctor()
    except UnreachableError as error:
        way_out = "start it with `reckoner up`, or name another address with --url or RECKONER_URL"
        return [_bad("reachable", f"{error.url}: {error.reason}", way_out)], Exit.UNREACHABLE
    except BusyError as error:
        way_out = "it answers, but cannot work: see `/readyz` and the logs of its nodes"
        return [_bad("reachable", clean(error.message), way_out)], Exit.UNREACHABLE
    except RefusedError as error:
        return [_bad("key", clean(error.message), _key_way_out(error))], Exit.REFUSED
    except MissingError:
        way_out = "is this the address of a Reckoner platform, and one as new as this command?"
        return [_bad("reachable", f"{desk.url} answers, but knows no doctor", way_out)], Exit.REFUSED
    after = datetime.now(UTC)
    reached = Finding("reachable", "ok", f"{desk.url} answers, node {diagnosis.node_id}")
    return [reached, _version(diagnosis), _clock(diagnosis, before, after), *diagnosis.findings], Exit.SUCCEEDED


def _key_way_out(error: ProblemError) -> str:
    if error.status == _UNAUTHORIZED:
        return "give a key with RECKONER_API_KEY; `reckoner keys create --local` makes one beside the database"
    return "use a key with the role operator or admin"


def _version(diagnosis: Diagnosis) -> Finding:
    if diagnosis.version == __version__:
        return Finding("client_version", "ok", f"this command and the platform are {__version__}")
    return Finding(
        "client_version",
        "warning",
        f"this command is {__version__}, the platform {diagnosis.version}",
        "install the client of the platform's version",
    )


def _clock(diagnosis: Diagnosis, before: datetime, after: datetime) -> Finding:
    """The platform's time was noted while it answered; beyond that window it is skew."""
    skew = max((before - diagnosis.at).total_seconds(), (diagnosis.at - after).total_seconds())
    if skew <= _TOLERATED_SECONDS:
        return Finding("client_clock", "ok", "this machine's clock agrees with the platform's")
    return Finding(
        "client_clock",
        "warning",
        f"this machine's clock and the platform's are {skew:.0f} s apart",
        "set this machine's clock; --since, --until and --run-at depend on it",
    )


def _bad(check: str, what: str, way_out: str) -> Finding:
    return Finding(check, "error", what, way_out)


def _draw(findings: list[Finding]) -> None:
    out = console()
    for finding in findings:
        mark, style = _MARKS.get(finding.severity, ("?", ""))
        out.print(Text.assemble((mark, style), " ", (clean(finding.check), "bold"), "  ", clean(finding.what)))
        if finding.way_out:
            out.print(Text.assemble("    ", clean(finding.way_out)))
    wrong = sum(finding.severity != "ok" for finding in findings)
    out.print(Text("nothing is wrong" if not wrong else f"{wrong} to look at", style="bold"))
