"""The table of a run, for a terminal and for docs/reliability.md."""

import platform
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.scenarios import SCENARIOS

_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
_COUNTED = ("jobs", "repeats", "lost", "stuck", "doubled", "crashes")
_COLUMNS = ("scenario", *_COUNTED, "queued again in s", "done in s", "memory MB")


def heading():
    rule = "|".join(" --- " if place == 0 else " ---: " for place in range(len(_COLUMNS)))
    return f"| {' | '.join(_COLUMNS)} |\n|{rule}|"


def line(verdict):
    memory = f"{verdict.memory_before:.0f} to {verdict.memory_after:.0f}"
    facts = [getattr(verdict, name) for name in _COUNTED]
    cells = [f"{verdict.scenario}: {SCENARIOS[verdict.scenario].says}", *facts]
    done = "" if verdict.seconds_until_done is None else f"{verdict.seconds_until_done:.1f}"
    return f"| {' | '.join(map(str, cells))} | {verdict.seconds_to_recover:.1f} | {done} | {memory} |"


def write(verdicts, size, seed):
    """Put the table between its marks; what stands around it is written by people."""
    page = _PAGE.read_text()
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    when = f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, Python {platform.python_version()}"
    said = f"{when}; {size.jobs} jobs a scenario, servers away for {size.outage:g} s, lease {size.lease:g} s."
    lines = [heading(), *map(line, verdicts)]
    _PAGE.write_text(f"{before}{_BEGIN}\n{said}\n\n" + "\n".join(lines) + f"\n{_END}{after}")
