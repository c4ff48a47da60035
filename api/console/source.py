"""The file a form is about: which there are to choose from, and the sheets and columns of the chosen one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.console.asking import ask
from api.files.schemas import FilePath, FileQuery
from api.files.views import get_file, list_uploaded
from core.errors import NotFoundError

_OFFERED = 50


@dataclass(frozen=True)
class Source:
    """What a form can offer; `file` is None while none is chosen."""

    files: tuple[dict[str, Any], ...]
    file: dict[str, Any] | None
    sheet: dict[str, Any] | None  # the one whose columns are offered

    @property
    def columns(self) -> list[dict[str, Any]]:
        return list(self.sheet["columns"]) if self.sheet else []


def chosen(said: Mapping[str, Any]) -> Source:
    files = tuple(ask(list_uploaded, query=FileQuery(limit=_OFFERED, cursor=None))["data"])
    file = _file(said.get("file"), files)
    sheets = file["preview"]["sheets"] if file else []
    wanted = str(said.get("sheet") or "")
    sheet = next((each for each in sheets if wanted in {each["name"], str(each["index"])}), None)
    return Source(_with(files, file), file, sheet or (sheets[0] if sheets else None))


def _file(named: Any, files: tuple[dict[str, Any], ...]) -> dict[str, Any] | None:
    try:
        wanted = UUID(str(named or ""))
    except ValueError:
        return None
    for file in files:
        if file["id"] == str(wanted):
            return file
    try:
        found: dict[str, Any] = ask(get_file, path=FilePath(file_id=wanted))
    except NotFoundError:
        return None
    return found


def _with(files: tuple[dict[str, Any], ...], file: dict[str, Any] | None) -> tuple[dict[str, Any], ...]:
    """An old file that is chosen stands in the list too."""
    return files if file is None or file in files else (file, *files)
