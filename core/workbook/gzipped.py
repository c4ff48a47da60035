"""Read gzip without trusting it: growth, members, ends and checksums are looked at while it inflates."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator

from isal import isal_zlib

from core.errors import StorageFullError, UnreadableFileError
from core.light_types import TYPE_CHECKING
from core.workbook.archive import INFLATE_ERROR, StrPath, open_bytes
from core.workbook.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from typing import BinaryIO, Self

    from _typeshed import WriteableBuffer

MAGIC = b"\x1f\x8b"
PACKED_BYTES = 256 << 10
OUTPUT_BYTES = 1 << 20
BUFFER_BYTES = 4 << 20
FEW_MEMBERS = 10_000
LEAST_PER_MEMBER = 1 << 10  # files packed in blocks have tens of kilobytes in each
_WITH_HEADER = 31


def is_gzip(path: StrPath) -> bool:
    with open_bytes(path) as opened:
        return opened.read(len(MAGIC)) == MAGIC


def inflating(packed: BinaryIO, limits: Limits = DEFAULT) -> BinaryIO:
    """The content as a stream; what is wrong with the file is raised by the read that meets it."""
    stream = io.BufferedReader(_Inflating(_pieces(packed, limits)), BUFFER_BYTES)
    if stream.peek(len(MAGIC)).startswith(MAGIC):
        raise UnreadableFileError("a gzip file inside a gzip file: unpack it once and send it again")
    return stream


class Unpacked:
    """The content as a file of this machine, for readers that jump about in it. It goes with `close`."""

    def __init__(self, path: StrPath, limits: Limits = DEFAULT) -> None:
        import shutil  # noqa: PLC0415 - few files are packed: the others do not wait for these three
        import tempfile  # noqa: PLC0415
        from pathlib import Path  # noqa: PLC0415

        self._folder = tempfile.TemporaryDirectory(prefix="reckoner-")
        self.path = Path(self._folder.name) / "unpacked"
        try:
            with open_bytes(path) as packed, self.path.open("wb") as target:
                shutil.copyfileobj(inflating(packed, limits), target, OUTPUT_BYTES)
        except OSError as error:
            self.close()
            if error.errno == errno.ENOSPC:
                raise StorageFullError("there is no room to unpack the file") from error
            raise
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._folder.cleanup()


class _Inflating(io.RawIOBase):
    """Pieces as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: WriteableBuffer, /) -> int:
        room = memoryview(target).cast("B")
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _pieces(packed: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """The content of all members, one behind the other, as the format has it."""
    read, total, members = 0, 0, 0
    rest = b""
    while rest or members == 0:
        inflater = isal_zlib.decompressobj(wbits=_WITH_HEADER)
        while not inflater.eof:
            try:
                content = inflater.decompress(rest, OUTPUT_BYTES)
            except INFLATE_ERROR as error:
                raise UnreadableFileError(f"the file cannot be inflated, it is damaged: {error}") from error
            rest = inflater.unconsumed_tail
            total += len(content)
            _check_growth(total, read, limits)
            if content:
                yield content
            elif not rest and not inflater.eof:
                rest = packed.read(PACKED_BYTES)
                read += len(rest)
                if not rest:
                    raise UnreadableFileError("the file cannot be inflated: it is cut off")
        members += 1
        rest = inflater.unused_data
        while len(rest) < len(MAGIC) and (more := packed.read(PACKED_BYTES)):
            read += len(more)
            rest += more
        if rest and not rest.startswith(MAGIC):
            raise UnreadableFileError("the gzip file goes on behind its end with something else: it is damaged")
        if members > FEW_MEMBERS and total < LEAST_PER_MEMBER * members:
            raise UnreadableFileError(f"the gzip file is made of {members:,} members with next to nothing in them")


def _check_growth(total: int, packed: int, limits: Limits) -> None:
    if total > limits.max_part_bytes:
        raise UnreadableFileError(
            f"the file inflates beyond {limits.max_part_bytes:,} bytes, the most that is read",
            max_bytes=limits.max_part_bytes,
        )
    if total > limits.ratio_matters_after_bytes and total > limits.max_ratio * packed:
        raise UnreadableFileError(
            f"the file inflates more than {limits.max_ratio} times: a bomb, not a table", max_ratio=limits.max_ratio
        )
