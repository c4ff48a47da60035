"""A gap scan as a job: asked over HTTP, answered with counts, CSV files and an Excel report."""

import csv
import io

import openpyxl
import pytest

INVOICES = ["INV-2024-000001", "INV-2024-000004", "INV-2024-000004", "=cmd|' /C calc'!A0", "INV-2023-000007", None]


@pytest.fixture
def sheet(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Invoice", "Branch"])
    for number, invoice in enumerate(INVOICES):
        book.active.append([None, "A" if number % 2 else "B"])
        if invoice:
            cell = book.active.cell(number + 2, 1, invoice)
            cell.data_type = "s"  # a text, even where it begins like a formula
    book.save(tmp_path / "invoices.xlsx")
    return tmp_path / "invoices.xlsx"


@pytest.fixture
def upload(http):
    def send(path):
        with path.open("rb") as opened:
            return http.post("/api/v1/files", files={"file": (path.name, opened)}).json()["id"]

    return send


@pytest.fixture
def ask(http):
    def send(**params):
        return http.post("/api/v1/jobs", json={"kind": "gap_scan", "params": params}, headers={"Prefer": "wait=50"})

    return send


def lines_of(http, job, name):
    return http.get(f"/api/v1/jobs/{job['id']}/artifacts/{name}").content


def test_a_scan_gives_counts_lists_and_a_workbook(http, upload, ask, sheet):
    job = ask(file=upload(sheet), column="Invoice", mask="INV-{year}-{000000}", start=1).json()
    assert job["status"] == "succeeded", job
    result = job["result"]
    counted = ("numbers", "missing", "missing_ranges", "doubled", "surplus", "breakers", "groups")
    assert {name: result[name] for name in counted} == {
        "numbers": 4,
        "missing": 8,
        "missing_ranges": 2,
        "doubled": 1,
        "surplus": 1,
        "breakers": 1,
        "groups": 2,
    }
    assert (result["is_complete"], result["truncated"]) == (False, False)
    assert result["first_missing"][1] == {
        "group": {"year": "2024"},
        "first": 2,
        "last": 3,
        "count": 2,
        "first_shown": "INV-2024-000002",
        "last_shown": "INV-2024-000003",
    }
    assert [one["cells"] for one in result["first_doubled"]] == [["A3", "A4"]]
    assert result["first_breakers"][0]["cell"] == "A5"
    missing = list(csv.DictReader(io.StringIO(lines_of(http, job, "missing.csv").decode("utf-8-sig"))))
    assert [(one["year"], one["first_shown"], one["count"]) for one in missing] == [
        ("2023", "INV-2023-000001", "6"),
        ("2024", "INV-2024-000002", "2"),
    ]
    broken = lines_of(http, job, "breakers.csv").decode("utf-8-sig").splitlines()
    assert broken[1].startswith("A5,'=cmd")
    book = openpyxl.load_workbook(io.BytesIO(lines_of(http, job, "gaps.xlsx")))
    assert book.sheetnames == ["Summary", "Missing", "Doubled", "Breakers", "Groups"]
    assert (book["Breakers"]["B2"].value, book["Breakers"]["B2"].data_type) == ("=cmd|' /C calc'!A0", "s")


def test_a_whole_column_is_complete(upload, ask, tmp_path):
    (tmp_path / "a.csv").write_text("Number\n" + "\n".join(str(number) for number in range(5, 505)))
    result = ask(file=upload(tmp_path / "a.csv"), column="Number", workbook=False).json()["result"]
    assert (result["is_complete"], result["numbers"], result["missing"]) == (True, 500, 0)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"column": "Invoce", "mask": "INV-{year}-{000000}"}, "did you mean 'Invoice'"),
        ({"mask": "INV"}, "places of zeros"),
        ({"mask": "INV-{000"}, "brace"),
        ({"mask": "{000}", "voided": ["x"]}, "does not fit the mask"),
        ({"column": "Invoice", "start": 5, "end": 4}, "before"),
        ({"column": "Invoice", "step": 0}, "step"),
        ({"column": "Invoice", "step": True}, "step"),
        ({"column": "Invoice", "start": 10**19}, "start"),
        ({"column": "Invoice", "voided": [1.5]}, "voided"),
        ({"column": "Invoice", "group_by": ["Region"]}, "no column 'Region'"),
        ({"column": "Invoice", "sheet": "Other"}, "no sheet 'Other'"),
        ({"filepath": "../secret.csv"}, "not both|by `filepath`"),
        ({"colum": "Invoice"}, "colum"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_there_is_a_job(upload, ask, sheet, wrong, why):
    answer = ask(file=upload(sheet), **wrong)
    assert answer.status_code == 422, answer.text
    assert any(word in answer.text for word in why.split("|"))


def test_a_path_outside_the_data_root_is_forbidden(ask):
    assert ask(filepath="../../etc/passwd", column="A").status_code == 403


def test_lists_are_cut_where_asked_and_counts_are_not(upload, ask, http, tmp_path):
    (tmp_path / "a.csv").write_text("Number\n" + "\n".join(str(number) for number in range(0, 1000, 2)))
    job = ask(file=upload(tmp_path / "a.csv"), column="Number", max_listed=10).json()
    assert (job["result"]["missing_ranges"], job["result"]["truncated"]) == (499, True)
    assert len(lines_of(http, job, "missing.csv").splitlines()) == 11
