"""Remembered answers: how a question is named, and what is kept of its answer."""

import hashlib

from pydantic import BaseModel

from core.input_files import FileFinder
from tasks.two_sum.contract import Mode, TwoSumParams, TwoSumResult, tables_of

PREFIX = "reckoner:two_sum:files:"
ANSWER_VERSION = "5"  # raise it whenever the same question may be answered otherwise


class MadeFile(BaseModel):
    """An artifact of a remembered answer."""

    name: str
    media_type: str
    sha256: str
    bytes: int


class Remembered(BaseModel):
    """An answer with the files that belong to it."""

    result: TwoSumResult
    files: list[MadeFile]


def question_of(params: TwoSumParams, finder: FileFinder) -> str:
    """The same question about the same content has the same name, whatever the file is called.

    A working paper names its file, so that it can be asked again: that of another file of the same content is not it.
    """
    tables = tables_of(params)
    has_paper = params.mode is Mode.ALL and params.working_paper
    named = [str(table.file or table.filepath) for table in tables if has_paper]
    contents = [finder.find(file=table.file, filepath=table.filepath).sha256 for table in tables]
    asked = params.model_dump_json(
        exclude={"file": True, "filepath": True} | {key: {"file", "filepath"} for key in ("against", "target_table")}
    )
    return hashlib.sha256("\n".join([ANSWER_VERSION, *contents, *named, asked]).encode()).hexdigest()
