"""The files that a job's params name: uploaded ones by id, others by a path inside the data root."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

from core.data_root import inside
from core.errors import InvalidInputError, NotFoundError
from core.input_files import FileFinder, InputFile
from core.settings import Settings
from core.storage import Storage
from models.file import find_file
from models.session import Database
from tasks.contract import JobKind


class Reachable(Protocol):
    """What finding files takes: the runtime of a node, or a job's context."""

    @property
    def db(self) -> Database: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def settings(self) -> Settings: ...


class Inputs:
    """Finds files for one owner; others' files are not there."""

    def __init__(self, reachable: Reachable, owner: str, *, sees_all: bool = False) -> None:
        self._reachable, self._owner, self._sees_all = reachable, owner, sees_all

    @property
    def cache_folder(self) -> Path:
        return self._reachable.settings.home / "columns"

    def find(self, *, file: str | None = None, filepath: str | None = None) -> InputFile:
        if filepath is not None:
            path = inside(self._reachable.settings.data_root, filepath)
            return InputFile(path.name, self._hash_of(path), path.stat().st_size, path)
        if file is None:
            raise InvalidInputError("no file is named")
        try:
            wanted = UUID(file)
        except ValueError:
            raise InvalidInputError(f"{file!r} is not the id of a file", file=file) from None
        with self._reachable.db.connect() as connection:
            row = find_file(connection, wanted)
        if row is None or not (self._sees_all or row.owner == self._owner):
            raise NotFoundError(f"no file {file}; upload it with POST /api/v1/files", file=file)
        return InputFile(row.name, row.sha256, row.bytes, None)

    def local(self, found: InputFile) -> AbstractContextManager[Path]:
        """The file's content at a path of this machine."""
        if found.path is not None:
            return _there(found.path)
        return self._reachable.storage.local_path(found.sha256)

    def _hash_of(self, path: Path) -> str:
        """The content's hash, computed again only when the file has changed."""
        stat = path.stat()
        seen = [str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        folder = self._reachable.settings.home / "hashes"
        note = folder / hashlib.sha256(str(path).encode()).hexdigest()
        try:
            kept = json.loads(note.read_bytes())
            if kept["seen"] == seen:
                return str(kept["sha256"])
        except (FileNotFoundError, ValueError, KeyError):
            pass  # never seen, or written by another version
        with path.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = note.with_suffix(f".{uuid4().hex}")
        unfinished.write_text(json.dumps({"seen": seen, "sha256": sha256}))
        unfinished.replace(note)
        return sha256


@contextmanager
def _there(path: Path) -> Iterator[Path]:
    yield path


def check_inputs(kind: JobKind, params: dict[str, Any], inputs: FileFinder) -> None:
    """Let the kind look at the files its params name, so that a wrong column is refused now and not in an hour."""
    if not kind.check:
        return
    module, _, function = kind.check.partition(":")
    getattr(import_module(module), function)(kind.params.model_validate(params), inputs)
