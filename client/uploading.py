"""A file on its way to the platform, read as it is sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO


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
