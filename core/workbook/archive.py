"""Read the parts of a zip archive as streams, checking sizes, ratio and CRC, and trusting no header."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator

from isal import isal_zlib

from core.errors import UnreadableFileError
from core.light_types import TYPE_CHECKING, NamedTuple
from core.workbook.limits import DEFAULT, Limits

if TYPE_CHECKING:
    from typing import BinaryIO

StrPath = str | os.PathLike[str]
END = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64 = struct.Struct("<4sQ2H2L4Q")
ENTRY = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
STORED, DEFLATED = 0, 8
ENCRYPTED_FLAG = 0x1
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF
ZIP64_EXTRA = 1
INFLATE_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub calls it an instance
OUTPUT_BYTES = 1 << 20  # the most one step of inflating may give: a bomb is stopped long before memory is


def open_bytes(path: StrPath) -> BinaryIO:
    return open(path, "rb")  # noqa: PTH123 - pathlib takes as long to load as the whole of this package


class Part(NamedTuple):
    """One entry of the archive's directory, as declared: what is read must agree with it."""

    name: str
    method: int
    flags: int
    crc: int
    packed_bytes: int
    bytes: int
    offset: int


class Archive:
    """An open zip file: its directory, and its parts as streams of pieces."""

    def __init__(self, path: StrPath, limits: Limits = DEFAULT) -> None:
        self._limits = limits
        self._file = open_bytes(path)
        try:
            self.parts = self._read_directory()
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def find(self, name: str) -> Part | None:
        """The part of that name; the package format compares names without case."""
        return self.parts.get(name.lower())

    def read(self, part: Part) -> bytes:
        """A whole small part."""
        if part.bytes > self._limits.max_small_part_bytes:
            raise UnreadableFileError(f"{part.name} declares {part.bytes:,} bytes, more than any honest workbook has")
        return b"".join(self.stream(part))

    def stream(self, part: Part, piece_bytes: int = 64 << 10) -> Iterator[bytes]:
        """The inflated content in pieces: a small one first, for those who need only the head."""
        return (piece for piece, _ in self.stream_with_progress(part, piece_bytes))

    def stream_with_progress(self, part: Part, piece_bytes: int = 64 << 10) -> Iterator[tuple[bytes, int]]:
        """Each inflated piece with the number of packed bytes read so far."""
        self._refuse(part)
        position = self.content_offset(part)
        crc, total, packed_left = 0, 0, part.packed_bytes
        for piece in self._inflate(part, position, piece_bytes):
            content, packed_left = piece
            total += len(content)
            self._check_growth(part, total, part.packed_bytes - packed_left)
            crc = isal_zlib.crc32(content, crc)
            yield content, part.packed_bytes - packed_left
        if total != part.bytes:
            raise UnreadableFileError(f"{part.name} holds {total:,} bytes, its directory says {part.bytes:,}: damaged")
        if crc != part.crc:
            raise UnreadableFileError(f"{part.name} fails its checksum: the file is damaged")

    def _inflate(self, part: Part, position: int, piece_bytes: int) -> Iterator[tuple[bytes, int]]:
        packed_left = part.packed_bytes
        inflater = None if part.method == STORED else isal_zlib.decompressobj(wbits=-15)
        size = min(piece_bytes, 8 << 10)
        while packed_left > 0 and not (inflater is not None and inflater.eof):
            self._file.seek(position)
            packed = self._file.read(min(size, packed_left))
            if not packed:
                raise UnreadableFileError(f"{part.name} ends early: the file is truncated")
            position += len(packed)
            packed_left -= len(packed)
            size = piece_bytes
            if inflater is None:
                yield packed, packed_left
                continue
            while packed and not inflater.eof:
                try:
                    content = inflater.decompress(packed, OUTPUT_BYTES)
                except INFLATE_ERROR as error:
                    raise UnreadableFileError(f"{part.name} does not inflate: the file is damaged") from error
                packed = inflater.unconsumed_tail
                if content:
                    yield content, packed_left
        if inflater is not None and not inflater.eof:
            while content := self._rest(part, inflater):
                yield content, packed_left
            if not inflater.eof:
                raise UnreadableFileError(f"{part.name} ends early: the file is truncated")

    @staticmethod
    def _rest(part: Part, inflater: isal_zlib.Decompress) -> bytes:
        """What the inflater still holds after the last packed byte went in."""
        if inflater.eof:
            return b""
        try:
            return bytes(inflater.decompress(b"", OUTPUT_BYTES))
        except INFLATE_ERROR as error:
            raise UnreadableFileError(f"{part.name} does not inflate: the file is damaged") from error

    def _refuse(self, part: Part) -> None:
        if part.flags & ENCRYPTED_FLAG:
            raise UnreadableFileError(f"{part.name} is encrypted: save the workbook without a password")
        if part.method not in {STORED, DEFLATED}:
            raise UnreadableFileError(f"{part.name} is packed with method {part.method}, which no workbook uses")
        self._check_growth(part, part.bytes, part.packed_bytes)

    def _check_growth(self, part: Part, total: int, packed: int) -> None:
        if total > self._limits.max_part_bytes:
            raise UnreadableFileError(
                f"{part.name} inflates beyond {self._limits.max_part_bytes:,} bytes, the most that is read",
                max_bytes=self._limits.max_part_bytes,
            )
        if total > self._limits.ratio_matters_after_bytes and total > self._limits.max_ratio * packed:
            raise UnreadableFileError(
                f"{part.name} inflates more than {self._limits.max_ratio} times: a zip bomb, not a workbook",
                max_ratio=self._limits.max_ratio,
            )
        if total > part.bytes:
            raise UnreadableFileError(f"{part.name} is larger than its directory says ({part.bytes:,} bytes)")

    def content_offset(self, part: Part) -> int:
        """Where the packed content starts, behind its own header."""
        self._file.seek(part.offset)
        raw = self._file.read(LOCAL.size)
        if len(raw) < LOCAL.size or raw[:4] != b"PK\3\4":
            raise UnreadableFileError(f"{part.name} is not where the directory says: the file is damaged")
        fields = LOCAL.unpack(raw)
        return part.offset + LOCAL.size + int(fields[9]) + int(fields[10])

    def _read_directory(self) -> dict[str, Part]:
        count, size, offset = self._find_directory()
        if count > self._limits.max_parts or size > self._limits.max_directory_bytes:
            raise UnreadableFileError(
                f"the archive lists {count:,} parts; a workbook has at most {self._limits.max_parts:,}",
                max_parts=self._limits.max_parts,
            )
        self._file.seek(offset)
        raw = self._file.read(size)
        parts: dict[str, Part] = {}
        position = 0
        while position + ENTRY.size <= len(raw) and raw[position : position + 4] == b"PK\1\2":
            part, position = _entry(raw, position)
            parts.setdefault(part.name.replace("\\", "/").lstrip("/").lower(), part)
            if len(parts) > self._limits.max_parts:
                raise UnreadableFileError("the archive has more parts than it says", max_parts=self._limits.max_parts)
        if not parts:
            raise UnreadableFileError("the archive's directory is empty or damaged")
        return parts

    def _find_directory(self) -> tuple[int, int, int]:
        """Number of entries, size and offset of the directory, by the record at the end of the file."""
        file_bytes = self._file.seek(0, os.SEEK_END)
        start = max(0, file_bytes - END.size - FULL16)
        self._file.seek(start)
        tail = self._file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or at + END.size > len(tail):
            raise UnreadableFileError("the archive has no directory at its end: the file is truncated")
        fields = END.unpack_from(tail, at)
        count, size, offset = int(fields[4]), int(fields[5]), int(fields[6])
        if count == FULL16 or FULL32 in {size, offset}:
            count, size, offset = self._find_directory64(start + at) or (count, size, offset)
        if offset + size > file_bytes:
            raise UnreadableFileError("the archive's directory lies beyond its end: the file is truncated")
        return count, size, offset

    def _find_directory64(self, end_offset: int) -> tuple[int, int, int] | None:
        if end_offset < END64_LOCATOR.size:
            return None
        self._file.seek(end_offset - END64_LOCATOR.size)
        magic, _, offset, _ = END64_LOCATOR.unpack(self._file.read(END64_LOCATOR.size))
        if magic != b"PK\6\7":
            return None
        self._file.seek(offset)
        raw = self._file.read(END64.size)
        if len(raw) < END64.size or raw[:4] != b"PK\6\6":
            raise UnreadableFileError("the archive's large directory is missing: the file is damaged")
        fields = END64.unpack(raw)
        return int(fields[7]), int(fields[8]), int(fields[9])


def _entry(raw: bytes, position: int) -> tuple[Part, int]:
    fields = ENTRY.unpack_from(raw, position)
    flags, method = int(fields[3]), int(fields[4])
    crc, packed, size = int(fields[7]), int(fields[8]), int(fields[9])
    name_bytes, extra_bytes, comment_bytes, offset = (
        int(fields[10]),
        int(fields[11]),
        int(fields[12]),
        int(fields[16]),
    )
    position += ENTRY.size
    name = raw[position : position + name_bytes].decode("utf-8", "replace")
    extra = raw[position + name_bytes : position + name_bytes + extra_bytes]
    if FULL32 in {packed, size, offset}:
        size, packed, offset = _large_sizes(extra, size, packed, offset)
    return Part(name, method, flags, crc, packed, size, offset), position + name_bytes + extra_bytes + comment_bytes


def _large_sizes(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """The 64-bit sizes of the zip64 extra field, which holds only those that did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if kind == ZIP64_EXTRA:
            values = iter(struct.unpack(f"<{len(body) // 8}Q", body[: len(body) // 8 * 8]))
            size = next(values, size) if size == FULL32 else size
            packed = next(values, packed) if packed == FULL32 else packed
            offset = next(values, offset) if offset == FULL32 else offset
            break
        at += 4 + length
    return size, packed, offset
