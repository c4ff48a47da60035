"""Jobs as CSV and as a workbook, in which no spreadsheet finds anything to run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from flask import Response

from core.clock import now
from core.exact_json import dumps
from core.table_files import MEDIA_TYPES, write_csv, write_xlsx

_MOST = 100_000
_AT_ONCE = 500
_PIECE = 256 * 1024
_COLUMNS = (
    "id",
    "kind",
    "status",
    "owner",
    "queue",
    "priority",
    "tags",
    "attempt",
    "created_at",
    "started_at",
    "finished_at",
    "error_code",
    "error_message",
    "params",
)

Listed = Callable[..., dict[str, Any]]


def answer(kind: str, listed: Listed, text: str) -> Response:
    """All jobs that match, newest first; the file is written whole, so that a failure is no half file."""
    with tempfile.TemporaryDirectory(prefix="reckoner-export-") as folder:
        path = Path(folder) / f"jobs.{kind}"
        if kind == "csv":
            write_csv(path, _COLUMNS, rows(listed, text))
        else:
            write_xlsx(path, _COLUMNS, rows(listed, text), name="Jobs")
        size, file = path.stat().st_size, path.open("rb")  # open, it outlives its name
    headers = {
        "Content-Disposition": f'attachment; filename="jobs-{now():%Y%m%d-%H%M%S}.{kind}"',
        "Content-Length": str(size),
        "Cache-Control": "no-store",
    }
    response = Response(_pieces(file), headers=headers, content_type=MEDIA_TYPES[kind])
    response.call_on_close(file.close)
    return response


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(_PIECE):
        yield piece


def rows(listed: Listed, text: str) -> Iterator[list[Any]]:
    """Page after page, so that any number of jobs takes the memory of one page."""
    cursor: Any = None
    count = 0
    while count < _MOST:
        page = listed(text, cursor, _AT_ONCE)
        for job in page["data"]:
            yield _row(job)
        count += len(page["data"])
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _row(job: dict[str, Any]) -> list[Any]:
    error = job["error"] or {}
    facts = {
        **job,
        "tags": ", ".join(job["tags"]),
        "error_code": error.get("code"),
        "error_message": error.get("message"),
        "params": dumps(job["params"]).decode() if job["params"] is not None else None,
    }
    return [facts[name] for name in _COLUMNS]
