"""COPY that is fed piece by piece: Postgres takes the rows in while we make the next ones."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import Self

from sqlalchemy import Connection

PIECES_WAITING = 3  # what Postgres is behind by is memory
_READ_BYTES = 1 << 20
_LOOK_EVERY = 0.5  # seconds


class CopyAbortedError(Exception):
    """Raised inside COPY when our side gave up, so that Postgres forgets the rows."""


class CopyIn:
    """`COPY ... FROM STDIN` as a context: `write` pieces; leaving it waits until Postgres has all of them."""

    def __init__(self, connection: Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement
        self._pieces: queue.Queue[bytes | None] = queue.Queue(PIECES_WAITING)
        self._is_aborted = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._copy, name="copy", daemon=True)
        self.rows = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_aborted = error is not None
        self._put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def write(self, piece: bytes) -> None:
        if piece:
            self._put(piece)
        if self._error is not None:
            raise self._error

    def _put(self, piece: bytes | None) -> None:
        while self._thread.is_alive():
            try:
                self._pieces.put(piece, timeout=_LOOK_EVERY)
            except queue.Full:
                continue
            return

    def _copy(self) -> None:
        try:
            driver = self._connection.connection.driver_connection
            with driver.cursor() as cursor:  # type: ignore[union-attr]  # a psycopg2 connection
                cursor.copy_expert(self._statement, self, size=_READ_BYTES)
                self.rows = cursor.rowcount
        except BaseException as error:  # noqa: BLE001 - whatever ends COPY is raised again where it is fed
            self._error = error

    def read(self, _size: int = -1) -> bytes:
        """What psycopg2 asks for; a piece may be larger than asked."""
        piece = self._pieces.get()
        if piece is not None:
            return piece
        if self._is_aborted:
            raise CopyAbortedError
        return b""
