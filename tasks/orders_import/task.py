"""The body of an import: read, check, stage, then add everything in one statement."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from core.clock import now
from core.exact_json import dumps
from core.table_files import MEDIA_TYPES, write_csv
from models import order_staging
from tasks.base import job_task
from tasks.context import JobContext
from tasks.inputs import Inputs
from tasks.memory import memory_limit
from tasks.orders_import.contract import (
    ORDERS_IMPORT,
    REJECTS_TOLD,
    OrdersImportParams,
    OrdersImportResult,
    RejectedRow,
)
from tasks.orders_import.rows import NAMES, OrderRow, RowReader
from tasks.orders_import.table import Row, read_rows

_AT_ONCE = 20_000


@job_task(ORDERS_IMPORT)
def run(params: OrdersImportParams, job: JobContext) -> OrdersImportResult:
    inputs = Inputs(job, job.owner)
    found = inputs.find(file=params.file, filepath=params.filepath)
    key = hashlib.sha256(dumps([found.sha256, params.sheet, params.columns])).hexdigest()
    with job.db.connect() as connection:
        before = order_staging.imported_by(connection, key)
    if before is not None and not params.again:
        return _result(0, 0, [], imported_before_by=str(before))
    with memory_limit(job.settings.heavy_memory_mb), inputs.local(found) as path:
        is_1904, rows = read_rows(
            path,
            name=found.name,
            sheet=params.sheet,
            columns=params.columns,
            tick=lambda done, total: job.tick(done, total, stage="read"),
        )
        rejects = _stage(job, rows, RowReader(now(), is_1904))
    connection = job.effects()
    _wait_for_turn(job, connection)
    # Somebody may have imported the same file while this job was reading it.
    before = order_staging.imported_by(connection, key)
    if before is not None and not params.again:
        return _result(0, 0, [], imported_before_by=str(before))
    done = order_staging.publish(connection)
    rejects += [_Reject(refused.row, [refused.reason], refused.values) for refused in done.refused]
    order_staging.note_import(connection, key, job.id)
    _save_rejects(job, rejects)
    job.log.info("imported", added=done.added, unchanged=done.unchanged, rejected=len(rejects))
    return _result(done.added, done.unchanged, rejects)


@dataclass(frozen=True)
class _Reject:
    row: int
    reasons: list[str]
    values: dict[str, str]


def _wait_for_turn(job: JobContext, connection: Connection) -> None:
    while not order_staging.take_turn(connection):
        job.tick(0, stage="wait", message="another import is writing")
        time.sleep(0.2)


def _stage(job: JobContext, rows: Iterator[Row], reader: RowReader) -> list[_Reject]:
    connection, rejects, lines = job.effects(), list[_Reject](), list[str]()
    order_staging.stage(connection)
    for count, (row, cells) in enumerate(rows, start=1):
        order = reader.read(row, cells)
        if isinstance(order, OrderRow):
            lines.append(_line(order))
        else:
            rejects.append(_Reject(row, order, {name: cell.shown() for name, cell in cells.items()}))
        if count % 1000 == 0:
            job.tick(count, stage="check", message=f"{len(rejects)} rejected")
        if len(lines) >= _AT_ONCE:
            order_staging.stage_lines(connection, lines)
            lines.clear()
    order_staging.stage_lines(connection, lines)
    return rejects


def _line(order: OrderRow) -> str:
    number = "\\N" if order.id is None else order.id
    moment = order.created_at.isoformat()
    return f"{order.row}\t{number}\t{order.customer_id}\t{order.amount}\t{order.status}\t{moment}\n"


def _save_rejects(job: JobContext, rejects: list[_Reject]) -> None:
    """The rows as they were, with their reasons: to be mended and imported."""
    if not rejects:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rejects.csv"
        write_csv(path, [*NAMES, "row", "reasons"], (_shown(reject) for reject in rejects))
        job.save_artifact(path, path.name, MEDIA_TYPES["csv"])


def _shown(reject: _Reject) -> list[str]:
    return [*(reject.values.get(name, "") for name in NAMES), str(reject.row), "; ".join(reject.reasons)]


def _result(
    added: int, unchanged: int, rejects: list[_Reject], *, imported_before_by: str | None = None
) -> OrdersImportResult:
    return OrdersImportResult(
        rows=added + unchanged + len(rejects),
        added=added,
        unchanged=unchanged,
        rejected=len(rejects),
        rejects=[RejectedRow(row=reject.row, reasons=reject.reasons) for reject in rejects[:REJECTS_TOLD]],
        imported_before_by=imported_before_by,
    )
