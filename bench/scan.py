"""Two-sum over workbooks beside its peers, in one run: `python -m bench.scan`. Quote the ratios, not the seconds.

Whole processes, interpreter start to exit. `--quick` measures two files once; `--runs N` takes the best of N, peers
and ours in turn, so that the machine's mood meets all alike.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from bench.scan_runs.peers import READERS
from bench.scan_runs.runs import Measured, best, peers_python, run
from core.workbook.native_library import native_library
from core.workbook.opening import open_now
from data.make_workbooks import make_large, mixed, write_workbook
from tasks.two_sum.amounts import Skips, amounts_of
from tasks.two_sum.column_cache import ColumnCache
from tasks.two_sum.contract import Table, TextNumbers
from tasks.two_sum.entries import Entries, Question
from tasks.two_sum.ledger import roles_in
from tasks.two_sum.matching import Matcher

ROOT = Path(__file__).parents[1]
WORK, PEERS = ROOT / "bench" / ".work", ROOT / "bench" / ".peers" / "scan"
PACKAGES = ("openpyxl", "pandas", "python-calamine", "fastexcel", "polars", "pyarrow")
TARGETS = {"a": "4000000003", "b": "4000000.01", "c": "4000000.01", "d": "4000000.01", "f": "4000000.01"}
OURS, PURE, LIMIT = "ours", "ours, without the native part", "limit: isal inflates the sheets, nothing else"
SLOW_FOR_F = ("pandas + openpyxl", "openpyxl read-only")


def commands(path: Path, python: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    question = [str(path), "Numbers", TARGETS[path.stem]]
    ours = [sys.executable, "-m", "bench.scan_runs.ours", *question]
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        LIMIT: ([sys.executable, "-m", "bench.scan_runs.inflate_only", str(path)], {}),
        **({OURS: (ours, {})} if native_library() else {}),
        PURE: (ours, {"RECKONER_NATIVE": "off"}),
    }
    script = str(ROOT / "bench" / "scan_runs" / "peers.py")
    for reader in READERS:
        if path.stem != "f" or reader not in SLOW_FOR_F:
            found[reader] = ([str(python), script, reader, *question], {})
    return found


def whole_processes(files: list[Path], runs: int, python: Path) -> dict[str, dict[str, Measured]]:
    table: dict[str, dict[str, Measured]] = {}
    for path in files:
        found: dict[str, list[Measured]] = {}
        for _ in range(runs):
            for name, (command, environment) in commands(path, python).items():
                slow = name in SLOW_FOR_F and name in found
                if not slow:
                    found.setdefault(name, []).append(run(command, environment, ROOT))
                    seen = found[name][-1]
                    print(f"{path.stem} {name}: {seen.seconds:.2f} s, {seen.cpu_seconds:.2f} CPU", file=sys.stderr)
        table[path.stem] = {name: best(each) for name, each in found.items()}
    return table


def timed(work: Callable[[], object], runs: int = 5) -> float:
    """Milliseconds, the best of several."""
    found = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found) * 1000


def second_question(path: Path) -> float:
    """A new target on a file whose columns are kept, in a warm process."""
    with tempfile.TemporaryDirectory() as folder:
        cache = ColumnCache(Path(folder))
        table = Table(filepath=path.name, column="Numbers")

        def ask(target: int) -> tuple[int, int] | None:
            source = cache.source("0" * 64, lambda: open_now(path))
            sheet = source.sheets[0]
            roles = roles_in(source.head(sheet), table)
            cells = source.columns(sheet, roles.wanted(table), roles.header.first_data_row)
            index = roles.amounts[0].index
            numbers = amounts_of(cells[index], index, TextNumbers.OFF, Skips())
            source.close()
            return Matcher(Question(target), Entries(numbers.scaled(numbers.scale))).first()

        ask(1)
        targets = iter(range(3, 100))
        return timed(lambda: ask(next(targets)))


def arrays(sizes: list[int]) -> list[tuple[int, float, float, float]]:
    """First, count and all pairs of random numbers of which only the last two fit."""
    found = []
    for size in sizes:
        values = np.random.default_rng(size).integers(1, 10**15, size)
        question = Question(int(values[-1] + values[-2]))
        entries = Entries(values)
        asked: list[Callable[[Matcher], object]] = [Matcher.first, Matcher.count, lambda matcher: list(matcher.pairs())]
        first, count, every = (timed(partial(_ask, question, entries, ask), 3) for ask in asked)
        found.append((size, first, count, every))
    return found


def _ask(question: Question, entries: Entries, ask: Callable[[Matcher], object]) -> object:
    return ask(Matcher(question, entries))


def growth(runs: int) -> list[tuple[int, Measured]]:
    """Ten mixed columns from ten thousand rows to a million: time and memory must grow in line."""
    found = []
    for rows in (10_000, 100_000, 1_000_000):
        path = WORK / f"growth-{rows}.xlsx"
        if not path.exists():
            write_workbook(path, {"Ledger": mixed(rows, seed=rows)})
        command = [sys.executable, "-m", "bench.scan_runs.ours", str(path), "Numbers", "4000000.01"]
        found.append((rows, best([run(command, None, ROOT) for _ in range(runs)])))
    return found


def report(table: dict[str, dict[str, Measured]]) -> str:
    """Ratios of CPU time to ours, then seconds, CPU seconds and peak memory."""
    files = list(table)
    base = OURS if all(OURS in table[each] for each in files) else PURE
    names = list(dict.fromkeys(name for each in table.values() for name in each))
    lines = [
        f"| whole process: CPU time against {base!r}, seconds (CPU seconds), peak MB | {' | '.join(files)} |",
        f"| --- |{' --- |' * len(files)}",
    ]
    for name in names:
        cells = []
        for file in files:
            each = table[file].get(name)
            if each is None:
                cells.append("")
                continue
            ratio = each.cpu_seconds / table[file][base].cpu_seconds
            failed = " FAILED" if each.said.startswith("failed") else ""
            cells.append(f"{ratio:.2f}x, {each.seconds:.2f} ({each.cpu_seconds:.2f}), {each.peak_mb:.0f}{failed}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def disagreements(table: dict[str, dict[str, Measured]]) -> list[str]:
    """Answers that differ from ours: a quicker wrong answer is no peer."""
    found = []
    for file, each in table.items():
        for name, measured in each.items():
            if name != LIMIT and measured.said != each[PURE].said:
                found.append(f"{name} on {file}: {measured.said} instead of {each[PURE].said}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--files", default="abcdf", help="which of the five workbooks")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = "ac" if options.quick else options.files
    files = [path for path in make_large(WORK) if path.stem in chosen]
    runs = 1 if options.quick else options.runs
    table = whole_processes(files, runs, peers_python(PEERS, PACKAGES))
    parts = [report(table), *disagreements(table)]
    parts.append(f"second question on a (1,048,575 rows), warm: {second_question(WORK / 'a.xlsx'):.1f} ms")
    parts += [
        f"numpy arrays of {size:,}: first {first:.0f} ms, count {count:.0f} ms, all {every:.0f} ms"
        for size, first, count, every in arrays([1_000_000] if options.quick else [1_000_000, 10_000_000])
    ]
    parts += [
        f"ten columns, {rows:,} rows: {each.seconds:.2f} s ({each.cpu_seconds:.2f} CPU), {each.peak_mb:.0f} MB"
        for rows, each in growth(runs)
    ]
    text = "\n\n".join(parts)
    print(text)
    (WORK / "scan.md").write_text(f"{text}\n")
    measured = {file: {name: asdict(each) for name, each in found.items()} for file, found in table.items()}
    (WORK / "scan.json").write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
