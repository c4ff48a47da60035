"""Transform: judge every raw row; charges to be, rejects and companies go to tables of the load's own."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from models.bulk_copy import CopyIn
from models.etl_run import EtlRun, RunStatus, note_stage
from models.etl_staging import Staging, copy_charges, copy_companies, copy_rejects, copy_sums, write_early
from tasks.etl.arrow import give_back, pa, pc
from tasks.etl.companies import CompanyDirectory
from tasks.etl.copy_binary import END, START
from tasks.etl.copy_binary import copy_charges as binary_rows
from tasks.etl.copy_text import copy_rows
from tasks.etl.daily_sums import DailySums
from tasks.etl.fields import COLUMNS
from tasks.etl.hashing import shortened
from tasks.etl.judge import Judged
from tasks.etl.reasons import reasons_in
from tasks.etl.report import FateReport
from tasks.etl.settings import RunSettings
from tasks.etl.stages.hold import locked_run
from tasks.etl.stages.rebuild import spool_of
from tasks.etl.stages.workplace import Stopwatch, Workplace
from tasks.etl.verdicts import Verdicts

STAGE = "transform"
KEPT_IN_MEMORY = 16 * 1024**2
PIECE_BYTES = 1 << 20
_COMPANIES = pa.schema([("company_id", pa.string()), ("company_name", pa.string()), ("full_id", pa.string())])


def transform(place: Workplace, run: EtlRun) -> dict[str, Any]:
    """Judge the run's rows, in one transaction: a crash leaves nothing, and a retry judges again."""
    standing: dict[str, Any] = run.stages.get(STAGE) or {}
    if standing.get("done") and run.status != RunStatus.FAILED:
        return standing
    watch = Stopwatch()
    spool = spool_of(place, run)
    settings = RunSettings.model_validate(run.settings)
    with (
        Verdicts(spool, settings, lambda done, total: place.tick(done, total, message="judging rows")) as verdicts,
        place.transaction() as connection,
    ):
        current = locked_run(connection, run.id, place.tick)
        if (current.stages.get(STAGE) or {}).get("done"):
            return dict(current.stages[STAGE])
        facts = {**stage_judged(connection, run.load_id, verdicts), "done": True, **watch.facts(spool.rows)}
        note_stage(connection, run.id, STAGE, facts)
    give_back()
    return facts


def stage_judged(connection: Connection, load_id: int, verdicts: Verdicts) -> dict[str, Any]:
    """Fill the load's tables with what the rules made of its rows."""
    staged = Staging(load_id)
    write_early(connection)
    staged.create_judged(connection)
    report, sums = FateReport(), DailySums()
    with tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) as rejects:
        with CopyIn(connection, copy_charges(staged.charges)) as copy:
            copy.write(START)
            for sealed in verdicts.judged(_sealed):
                copy.write(sealed.charges)
                rejects.write(sealed.rejects)
                report.add(sealed.judged, sealed.chosen)
                sums.add(sealed.judged, sealed.chosen)
            copy.write(END)
        rejects.seek(0)
        _copy_file(connection, copy_rejects(staged.rejects), cast("BinaryIO", rejects))
    used = sums.companies if sums.is_complete else None
    _copy_companies(connection, copy_companies(staged.companies), verdicts.directory, used)
    with CopyIn(connection, copy_sums(staged.sums)) as copy:
        copy.write(_sum_rows(sums))
    return {**report.facts(), "is_summed": sums.is_complete}


@dataclass(frozen=True)
class _Sealed:
    """Decided rows of a judged batch, with the bytes that Postgres takes."""

    judged: Judged
    chosen: NDArray[np.bool_]
    charges: bytes
    rejects: bytes


def _sealed(judged: Judged, chosen: NDArray[np.bool_]) -> _Sealed:
    is_sound = judged.reasons == 0
    rejected = chosen & ~is_sound
    rejects = _reject_rows(judged.only(rejected)) if rejected.any() else b""
    # In one piece: each piece more is a turn that the thread which feeds COPY has to wait for.
    return _Sealed(judged, chosen, b"".join(binary_rows(judged, chosen & is_sound)), rejects)


def _reject_rows(judged: Judged) -> bytes:
    distinct, codes = np.unique(judged.reasons, return_inverse=True)
    literals = ["{" + ",".join(reasons_in(int(bits))) + "}" for bits in distinct]
    batch = judged.records.select(["line", *COLUMNS, "record"])
    batch = batch.append_column("reasons", pa.array(literals, pa.string()).take(pa.array(codes)))
    return bytes(copy_rows(batch))


def _sum_rows(sums: DailySums) -> bytes:
    columns = list(zip(*sums.rows(), strict=True)) or [()] * 4
    arrays = [pa.array(columns[0], pa.string()), pa.array(columns[1], pa.string()), pa.array(columns[2], pa.string())]
    arrays.append(pa.array(columns[3], pa.int64()))
    return bytes(copy_rows(pa.RecordBatch.from_arrays(arrays, names=["day", "company_id", "total", "rows"])))


def _copy_file(connection: Connection, statement: str, source: BinaryIO) -> None:
    with CopyIn(connection, statement) as copy:
        while piece := source.read(PIECE_BYTES):
            copy.write(piece)


def _copy_companies(
    connection: Connection, statement: str, directory: CompanyDirectory, used: Collection[str] | None
) -> None:
    """All companies that have charges; where there were too many to remember which have, all there are."""
    with CopyIn(connection, statement) as copy:
        for known in directory.companies():
            rows = pa.RecordBatch.from_arrays([shortened(known["id"]), known["name"], known["id"]], schema=_COMPANIES)
            if used is not None:
                rows = rows.filter(pc.is_in(rows["company_id"], value_set=pa.array(sorted(used), pa.string())))
            copy.write(bytes(copy_rows(rows)))
