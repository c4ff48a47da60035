"""Files on their way to the platform and back, piece by piece."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from .problems import ReckonerError

if TYPE_CHECKING:
    import requests

_PIECE_BYTES = 256 * 1024


class Sending:
    """A stream from its start, with a length, that tells how much of it was read; one for each try."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int, int], object] | None) -> None:
        stream.seek(0)
        self._stream = stream
        self._progress = progress
        self._total = os.fstat(stream.fileno()).st_size
        self._sent = 0

    def __len__(self) -> int:
        return self._total

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._sent += len(piece)
        if self._progress is not None:
            self._progress(self._sent, self._total)
        return piece


def save(answer: requests.Response, target: Path, progress: Callable[[int], object] | None) -> None:
    """Write a body to `target`, which appears only when it is whole and is what its hash says."""
    unfinished = target.with_name(f".{target.name}.part")
    digest = hashlib.sha256()
    try:
        with unfinished.open("wb") as file:
            for piece in answer.iter_content(_PIECE_BYTES):
                file.write(piece)
                digest.update(piece)
                if progress is not None:
                    progress(len(piece))
        wanted = answer.headers.get("X-Content-SHA256")
        if wanted is not None and wanted != digest.hexdigest():
            raise ReckonerError(f"{target.name} arrived damaged: its hash is not {wanted}")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
