"""Look at a scan's file before there is a job: wrong sheets, columns and voided numbers are refused at once."""

from __future__ import annotations

from core.input_files import FileFinder
from tasks.gap_scan.contract import GapScanParams
from tasks.gap_scan.reporting import question_of
from tasks.gap_scan.scan import check_file


def check(params: GapScanParams, inputs: FileFinder) -> None:
    """Raise what the job would raise on its first look at the file."""
    found = inputs.find(file=params.file, filepath=params.filepath)
    with inputs.local(found) as path:
        check_file(path, question_of(params), name=found.name)
