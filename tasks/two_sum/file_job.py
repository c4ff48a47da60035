"""A question about files as a job: progress while reading, remembered answers, artifacts."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from core.input_files import FileFinder
from core.storage import StoredFile
from tasks.two_sum import asking_again, pair_files, working_paper
from tasks.two_sum.contract import Mode, TwoSumParams, TwoSumResult
from tasks.two_sum.remembering import MadeFile, Remembered, question_of
from tasks.two_sum.reporting import result_of
from tasks.two_sum.scanning import Scan, scan

PARQUET, CSV = "application/vnd.apache.parquet", "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAMES = ("pairs.parquet", "pairs.csv", "working-paper.xlsx")


class FileJob(Protocol):
    """What answering takes of a job: tasks.two_sum.desk gives it."""

    @property
    def finder(self) -> FileFinder: ...
    def tick(self, done: float, total: float | None = None, *, stage: str = "", message: str = "") -> None: ...
    def recall(self, question: str) -> bytes | None: ...
    def remember(self, question: str, answer: bytes) -> None: ...
    def save(self, path: Path, name: str, media_type: str) -> StoredFile: ...
    def attach(self, files: Sequence[MadeFile]) -> bool:
        """Give remembered files to this job; False, and none given, if the content of one is gone."""

    def record(self, question: str, params: TwoSumParams, result: TwoSumResult) -> None: ...


def answer_from_files(params: TwoSumParams, job: FileJob) -> TwoSumResult:
    question = question_of(params, job.finder)
    known = _recalled(job, question)
    if known is not None:
        job.record(question, params, known)
        return known
    job.tick(0, stage="reading")

    def read(done: int, total: int) -> None:
        job.tick(done, total, stage="reading", message="bytes")

    so_far: tuple[int, int | None] = 0, None

    def asked(done: int, total: int) -> None:
        nonlocal so_far
        so_far = (done, total) if total > 1 else so_far

    def matched() -> None:
        job.tick(*so_far, stage="matching", message="" if so_far[1] is None else "targets")

    with scan(params, job.finder, read, matched, asked) as found:
        result = result_of(
            params, found.outcome, found.ledger, found.against, found.targets_at, **_facts(params, found)
        )
        files = _artifacts(params, found, result, job) if params.mode is Mode.ALL else []
    job.remember(question, Remembered(result=result, files=files).model_dump_json().encode())
    job.record(question, params, result)
    return result


def _recalled(job: FileJob, question: str) -> TwoSumResult | None:
    kept = job.recall(question)
    if kept is None:
        return None
    known = Remembered.model_validate_json(kept)
    if not job.attach(known.files):
        return None
    if known.result.report is None:
        return known.result
    report = known.result.report.model_copy(update={"from_cache": True})
    return known.result.model_copy(update={"report": report})


def _facts(params: TwoSumParams, found: Scan) -> dict[str, Any]:
    return {
        "input_sha256": found.file.sha256,
        "against_sha256": None if found.against_file is None else found.against_file.sha256,
        "read_seconds": found.read_seconds,
        "scan_seconds": found.scan_seconds,
        "from_cache": not found.was_read,
        "working_paper": working_paper.why_not(found.ledger, found.against) if params.mode is Mode.ALL else None,
    }


def _artifacts(params: TwoSumParams, found: Scan, result: TwoSumResult, job: FileJob) -> list[MadeFile]:
    made: list[MadeFile] = []

    def wrote(done: float, total: float) -> None:
        job.tick(len(made) + done / total, 3, stage="writing", message=NAMES[len(made)])

    def save(path: Path, media_type: str) -> None:
        wrote(1, 1)
        stored = job.save(path, path.name, media_type)
        made.append(MadeFile(name=path.name, media_type=media_type, sha256=stored.sha256, bytes=stored.bytes))

    with tempfile.TemporaryDirectory(prefix="reckoner-") as folder:
        parquet, table, paper = (Path(folder) / name for name in NAMES)
        pair_files.write_parquet(parquet, found.outcome, found.ledger, found.against, wrote)
        save(parquet, PARQUET)
        pair_files.write_csv(table, found.outcome, found.ledger, found.against, wrote)
        save(table, CSV)
        if params.working_paper and working_paper.why_not(found.ledger, found.against) is None:
            working_paper.write(paper, found, _paper_facts(params, found, result), tick=wrote)
            save(paper, XLSX)
    return made


def _paper_facts(params: TwoSumParams, found: Scan, result: TwoSumResult) -> dict[str, dict[str, Any]]:
    """The summary by title; it ends with the question as the API takes it."""
    files = {"file": found.file.name, "sha256": found.file.sha256}
    if found.against_file is not None:
        files |= {"against": found.against_file.name, "sha256 of against": found.against_file.sha256}
    if result.report is None:
        return {"Input": files}
    apart = {"skipped_cells", "first_pairs", "skipped", "by_target", "working_paper", "input_sha256", "against_sha256"}
    targets = enumerate(result.report.by_target, start=1)
    return {
        "Input": files,
        "Result": {"found": result.found, **result.report.model_dump(exclude=apart)},
        **({"Skipped cells": result.report.skipped} if result.report.skipped else {}),
        **(
            {"Pairs by target": {f"{at}: {each.target}": each.pairs for at, each in targets}}
            if result.report.by_target
            else {}
        ),
        "Options": params.model_dump(),
        "Ask again": asking_again.lines_of(params),
    }
