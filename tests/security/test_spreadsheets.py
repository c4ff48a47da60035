"""What we write for spreadsheets carries no formula, and what is uploaded as one is hostile until proved otherwise."""

import csv
import io
import zipfile

import openpyxl
import pyarrow as pa
import pytest

from core.formula_guard import guarded
from core.table_files import harmless as harmless_cell
from tasks.etl.stages.extract import guarded as guarded_texts
from tasks.gap_scan.files import harmless as harmless_gap
from tasks.two_sum.pair_files import harmless as harmless_pair
from tests.api.test_jobs import problem_of

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "+1+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\uff1d1+1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_every_writer_of_ours_disarms_every_formula(text):
    """Five rooms write tables; each has to guard against the same texts."""
    written = [guarded(text), harmless_cell(text), harmless_gap(text), harmless_pair(text)]
    written += guarded_texts(pa.array([text])).to_pylist()
    assert written == ["'" + text] * 5
    assert guarded("plain") == harmless_cell("plain") == harmless_gap("plain") == harmless_pair("plain") == "plain"


def test_a_list_of_jobs_carries_no_formula(http):
    for text in FORMULAS[:6]:
        http.submit("echo", {"words": text}, tags=[text])
    rows = list(csv.reader(io.StringIO(http.get("/console/jobs.csv").content.decode("utf-8-sig"))))
    assert len(rows) > 6
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    book = openpyxl.load_workbook(io.BytesIO(http.get("/console/jobs.xlsx").content))
    assert not [cell.coordinate for row in book.active.iter_rows() for cell in row if cell.data_type == "f"]


_SHEET = (
    '<?xml version="1.0"?>{before}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Numbers</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>{cell}</t></is></c></row></sheetData></worksheet>'
)
_ENTITIES = "".join(
    f'<!ENTITY e{n} "{"&e" + str(n - 1) + ";" if n else "x"}' + (f"&e{n - 1};" * 9 if n else "") + '">'
    for n in range(9)
)


def workbook(cell="1", before="", **more):
    """A workbook by openpyxl whose first sheet is replaced, and with parts of a test's own."""
    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    made = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != "xl/worksheets/sheet1.xml":
                new.writestr(part, old.read(part))
        new.writestr("xl/worksheets/sheet1.xml", _SHEET.format(cell=cell, before=before))
        for name, content in more.items():
            new.writestr(name, content)
    return made.getvalue()


_HOSTILE = {
    "an external entity": workbook("&x;", '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "a billion laughs": workbook("&e8;", f"<!DOCTYPE a [{_ENTITIES}]>"),
    "a cell of 200 MB": workbook("0" * 200_000_000),
    "half a surrogate": workbook("&#xD800;"),
    "U+0000 by reference": workbook("&#0;"),
    "no workbook at all": b"PK\x03\x04 junk",
    "an empty archive": b"PK\x05\x06" + b"\0" * 18,
}


@pytest.mark.parametrize("content", _HOSTILE.values(), ids=_HOSTILE)
def test_a_hostile_workbook_is_refused_and_harms_nobody(http, content):
    told = problem_of(http.post("/api/v1/files", files={"file": ("a.xlsx", content)}), 422)
    assert "root:" not in str(told)
    assert http.get("/livez").ok


@pytest.mark.parametrize("cell", ["a_x0000_b", "a_xD800_b"])
def test_escapes_that_nobody_can_keep_do_not_break_the_preview(http, cell):
    assert http.post("/api/v1/files", files={"file": ("a.xlsx", workbook(cell))}).status_code in {201, 422}


def test_parts_with_paths_are_never_unpacked(http, platform):
    evil = workbook(**{"../../../../tmp/reckoner-evil": "x", "/etc/reckoner-evil": "x"})
    assert http.post("/api/v1/files", files={"file": ("a.xlsx", evil)}).status_code in {201, 422}
    assert not list(platform.home.rglob("*evil*"))


_CSV = {
    "U+0000": b"Numbers\n1\x002\n3\n",
    "U+0000 in a header": b"Num\x00bers\n1\n",
    "bytes of every kind": b"Numbers\n" + bytes(range(256)) * 50,
    "a surrogate": b"Numbers\n\xed\xa0\x80\n",
    "200,000 columns": b"," * 200_000 + b"\n",
    "one endless line": b"a" * 3_000_000,
    "quotes that do not close": b'Numbers\n"' + b"1\n" * 100_000,
}


@pytest.mark.parametrize("content", _CSV.values(), ids=_CSV)
def test_a_hostile_csv_is_shown_or_refused(http, content):
    assert http.post("/api/v1/files?name=a.csv", data=content).status_code in {201, 413, 415, 422}


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a\x00b.csv", "C:\\x\\y.csv", "x" * 3000, "\u202egpj.csv", "<script>.csv"]
)
def test_a_name_is_only_a_name(http, platform, name):
    answer = http.post("/api/v1/files", files={"file": (name, b"Numbers\n1\n")})
    assert answer.status_code in {201, 422}
    if answer.status_code == 201:
        kept = answer.json()["name"]
        assert not set(kept) & {"/", "\\", "\0", "\n", "\u202e"}
        assert len(kept) <= 255
        shown = http.get(f"/api/v1/files/{answer.json()['id']}/content").headers
        assert shown["Content-Type"] == "application/octet-stream"
        assert shown["X-Content-Type-Options"] == "nosniff"
        assert shown["Content-Disposition"].isascii()
    assert not list(platform.home.rglob("passwd"))


@pytest.mark.parametrize(
    "form", [b"x", b"--x\r\n" * 100_000, b'--x\r\nContent-Disposition: form-data; name="file"\r\n']
)
def test_a_broken_form_is_a_mistake_of_its_sender(http, form):
    answer = http.post("/api/v1/files", data=form, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code in {400, 413, 422}, answer.text


def test_a_form_of_twenty_thousand_parts_is_too_large(http):
    parts = [b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\nx\r\n' % n for n in range(20_000)]
    form = b"".join(parts) + b"--x--"
    problem_of(http.post("/api/v1/files", data=form, headers={"Content-Type": "multipart/form-data; boundary=x"}), 413)
