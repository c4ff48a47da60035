"""Our ETL on one file, stage by stage: `python -m bench.etl_runs.ours run|dry PATH URL`."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.etl_runs import PEAK
from core.exact_json import dumps
from core.input_files import InputFile
from models.session import Database
from tasks.etl.settings import RunSettings
from tasks.etl.source import open_transactions, sha256_of
from tasks.etl.stages.extract import Filters, extract
from tasks.etl.stages.hold import known_run, run_of
from tasks.etl.stages.load import load
from tasks.etl.stages.publish import publish
from tasks.etl.stages.spool import Spool, surveyed
from tasks.etl.stages.transform import transform
from tasks.etl.stages.workplace import Workplace, peak_memory
from tasks.etl.verdicts import Verdicts


def run(path: Path, url: str, folder: Path) -> dict[str, float]:
    """All stages, as the job does them: seconds of each, and the largest peak of memory that one had."""
    db = Database(url, dumps=lambda value: dumps(value).decode())
    place = Workplace(db, folder)
    seconds: dict[str, float] = {}
    started, peak = time.perf_counter(), 0

    def lap(name: str) -> None:
        nonlocal started, peak
        seconds[name] = round(time.perf_counter() - started, 2)
        peak = max(peak, peak_memory())  # each stage forgets that of the one before
        started = time.perf_counter()

    found = InputFile(path.name, sha256_of(path), path.stat().st_size, path)
    row = run_of(db, found, RunSettings(), "bench")
    lap("hash")
    load(place, row, path)
    lap("load")
    extract(place, known_run(db, row.id), folder / "raw.parquet", as_csv=False, filters=Filters())
    lap("extract")
    transform(place, known_run(db, row.id))
    lap("transform")
    with db.transaction() as connection:
        publish(place, known_run(db, row.id), connection)
    lap("publish")
    return {**seconds, PEAK: round(peak / 1024**2)}


def dry(path: Path, _url: str, folder: Path) -> dict[str, Any]:
    """Read and judge only."""
    spool_path = folder / "rows.parquet"
    with open_transactions(path, path.name, RunSettings()) as opened, surveyed(spool_path) as spool:
        for part in opened.records():
            spool.write(part.batch)
    with Verdicts(Spool(spool_path), RunSettings(), lambda *_: None) as verdicts:
        sound = sum(verdicts.judged(lambda judged, chosen: int((chosen & (judged.reasons == 0)).sum())))
    return {"charges": sound}


if __name__ == "__main__":
    command = {"run": run, "dry": dry}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(command(Path(sys.argv[2]), sys.argv[3], Path(scratch))))
