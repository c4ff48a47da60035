"""Two-sum over workbooks and arrays beside its peers, in one run. Quote the ratios, not the seconds.

Whole processes, interpreter start to exit, everybody in turn, round by round, so that the machine's mood meets all
alike. `--quick` measures two files and a million numbers; `--files ac` chooses; `--parts` too. Each file and each part
is a part of docs/performance.md of its own, so that `--write` replaces what was measured and nothing else.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from compileall import compile_dir
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench.pages import part
from bench.scan_runs.peers import READERS
from bench.scan_runs.runs import Measured, apart, peers_python, run
from bench.table import markdown, ratio, spread
from core.workbook.native_library import native_library
from data.make_workbooks import make_large, mixed, write_workbook

ROOT = Path(__file__).parents[1]
WORK, PEERS = ROOT / "bench" / ".work", ROOT / "bench" / ".peers" / "scan"
PACKAGES = (
    *("openpyxl", "pandas", "python-calamine", "fastexcel", "polars", "pyarrow", "excelreader-native"),
    *("duckdb==1.4.4", "duckdb-ext-excel==1.4.4.20260205"),  # the newest whose extension comes as a wheel
)
TARGETS = {"a": "4000000003", "b": "4000000.01", "c": "4000000.01", "d": "4000000.01", "f": "4000000.01"}
OURS, PURE, LIMIT = "ours", "ours, without the native part", "limit: isal inflates the sheets, nothing else"
SLOW = ("pandas + openpyxl", "openpyxl read-only")  # once is enough, and of f a tenth: it would take minutes
SLICE, SLICES = 100_000, 10
FROM_SLICE = f" (from {SLICE:,} rows, so many times longer)"
PARTS = ("files", "second", "growth", "arrays")
WITHOUT = {"RECKONER_NATIVE": "off"}


def module(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"bench.scan_runs.{name}", *map(str, arguments)]


def commands(path: Path, python: Path) -> dict[str, tuple[list[str], dict[str, str]]]:
    question = [str(path), "Numbers", TARGETS[path.stem]]
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        LIMIT: (module("inflate_only", path), {}),
        **({OURS: (module("ours", *question), {})} if native_library() else {}),
        PURE: (module("ours", *question), WITHOUT),
    }
    script = str(ROOT / "bench" / "scan_runs" / "peers.py")
    for reader in READERS:
        if path.stem == "f" and reader in SLOW:
            part_of_it = str(mixed_workbook(SLICE))
            found[reader + FROM_SLICE] = ([str(python), script, reader, part_of_it, *question[1:]], {})
        else:
            found[reader] = ([str(python), script, reader, *question], {})
    return found


def measure(path: Path, rounds: int, python: Path) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for number in range(rounds):
        for name, (command, environment) in commands(path, python).items():
            is_slice = name.endswith(FROM_SLICE)
            if number == 0 or not (is_slice or name in SLOW):
                seen = run(command, environment, ROOT)
                if is_slice:
                    seen = replace(seen, seconds=seen.seconds * SLICES, cpu_seconds=seen.cpu_seconds * SLICES)
                found.setdefault(name, []).append(seen)
                print(f"{path.stem} {name}: {seen.seconds:.2f} s, {seen.cpu_seconds:.2f} CPU", file=sys.stderr)
    return found


def file_table(name: str, found: dict[str, list[Measured]]) -> str:
    """Wall time of each as so many times ours, round by round; then what it took."""
    base = found.get(OURS) or found[PURE]
    rows = []
    for reader, runs in found.items():
        seconds = [each.seconds for each in runs]
        rows.append(
            [
                reader,
                ratio(seconds, [each.seconds for each in base[: len(runs)]]),
                spread([1000 * each for each in seconds]),
                f"{1000 * median(each.cpu_seconds for each in runs):,.0f}",
                f"{max(each.peak_mb for each in runs):,.0f}",
                ""
                if reader == LIMIT or reader.endswith(FROM_SLICE) or runs[-1].said == base[-1].said
                else f"says {runs[-1].said}",
            ]
        )
    return markdown([f"file {name}", "of ours", "ms", "CPU ms", "peak MB", "other answer"], rows)


def second_table(files: Sequence[Path]) -> str:
    rows = []
    for path in files:
        for way, environment in ((OURS, {}), (PURE, WITHOUT)):
            said = run(module("second", path, "Numbers"), environment, ROOT).said
            rows.append([path.stem, way, spread(json.loads(said))])
    return markdown(["second question, warm", "", "ms"], rows)


def mixed_workbook(count: int) -> Path:
    """Ten mixed columns like those of f; made once."""
    path = WORK / f"growth-{count}.xlsx"
    if not path.exists():
        apart(_write_mixed, path, count)
    return path


def _write_mixed(path: Path, count: int) -> None:
    write_workbook(path, {"Ledger": mixed(count, seed=count)})


def growth_table(rounds: int) -> str:
    """Ten mixed columns from ten thousand rows to a million: time and memory must grow in line, or less."""
    rows = []
    for count in (10_000, 30_000, 100_000, 300_000, 1_000_000):
        command = module("ours", mixed_workbook(count), "Numbers", "4000000.01")
        runs = [run(command, None, ROOT) for _ in range(rounds)]
        milliseconds = [1000 * each.seconds for each in runs]
        each_thousand = f"{1000 * median(milliseconds) / count:.2f}"
        rows.append([f"{count:,}", spread(milliseconds), each_thousand, f"{max(each.peak_mb for each in runs):,.0f}"])
    return markdown(["rows of ten columns", "ms", "ms for 1,000 rows", "peak MB"], rows)


def arrays_table(sizes: Sequence[int], rounds: int) -> str:
    rows = []
    for size in sizes:
        for way, environment in ((OURS, {}), (PURE, WITHOUT)):
            runs = [run(module("arrays", size), environment, ROOT) for _ in range(rounds)]
            said = [json.loads(each.said) for each in runs]
            each_question = [spread([each[name] for each in said]) for name in ("first", "count", "all")]
            added = max(each.peak_mb for each in runs) - said[-1]["array_mb"]
            limit = spread([each["pass"] for each in said])
            rows.append([f"{size:,}", way, *each_question, limit, f"{said[-1]['array_mb']:,.0f} + {added:,.0f}"])
    head = ["numbers", "", "first, ms", "count, ms", "all, ms", "limit: one pass over them, ms"]
    return markdown([*head, "MB: process with array + peak"], rows)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", default="abcdf", help="which of the five workbooks")
    parser.add_argument("--parts", default=",".join(PARTS), help="which of these, with commas")
    options = parser.parse_args(arguments)
    for room in ("core", "tasks", "bench"):  # the peers were compiled when they were installed
        compile_dir(ROOT / room, quiet=1)
    WORK.mkdir(parents=True, exist_ok=True)
    chosen = "ac" if options.quick else options.files
    parts, rounds = options.parts.split(","), 1 if options.quick else options.rounds
    files = [path for path in apart(make_large, WORK) if path.stem in chosen]
    if "files" in parts:
        python = peers_python(PEERS, PACKAGES)
        for path in files:
            table = file_table(path.stem, measure(path, rounds, python))
            print(part(f"scan {path.stem}"), table, sep="\n", end="\n\n", flush=True)
    if "second" in parts:
        print(part("scan second"), second_table(files), sep="\n", end="\n\n", flush=True)
    if "growth" in parts and not options.quick:
        print(part("scan growth"), growth_table(rounds), sep="\n", end="\n\n", flush=True)
    if "arrays" in parts:
        sizes = [1_000_000] if options.quick else [1_000_000, 10_000_000, 100_000_000]
        print(part("scan arrays"), arrays_table(sizes, rounds), sep="\n", flush=True)
    return 0
