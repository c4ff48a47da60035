"""Look at a file before there is a job: a wrong header is refused now and not in an hour."""

from __future__ import annotations

from core.input_files import FileFinder
from tasks.etl.contract import FileParams
from tasks.etl.source import open_transactions


def check(params: FileParams, inputs: FileFinder) -> None:
    """Raise what the load would raise when it opens the file."""
    found = inputs.find(file=params.file, filepath=params.filepath)
    with inputs.local(found) as path, open_transactions(path, found.name, params.settings):
        pass
