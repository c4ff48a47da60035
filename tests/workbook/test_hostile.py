"""Hostile and broken files: each a clear error, in bounded memory, and the process lives on."""

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.errors import UnreadableFileError
from core.workbook.opening import open_source
from tests.workbook import handmade
from tests.workbook.handmade import MAIN, SHEET

ROOT = Path(__file__).parents[2]
MEGABYTE = 1 << 20
GROWTH_MB = 64
# Runs apart, so that its peak memory is its own and a crash would be seen as one.
READ = """
import json, resource, sys
from pathlib import Path
from core.errors import PlatformError
from core.workbook.opening import open_source
from core.workbook.preview import preview
import core.workbook.xlsx, core.workbook.delimited, core.workbook.fast_sheet
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
before, said = peak(), "nothing"
try:
    with open_source(Path(sys.argv[1])) as source:
        if len(sys.argv) == 2:
            preview(source)
        cells = source.columns(source.sheets[0], {0: True}, 1)[0]
        said = f"read {len(cells)}"
except PlatformError as error:
    said = f"{error.code}: {error.message}"
print(json.dumps({"said": said, "growth": peak() - before}))
"""


def outcome(path, *, preview=True):
    command = [sys.executable, "-c", READ, str(path), *([] if preview else ["columns only"])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["growth"] <= GROWTH_MB, found
    return found["said"]


def packed(*pieces):
    """Deflated text in which `(piece, times)` repeats; gigabytes are made without packing them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    out, size = [], 0
    for piece, times in pieces:
        block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
        if times > 1:  # the first fills the window; from the second on the packed bytes are the same
            out.append(block)
            block = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
            out.append(block * (times - 1))
        else:
            out.append(block)
        size += len(piece) * times
    out.append(packer.flush())
    return b"".join(out), size


def with_part(path, name, data, size, **lies):
    """A workbook one of whose parts is given packed, its size and checksum as we please."""
    content = handmade.parts({"S": SHEET % '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'}, strings=["x"])
    handmade.write(path, {**content, name: b"placeholder"})
    raw = bytearray(path.read_bytes())
    archive = zipfile.ZipFile(path)
    entry = archive.getinfo(name)
    archive.close()
    start = entry.header_offset + 30 + len(name)
    directory = raw.rindex(b"PK\1\2" + raw[raw.rindex(name.encode()) - 42 : raw.rindex(name.encode())], 0, len(raw))
    grown = len(data) - entry.compress_size
    struct.pack_into("<L", raw, directory + 20, len(data))
    struct.pack_into("<L", raw, directory + 24, min(lies.get("declared", size), 0xFFFFFFFE))
    raw[start : start + entry.compress_size] = data
    end = raw.rindex(b"PK\5\6")
    struct.pack_into("<L", raw, end + 16, struct.unpack_from("<L", raw, end + 16)[0] + grown)
    at = struct.unpack_from("<L", raw, end + 16)[0]
    while raw[at : at + 4] == b"PK\1\2":
        lengths = struct.unpack_from("<3H", raw, at + 28)
        offset = struct.unpack_from("<L", raw, at + 42)[0]
        if offset > entry.header_offset:
            struct.pack_into("<L", raw, at + 42, offset + grown)
        at += 46 + sum(lengths)
    path.write_bytes(raw)
    return path


HEAD, TAIL = (part.encode() for part in (SHEET % "|").split("|"))
SHEET_PART, STRINGS_PART = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
STRINGS_HEAD = f'<sst xmlns="{MAIN}"><si><t>'.encode()
BOMBS = {
    "three gigabytes of spaces": (SHEET_PART, [(HEAD, 1), (b" " * MEGABYTE, 3000), (TAIL, 1)]),
    "one number of three gigabytes": (
        SHEET_PART, [(HEAD + b'<row r="1"><c r="A1"><v>', 1), (b"1" * MEGABYTE, 3000), (b"</v></c></row>" + TAIL, 1)],
    ),
    "sixty million cells without addresses": (
        SHEET_PART, [(HEAD + b"<row>", 1), (b"<c><v>1</v></c>" * 70_000, 860), (b"</row>" + TAIL, 1)],
    ),
    "a hundred million empty rows": (SHEET_PART, [(HEAD, 1), (b"<row/>" * 175_000, 570), (TAIL, 1)]),
    "a shared string of three gigabytes": (
        STRINGS_PART, [(STRINGS_HEAD, 1), (b"x" * MEGABYTE, 3000), (b"</t></si></sst>", 1)],
    ),
    "nesting a hundred million deep": (SHEET_PART, [(HEAD, 1), (b"<a>" * 350_000, 300), (TAIL, 1)]),
    "an attribute of a gigabyte": (
        SHEET_PART, [(HEAD + b'<row r="1" x="', 1), (b"y" * MEGABYTE, 1000), (b'"/>' + TAIL, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("preview", [True, False], ids=["previewed", "read"])
@pytest.mark.parametrize(("part", "pieces"), BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_an_error_in_bounded_memory(tmp_path, part, pieces, preview):
    said = outcome(with_part(tmp_path / "bomb.xlsx", part, *packed(*pieces)), preview=preview)
    assert said.startswith("unreadable_file: "), said


@pytest.mark.parametrize(
    "name", ["three gigabytes of spaces", "one number of three gigabytes", "a shared string of three gigabytes"]
)
def test_a_bomb_that_lies_about_its_size_is_an_error_too(tmp_path, name):
    part, pieces = BOMBS[name]
    said = outcome(with_part(tmp_path / "liar.xlsx", part, *packed(*pieces), declared=5000), preview=False)
    assert said.startswith("unreadable_file: "), said


def test_a_bomb_below_the_ratio_still_meets_bounded_memory(tmp_path):
    """One honest-looking row of a hundred megabytes of text between two tags."""
    noise = b"".join(f"{n * 2654435761 % 2**32:010d}".encode() for n in range(100_000))
    data = packed((HEAD + b'<row r="1"><c r="A1" t="str"><v>', 1), (noise, 100), (b"</v></c></row>" + TAIL, 1))
    assert outcome(with_part(tmp_path / "long.xlsx", SHEET_PART, *data), preview=False).startswith("unreadable_file")


EMPTY_ROWS = b"".join(b'<row r="%d" ht="%d"><c s="1"/><c s="2"/></row>' % (row, row * row) for row in range(3, 5000))
ONE_ROW = b'<row r="1">' + b"".join(b'<c r="A1"><v>%d</v></c>' % (n * n) for n in range(5000)) + b"</row>"


@pytest.mark.parametrize("rows", [EMPTY_ROWS, ONE_ROW], ids=["formatted but empty", "all called row 1"])
def test_a_head_is_looked_for_at_the_start_of_a_sheet_only(tmp_path, rows):
    start = HEAD + b'<row r="1"><c r="A1"><v>5</v></c></row>'
    path = with_part(tmp_path / "long.xlsx", SHEET_PART, *packed((start, 1), (rows, 100), (TAIL, 1)))
    with open_source(path) as source:
        assert source.head(source.sheets[0]).rows[1][0].value.mantissa  # to the end, it would find a wrong checksum
        with pytest.raises(UnreadableFileError, match="checksum"):
            source.columns(source.sheets[0], {0: False}, 1)


def test_the_head_of_a_text_file_ends_among_its_blank_lines(tmp_path):
    (tmp_path / "blank.csv").write_bytes(b"a,b\n1,2\n" + b"\n" * 200_000 + b"x" * (2 << 20))
    with open_source(tmp_path / "blank.csv") as source:
        assert list(source.head(source.sheets[0]).rows) == [1, 2]


def test_a_text_file_of_more_columns_than_a_sheet_has_is_no_table(tmp_path):
    (tmp_path / "wide.csv").write_bytes((b"1," * 400_000 + b"\n") * 3)
    assert outcome(tmp_path / "wide.csv") == ("unreadable_file: record 1 has 400,001 fields, a table at most 16,384")


def test_the_heads_of_wide_tables_have_fewer_rows(tmp_path):
    pq.write_table(pa.table({f"c{n}": [n] * 100 for n in range(5000)}), tmp_path / "wide.parquet")
    (tmp_path / "wide.csv").write_bytes((b"1," * 5000 + b"\n") * 100)
    for name in ("wide.parquet", "wide.csv"):
        with open_source(tmp_path / name) as source:
            head = source.head(source.sheets[0])
            assert 2 <= len(head.rows) <= 22
            assert len(head.rows[2]) == 5000


def test_entities_are_refused(tmp_path):
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    rows = '<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>'
    sheet = (SHEET % rows).replace("<worksheet", laughs + "<worksheet")
    assert "XML entities" in outcome(handmade.write(tmp_path / "e.xlsx", handmade.parts({"S": sheet})))
    content = handmade.parts({"S": SHEET % rows.replace("&b;", "x")})
    for part in ("xl/workbook.xml", "_rels/.rels"):
        hostile = {**content, part: laughs.encode() + content[part]}
        assert "XML entities" in outcome(handmade.write(tmp_path / "w.xlsx", hostile))


def test_a_cell_at_the_far_corner_costs_nothing(tmp_path):
    rows = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    assert outcome(handmade.workbook(tmp_path / "far.xlsx", rows)) == "read 0"


def test_a_cell_beyond_the_sheet_is_an_error(tmp_path):
    for address in ("A1048577", "XFE1", "A0", "1", "AAAA1"):
        rows = f'<row r="1"><c r="{address}"><v>1</v></c></row>'
        assert "no address" in outcome(handmade.workbook(tmp_path / "beyond.xlsx", rows))


def test_a_million_tiny_parts_are_refused_before_they_are_listed(tmp_path):
    path = handmade.workbook(tmp_path / "parts.xlsx", "")
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"x"
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, len(entry) * 1_000_000, path.stat().st_size, 0)
    with path.open("ab") as target:
        target.write(entry * 1_000_000 + end)
    assert "parts" in outcome(path)
    with path.open("ab") as target:  # the same with a modest number in the last record
        target.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 5, 5, len(entry) * 1_000_000, 0, 0))
    assert "parts" in outcome(path)


def test_a_file_cut_anywhere_is_an_error(tmp_path):
    whole = handmade.workbook(tmp_path / "whole.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>').read_bytes()
    for keep in (0, 1, 30, 100, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path = tmp_path / "cut.xlsx"
        path.write_bytes(whole[:keep])
        said = outcome(path)
        assert said.startswith("unreadable_file: ") or (keep == len(whole) - 1 and said == "read 1"), (keep, said)


def test_a_flipped_byte_in_the_content_is_noticed(tmp_path):
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n * 7919}</v></c></row>' for n in range(1, 5000))
    path = handmade.workbook(tmp_path / "flip.xlsx", rows)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo(SHEET_PART).header_offset + 4000
    raw = bytearray(path.read_bytes())
    raw[start] ^= 0x10
    path.write_bytes(raw)
    assert outcome(path, preview=False).startswith("unreadable_file: ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("page.xlsx", b"<!DOCTYPE html><html></html>", "unsupported_type: page.xlsx is a web page"),
        ("page.csv", b"  <html><table></table></html>", "unsupported_type: page.csv is a web page"),
        ("empty.xlsx", b"", "unreadable_file: the file is empty"),
        ("picture.bin", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "unsupported_type: picture.bin is binary data"),
        ("text.xlsx", b"a,b\n1,2\n", "unreadable_file: text.xlsx is not a .xlsx file"),
        (
            "secret.xlsx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
            "unreadable_file: the workbook is encrypted",
        ),
        (
            "broken.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
            "unreadable_file: the xls file cannot be read",
        ),
        ("broken.parquet", b"PAR1" + b"\0" * 100, "unreadable_file: the Parquet file cannot be read"),
        ("nuls.csv", b"a,b\n1,\0\0\0\n", "unsupported_type: nuls.csv is binary data"),
        (
            "numbers.csv",
            b"".join(n.to_bytes(2, "little") for n in range(200)),
            "unsupported_type: numbers.csv is binary",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value and " " not in value else "",
)
def test_what_is_no_table_says_so(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    assert outcome(tmp_path / name).startswith(said)


def test_a_stray_control_character_is_dirt_and_no_sign_of_a_binary_file(tmp_path):
    (tmp_path / "nul.csv").write_bytes(b"a,b\n1,\0\n")
    assert outcome(tmp_path / "nul.csv") == "read 2"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_and_without_its_mark(tmp_path, encoding):
    text = "No;Währung;Amount\r\n" + "".join(f"{n};€;{n},50\r\n" for n in range(20_000))
    (tmp_path / "export.csv").write_bytes(text.encode(encoding))
    with open_source(tmp_path / "export.csv") as source:
        head = source.head(source.sheets[0])
        assert [cell.value.shown() for cell in head.rows[1].values()] == ["No", "Währung", "Amount"]
        assert len(source.columns(source.sheets[0], {0: False}, 2)[0]) == 20_000


def test_a_zip_of_something_else_says_so(tmp_path):
    handmade.write(tmp_path / "photos.zip", {"a.txt": b"hello"})
    assert (
        outcome(tmp_path / "photos.zip")
        == "unsupported_type: the archive holds no workbook: it is another kind of file"
    )


def test_an_encrypted_part_and_an_unknown_packing_say_so(tmp_path):
    path = handmade.workbook(tmp_path / "x.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>')
    plain = path.read_bytes()
    for offset, value, word in ((8, 1, "encrypted"), (10, 99, "method 99")):
        raw = bytearray(plain)
        at = raw.index(b"PK\1\2")
        while raw[at : at + 4] == b"PK\1\2":
            struct.pack_into("<H", raw, at + offset, value)
            at += 46 + sum(struct.unpack_from("<3H", raw, at + 28))
        path.write_bytes(raw)
        assert word in outcome(path)


def test_a_csv_without_line_ends_is_an_error(tmp_path):
    (tmp_path / "long.csv").write_bytes(b"1" * (8 * MEGABYTE))
    assert outcome(tmp_path / "long.csv").startswith("unreadable_file: line 1 has more than")


def test_an_honest_large_sheet_still_reads(tmp_path):
    """Twenty million ratio-friendly bytes in ordinary rows: no limit may mistake it for a bomb."""
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>5</v></c><c r="B{n}" s="1"/></row>' for n in range(1, 400_001))
    assert outcome(handmade.workbook(tmp_path / "large.xlsx", rows), preview=False) == "read 400000"
