"""The native part is built where it can be, checked before it is trusted, and never needed."""

import pytest

from core.workbook import build_native, fast_sheet, native_sheet
from core.workbook.native_sheet import LIBRARY, NativeSheet, is_usable
from tests.workbook.handmade import SHEET


@pytest.fixture(scope="module")
def library():
    build_native.main()
    assert LIBRARY.exists()
    return NativeSheet(LIBRARY)


def test_what_was_built_reads_and_is_used(library):
    assert is_usable(LIBRARY)
    native_sheet.native_sheet.cache_clear()
    assert native_sheet.native_sheet() is not None
    sheet = (SHEET % '<row r="1"><c r="A1"><v>-12.5</v></c><c r="AA1" t="s"><v>3</v></c></row>').encode()
    cells = fast_sheet.read_columns([sheet], [0, 26, 2], 1, native=library)
    assert [(each.kinds.tolist(), each.mantissas.tolist()) for each in cells] == [([0], [-125]), ([2], [3]), ([], [])]


@pytest.mark.parametrize(
    "odd",
    [b'<c s="1" r="A1"><v>1</v></c>', b"<c><v>1</v></c>", b"<!-- -->", b"<z xmlns='u'/>", b'<c r="A0"><v>1</v></c>'],
)
def test_a_sheet_that_is_not_ordinary_is_given_back(library, odd):
    filler = b'<c r="B1"><v>1</v></c>' * 20
    for sheet in (filler + odd, odd + filler, odd):
        whole = (SHEET % "|").encode().replace(b"|", b'<row r="1">' + sheet + b"</row>")
        with pytest.raises(fast_sheet.UnusualSheetError):
            fast_sheet.read_columns([whole], [0], 1, native=library)


def test_what_is_no_library_is_not_used(tmp_path):
    assert not is_usable(tmp_path / "missing.so")
    (tmp_path / "text.so").write_text("no library")
    assert not is_usable(tmp_path / "text.so")


def test_without_a_compiler_the_pure_reader_is_said_to_do_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(build_native, "compilers", lambda: iter([["/nonexistent/cc"], ["false"]]))
    monkeypatch.setattr(build_native, "LIBRARY", tmp_path / "native" / LIBRARY.name)
    build_native.main()
    assert "the pure one reads everything" in capsys.readouterr().out
