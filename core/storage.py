"""Keep files by content: the same bytes are stored once, under their SHA-256, on any fsspec file system."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from uuid import uuid4

import fsspec.core
from fsspec.implementations.local import LocalFileSystem

from core.errors import InvalidInputError, NotFoundError, StorageFullError, TooLargeError

PIECE_BYTES = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Readable(Protocol):
    """Anything that gives bytes in pieces: an upload, an open file."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class StoredFile:
    """What storing gave: the name of the content, and how much of it there is."""

    sha256: str
    bytes: int


class Storage:
    """One content-addressed store; `file://` on one machine, `s3://` and the like beyond it."""

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._is_local = isinstance(self._fs, LocalFileSystem)

    def save(self, source: Readable | Path, *, max_bytes: int | None = None) -> StoredFile:
        """Store a stream or a file in one pass and bounded memory; over `max_bytes` nothing is kept."""
        if isinstance(source, Path):
            with source.open("rb") as opened:
                return self.save(opened, max_bytes=max_bytes)
        incoming = f"{self._root}/incoming/{uuid4().hex}"
        self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
        try:
            stored = self._write(incoming, source, max_bytes)
            self._publish(incoming, stored.sha256)
        except OSError as error:
            self._forget(incoming)
            if error.errno in _NO_ROOM:
                raise StorageFullError("there is no room in the storage for another file") from error
            raise
        except BaseException:
            self._forget(incoming)
            raise
        return stored

    def _write(self, path: str, source: Readable, max_bytes: int | None) -> StoredFile:
        digest, total = hashlib.sha256(), 0
        with self._fs.open(path, "wb") as target:
            while piece := source.read(PIECE_BYTES):
                total += len(piece)
                if max_bytes is not None and total > max_bytes:
                    raise TooLargeError(f"the file is larger than {max_bytes} bytes", max_bytes=max_bytes)
                digest.update(piece)
                target.write(piece)
            if self._is_local:  # A row that names this content may commit next: the bytes must survive a crash first.
                target.flush()
                os.fsync(target.fileno())
        return StoredFile(digest.hexdigest(), total)

    def _publish(self, incoming: str, sha256: str) -> None:
        target = self._path(sha256)
        if self._is_local:
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            Path(incoming).replace(target)  # atomic, and two savers of one content cannot hurt each other
        elif self._fs.exists(target):
            self._fs.rm_file(incoming)
        else:
            self._fs.mv(incoming, target)

    def _forget(self, path: str) -> None:
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _path(self, sha256: str) -> str:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004 - hex digits of SHA-256
            raise InvalidInputError(f"{sha256!r} is not a SHA-256 in lower-case hex")
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def exists(self, sha256: str) -> bool:
        return bool(self._fs.exists(self._path(sha256)))

    def size(self, sha256: str) -> int:
        """How many bytes the content has."""
        return int(self._fs.size(self._existing(sha256)))

    def open(self, sha256: str) -> BinaryIO:
        """A seekable stream of the content; the caller closes it."""
        return cast("BinaryIO", self._fs.open(self._existing(sha256), "rb"))

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        """The content as a file on this machine, for readers that need one; read it, never write it."""
        stored = self._existing(sha256)
        if self._is_local:
            yield Path(stored)
            return
        with tempfile.NamedTemporaryFile(prefix="reckoner-") as copy, self._fs.open(stored, "rb") as source:
            shutil.copyfileobj(source, copy, PIECE_BYTES)
            copy.flush()
            yield Path(copy.name)

    def delete(self, sha256: str) -> None:
        """Forget the content; what is already gone is no error."""
        self._forget(self._path(sha256))

    def _existing(self, sha256: str) -> str:
        path = self._path(sha256)
        if not self._fs.exists(path):
            raise NotFoundError(f"no stored file {sha256}", sha256=sha256)
        return path
