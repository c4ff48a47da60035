"""Asking questions of files without a platform."""

import hashlib
from contextlib import nullcontext
from pathlib import Path

from core.input_files import InputFile
from tasks.two_sum.contract import TwoSumParams
from tasks.two_sum.reporting import result_of
from tasks.two_sum.scanning import scan


class Folder:
    """Finds files by path in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cache_folder = folder / "columns"

    def find(self, *, file=None, filepath=None) -> InputFile:  # noqa: ARG002 - the protocol's
        path = self._folder / filepath
        content = path.read_bytes()
        return InputFile(path.name, hashlib.sha256(content).hexdigest(), len(content), path)

    def local(self, found):
        return nullcontext(found.path)


def ask(path: Path, **params):
    """The result of one question, with the scan it came from."""
    asked = TwoSumParams.model_validate({"filepath": path.name, **params})
    with scan(asked, Folder(path.parent), lambda _done, _total: None, lambda: None) as found:
        places = found.ledger, found.against, found.targets_at
        return result_of(asked, found.outcome, *places, input_sha256=found.file.sha256), found


def cells(result):
    return [(pair.first.cell, pair.second.cell) for pair in result.report.first_pairs]


def listed(found):
    return list(zip(found.outcome.left.tolist(), found.outcome.right.tolist(), strict=True))
