"""Read the files of a question and answer it; the job body adds progress, artifacts and memory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from time import perf_counter

from core.errors import InvalidInputError
from core.input_files import FileFinder, InputFile
from core.workbook.source import Source, Tick, no_tick
from tasks.two_sum.answering import Outcome, Target, answer, shown
from tasks.two_sum.checking import source_of
from tasks.two_sum.contract import TwoSumParams, filled, table_of_targets
from tasks.two_sum.keys import KeyBook
from tasks.two_sum.ledger import Ledger, read_ledger
from tasks.two_sum.matching import Watch

MOST_TARGETS = 10_000


@dataclass(frozen=True)
class Scan:
    """A question answered, its files still open for what is made of them."""

    file: InputFile
    against_file: InputFile | None
    source: Source
    against_source: Source | None
    ledger: Ledger
    against: Ledger | None
    targets_at: Ledger | None
    outcome: Outcome
    was_read: bool
    read_seconds: float
    scan_seconds: float


@contextmanager
def scan(params: TwoSumParams, finder: FileFinder, tick: Tick, watch: Watch, asked: Tick = no_tick) -> Iterator[Scan]:
    """Everything about one question of files."""
    book = KeyBook()
    with ExitStack() as stack:
        started = perf_counter()
        file, source = stack.enter_context(source_of(params, finder))
        ledger = read_ledger(source, params, book, tick)
        targets, targets_at = _targets(params, finder, tick)
        against_file = against_source = against = None
        was_read = source.was_read
        if params.against is not None:
            second = filled(params)
            against_file, against_source = stack.enter_context(source_of(second, finder))
            against = read_ledger(against_source, second, book, tick)
            was_read |= against_source.was_read
        read_at = perf_counter()
        outcome = answer(params, targets, ledger, against, watch, asked=asked)
        done_at = perf_counter()
        yield Scan(
            file,
            against_file,
            source,
            against_source,
            ledger,
            against,
            targets_at,
            outcome,
            was_read,
            round(read_at - started, 4),
            round(done_at - read_at, 4),
        )


def _targets(params: TwoSumParams, finder: FileFinder, tick: Tick) -> tuple[list[Target], Ledger | None]:
    """What to look for, and where a column of targets has it."""
    if params.target is not None:
        return [params.target], None
    if params.targets:
        return list(params.targets), None
    column = table_of_targets(params)
    with source_of(column, finder) as (_, source):
        ledger = read_ledger(source, column, KeyBook(), tick)
    if not len(ledger):
        raise InvalidInputError(f"column {params.target_column!r} holds no number to look for")
    if len(ledger) > MOST_TARGETS:
        raise InvalidInputError(
            f"column {params.target_column!r} holds {len(ledger):,} targets; at most {MOST_TARGETS:,} are looked for"
        )
    return [shown(int(value), ledger.scale) for value in ledger.values(ledger.scale).tolist()], ledger
