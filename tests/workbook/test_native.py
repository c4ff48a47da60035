"""The native part is built where it can be, checked before it is trusted, and never needed."""

import random
import zipfile
import zlib
from contextlib import suppress

import pytest

from core.errors import UnreadableFileError
from core.workbook import build_native, native_library
from core.workbook.archive import Archive
from core.workbook.build_native import LIBRARY, is_usable
from core.workbook.limits import DEFAULT
from core.workbook.native_library import NativeLibrary
from core.workbook.native_sheet import read_columns
from core.workbook.source import no_tick
from tests.workbook import handmade
from tests.workbook.handmade import SHEET
from tests.workbook.reading import both, shown

PIECE = 128 << 10  # of native/sheet.c; its ring holds eight


@pytest.fixture(scope="module")
def library():
    build_native.main()
    assert LIBRARY.exists()
    return NativeLibrary(LIBRARY)


def natively(library, path, columns=(0,), first_row=1, tick=no_tick):
    """`{row: value}` of each column, or None if the native part leaves the sheet to others."""
    archive = Archive(path)
    try:
        part = archive.find("xl/worksheets/sheet1.xml")
        found = read_columns(library, archive, part, list(columns), first_row, DEFAULT, tick)
        return found and [shown(found.cells(number)) for number in range(len(columns))]
    finally:
        archive.close()


def test_what_was_built_reads_and_is_used(library, tmp_path):
    assert is_usable(LIBRARY)
    native_library.native_library.cache_clear()
    assert native_library.native_library() is not None
    path = handmade.workbook(
        tmp_path / "b.xlsx", '<row r="1"><c r="A1"><v>-12</v></c><c r="AA1" t="s"><v>3</v></c></row>'
    )
    assert natively(library, path, (0, 26, 2)) == [{1: -12}, {1: "SHARED"}, {}]


@pytest.mark.parametrize(
    "odd",
    [
        *('<c s="1" r="A1"><v>1</v></c>', "<c><v>1</v></c>", '<c r="A0"><v>1</v></c>'),
        *('<c r="A&#49;"><v>1</v></c>', '<c r="&#65;1"><v>1</v></c>', '<c r="a1"><v>1</v></c>'),
        *("<!-- -->", '<c r="A1"><v>1</v></c><!-- -->', '<c r="A1" s="1"><v>1</v></c><?x?><!-- -->'),
        *("<z xmlns='u'/>", '<c r="A1" xmlns:x="u"><v>1</v></c>', '<c r="A1" xml:space="preserve"><v>1</v></c>'),
    ],
)
def test_a_sheet_that_is_not_ordinary_is_given_back(library, odd, tmp_path):
    filler = '<c r="B1"><v>1</v></c>' * 20
    for number, sheet in enumerate((filler + odd, odd + filler, odd)):
        path = handmade.workbook(tmp_path / f"{number}.xlsx", f'<row r="1">{sheet}</row>')
        assert natively(library, path) is None


def long_rows(count, seed):
    """Rows of many shapes, so that cells lie across every end of a piece and of the ring."""
    chosen = random.Random(seed)
    for row in range(1, count + 1):
        text = "".join(chosen.choice("0123456789abcdef&<é") for _ in range(chosen.choice((0, 1, 5, 200))))
        text = text.replace("&", "&amp;").replace("<", "&lt;")
        yield f'<row r="{row}"><c r="A{row}" s="1"><v>{chosen.randrange(-(10**9), 10**9)}</v></c>'
        yield f'<c r="B{row}" t="inlineStr"><is><t>{text}</t></is></c>' if row % 3 else f'<c r="B{row}" t="b"/>'
        yield f'<c r="C{row}"><f>A{row}*2</f><v>{chosen.random() * 1000!r}</v></c></row>\n'


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_cells_across_the_ends_of_pieces_are_whole(library, tmp_path, level):
    path = tmp_path / "long.xlsx"
    sheet = (SHEET % "".join(long_rows(20_000, level))).encode()
    assert len(sheet) > 2 * 8 * PIECE
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, content in handmade.parts({"Sheet1": sheet}).items():
            archive.writestr(name, content)
    for column, letter in enumerate("ABC"):
        assert [both(path, letter)] == natively(library, path, (column,))


@pytest.mark.parametrize("strategy", [zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED, zlib.Z_FILTERED])
def test_every_way_of_packing_is_inflated(library, tmp_path, strategy, monkeypatch):
    """Fixed codes, no matches, matches of distance one: what common writers rarely make."""
    packer = zlib.compressobj
    monkeypatch.setattr(zlib, "compressobj", lambda *_: packer(6, zlib.DEFLATED, -15, 8, strategy))
    rows = "".join(long_rows(3000, 5)) + " " * 20_000
    path = handmade.workbook(tmp_path / "packed.xlsx", rows)
    monkeypatch.undo()
    assert natively(library, path) == [both(path)]


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
def test_a_damaged_or_lying_sheet_is_given_back(library, tmp_path, place):
    path = handmade.workbook(tmp_path / "whole.xlsx", "".join(long_rows(20_000, 7)))
    archive = Archive(path)
    part = archive.find("xl/worksheets/sheet1.xml")
    at = archive.content_offset(part) + int(part.packed_bytes * place)
    archive.close()
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)
    assert natively(library, path) is None


def test_no_flipped_bit_gives_another_answer(library, tmp_path):
    path = handmade.workbook(tmp_path / "whole.xlsx", "".join(long_rows(400, 9)))
    whole, content = natively(library, path), path.read_bytes()
    archive = Archive(path)
    part = archive.find("xl/worksheets/sheet1.xml")
    start = archive.content_offset(part)
    archive.close()
    chosen = random.Random(9)
    for _ in range(300):
        flipped = bytearray(content)
        flipped[start + chosen.choice((chosen.randrange(200), chosen.randrange(part.packed_bytes)))] ^= (
            1 << chosen.randrange(8)
        )
        path.write_bytes(flipped)
        with suppress(UnreadableFileError):  # the head is read by isal
            assert natively(library, path) in (None, whole)


def test_whoever_watches_can_stop_the_reading(library, tmp_path):
    path = handmade.workbook(tmp_path / "long.xlsx", "".join(long_rows(60_000, 8)))
    seen = []

    def stop(done, total):
        seen.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        natively(library, path, tick=stop)
    assert len(seen) == 1
    assert 0 < seen[0][0] < seen[0][1]


def test_only_rows_from_the_first_one_asked_for_are_given(library, tmp_path):
    path = handmade.workbook(tmp_path / "rows.xlsx", "".join(long_rows(50, 3)))
    assert list(natively(library, path, first_row=49)[0]) == [49, 50]


def test_what_is_no_library_is_not_used(tmp_path):
    assert not is_usable(tmp_path / "missing.so")
    (tmp_path / "text.so").write_text("no library")
    assert not is_usable(tmp_path / "text.so")


def test_without_a_compiler_the_pure_reader_is_said_to_do_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(build_native, "compilers", lambda: iter([["/nonexistent/cc"], ["false"]]))
    monkeypatch.setattr(build_native, "LIBRARY", tmp_path / "native" / LIBRARY.name)
    build_native.main()
    assert "the pure one reads everything" in capsys.readouterr().out
