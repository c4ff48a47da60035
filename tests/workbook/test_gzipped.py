"""Gzipped tables are read like the tables themselves; a gzip that lies or bursts is one clear error."""

import gzip
import io
import random
import shutil
import zlib

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import UnreadableFileError
from core.workbook import gzipped
from core.workbook.limits import Limits
from core.workbook.opening import open_source
from core.workbook.preview import preview
from tests.workbook.test_hostile import outcome

TEXT = b"Numbers,Note\n" + b"".join(b"%d,row %d\n" % (n, n) for n in range(5000))


def as_workbook(path):
    book = openpyxl.Workbook()
    for row in [("Numbers", "Note"), (1, "a"), (2, "b")]:
        book.active.append(row)
    book.save(path)


def as_parquet(path):
    pq.write_table(pa.table({"Numbers": [1, 2], "Note": ["a", "b"]}), path)


def as_csv(path):
    path.write_bytes(TEXT)


@pytest.mark.parametrize(
    ("make", "name", "format_"),
    [(as_csv, "t.csv", "csv"), (as_workbook, "t.xlsx", "xlsx"), (as_parquet, "t.parquet", "parquet")],
)
def test_what_is_inside_is_told_by_its_content_and_read_as_if_it_were_not_packed(tmp_path, make, name, format_):
    plain, packed = tmp_path / name, tmp_path / "upload"
    make(plain)
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    with open_source(plain) as source:
        expected = source.columns(source.sheets[0], {0: True}, 1)[0]
    for called in (f"{name}.gz", "upload"):  # the name says nothing that the content does not
        with open_source(packed, name=called) as source:
            found = source.columns(source.sheets[0], {0: True}, 1)[0]
            assert source.format == preview(source).format == format_
        assert found.rows.tolist() == expected.rows.tolist()
        assert found.mantissas.tolist() == expected.mantissas.tolist()


def test_the_unpacked_copy_goes_when_the_table_is_closed_or_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "copies"))
    (tmp_path / "copies").mkdir()
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(TEXT))
    with open_source(packed):
        assert list((tmp_path / "copies").iterdir())
    packed.write_bytes(gzip.compress(b"<html>"))
    with pytest.raises(Exception, match="web page"):
        open_source(packed).__enter__()
    packed.write_bytes(gzip.compress(TEXT)[:-9])
    with pytest.raises(UnreadableFileError, match="cut off"):
        open_source(packed).__enter__()
    assert not list((tmp_path / "copies").iterdir())


def test_several_members_are_one_content_as_the_format_says(tmp_path):
    """Parallel packers and `cat a.gz b.gz` make such files."""
    path = tmp_path / "blocks.csv.gz"
    path.write_bytes(b"".join(gzip.compress(TEXT[at : at + 1000]) for at in range(0, len(TEXT), 1000)))
    with path.open("rb") as packed:
        assert gzipped.inflating(packed).read() == TEXT


def header_of(flags, *parts):
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + b"".join(parts)


def test_optional_header_fields_are_passed_over():
    whole = gzip.compress(b"a\n1\n")
    extra = b"\x05\x00extra"
    stream = io.BytesIO(header_of(0x04 | 0x08 | 0x10, extra, b"t.csv\0", b"a comment\0") + whole[10:])
    assert gzipped.inflating(stream).read() == b"a\n1\n"


def packed_zeros(times):
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(times)) + packer.flush()


HOSTILE = {
    "a bomb": (lambda: packed_zeros(200), "inflates more than 150 times: a bomb"),
    "a bomb in members": (lambda: packed_zeros(10) * 30, "inflates more than 150 times: a bomb"),
    "cut off": (lambda: gzip.compress(TEXT)[:-20], "cut off"),
    "cut off in its trailer": (lambda: gzip.compress(TEXT)[:-3], "cut off"),
    "cut off in its header": (lambda: gzip.compress(TEXT)[:7], "cut off"),
    "cut off in its second member": (lambda: gzip.compress(TEXT) + gzip.compress(TEXT)[:-1], "cut off"),
    "gzip in gzip": (lambda: gzip.compress(gzip.compress(TEXT)), "a gzip file inside a gzip file"),
    "something behind": (lambda: gzip.compress(TEXT) + b"and more", "goes on behind its end"),
    "one byte behind": (lambda: gzip.compress(TEXT) + b"\x1f", "goes on behind its end"),
    "a wrong checksum": (lambda: gzip.compress(TEXT)[:-8] + bytes(4) + gzip.compress(TEXT)[-4:], "damaged"),
    "a wrong length": (lambda: gzip.compress(TEXT)[:-4] + b"\1\1\1\1", "damaged"),
    "noise": (lambda: b"\x1f\x8b\x08\0" + random.Random(1).randbytes(5000), "cannot be inflated"),
    "an unknown method": (lambda: b"\x1f\x8b\x07" + gzip.compress(TEXT)[3:], "cannot be inflated"),
    "very many empty members": (lambda: gzip.compress(b"") * 200_000, "members with next to nothing in them"),
    "nothing inside": (lambda: gzip.compress(b""), "the file is empty"),
    "an executable": (lambda: gzip.compress(b"\x7fELF" + bytes(500)), "binary data"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_gzip_is_one_clear_error_in_little_memory(tmp_path, what):
    make, says = HOSTILE[what]
    path = tmp_path / "t.csv.gz"
    path.write_bytes(make())
    assert says in outcome(path)


def test_the_inflated_size_has_a_limit_of_its_own():
    noise = random.Random(1).randbytes(1 << 20)
    with pytest.raises(UnreadableFileError, match="beyond 1,000,000 bytes"):
        shutil.copyfileobj(
            gzipped.inflating(io.BytesIO(gzip.compress(noise)), Limits(max_part_bytes=10**6)), io.BytesIO()
        )
