"""The body of a gap scan."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from tasks.base import job_task
from tasks.context import JobContext
from tasks.gap_scan.contract import GAP_SCAN, GapScanParams, GapScanResult
from tasks.gap_scan.files import Lists, write_csv, write_workbook
from tasks.gap_scan.reporting import question_of, result_of
from tasks.gap_scan.scan import GapReport, scan_file
from tasks.inputs import Inputs
from tasks.memory import memory_limit

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@job_task(GAP_SCAN)
def run(params: GapScanParams, job: JobContext) -> GapScanResult:
    inputs = Inputs(job, job.owner)
    found = inputs.find(file=params.file, filepath=params.filepath)
    began = time.perf_counter()
    with memory_limit(job.settings.heavy_memory_mb), inputs.local(found) as path:
        report = scan_file(
            path, question_of(params), name=found.name, tick=lambda done, total: job.tick(done, total, stage="reading")
        )
        result = result_of(report, found.sha256, params.max_listed, time.perf_counter() - began)
        _save_files(params, report, result, job)
    job.log.info("scanned", numbers=result.numbers, missing=result.missing, surplus=result.surplus)
    return result


def _save_files(params: GapScanParams, report: GapReport, result: GapScanResult, job: JobContext) -> None:
    lists = Lists(report, params.max_listed)

    def wrote(lines: int) -> None:
        job.tick(lines, stage="writing", message="lines")

    with tempfile.TemporaryDirectory(prefix="reckoner-") as folder:
        for name, (header, lines) in lists.named().items():
            path = Path(folder) / f"{name}.csv"
            # Missing numbers are what was asked for, even if there are none; other lists only if they say anything.
            if write_csv(path, header, lines, wrote) or name == "missing":
                job.save_artifact(path, path.name, CSV)
        if params.workbook:
            path = Path(folder) / "gaps.xlsx"
            write_workbook(path, lists, result, wrote)
            job.save_artifact(path, path.name, XLSX)
