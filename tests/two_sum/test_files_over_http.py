"""Upload a file, look at it, ask it, get the files back: over real processes."""

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from data.make_workbooks import make_samples
from tests.running import eventually
from tests.workbook import handmade

NAMES = ["Customer", "Amount"]
AMOUNTS = [("Acme", "100.10"), ("Birch", "49.90"), ("Acme", "50.20"), ("Acme", "=1+1"), ("Birch", "49.90")]


def rows(amounts):
    names = "".join(
        f'<c r="{at}1" t="inlineStr"><is><t>{name}</t></is></c>' for at, name in zip("AB", NAMES, strict=True)
    )
    lines = [f'<row r="1">{names}</row>']
    for at, (customer, amount) in enumerate(amounts, start=2):
        kind = ' t="str"' if amount.startswith("=") else ""
        name = f'<c r="A{at}" t="inlineStr"><is><t>{customer}</t></is></c>'
        lines.append(f'<row r="{at}">{name}<c r="B{at}"{kind}><v>{amount}</v></c></row>')
    return "".join(lines)


@pytest.fixture
def ledger(tmp_path):
    return handmade.workbook(tmp_path / "ledger.xlsx", rows(AMOUNTS))


@pytest.fixture
def upload(http):
    def send(path, name=None):
        with Path(path).open("rb") as opened:
            return http.post("/api/v1/files", files={"file": (name or Path(path).name, opened)})

    return send


@pytest.fixture
def ask(http):
    def send(**params):
        return http.post("/api/v1/jobs", json={"kind": "two_sum", "params": params}, headers={"Prefer": "wait=50"})

    return send


def test_an_upload_is_previewed_and_stored_once(http, upload, ledger):
    first = upload(ledger)
    assert first.status_code == 201, first.text
    document = first.json()
    sheet = document["preview"]["sheets"][0]
    assert sheet["header_row"] == 1
    assert [(column["letter"], column["name"], column["type"]) for column in sheet["columns"]] == [
        ("A", "Customer", "text"),
        ("B", "Amount", "mixed"),
    ]
    assert sheet["first_rows"][0] == {"row": 2, "cells": ["Acme", "100.1"]}
    assert sheet["amount_column"] == "Amount"
    assert upload(ledger).json()["id"] == document["id"]
    content = http.get(f"/api/v1/files/{document['id']}/content")
    assert content.content == ledger.read_bytes()
    assert document["id"] in [row["id"] for row in http.get("/api/v1/files").json()["data"]]


@pytest.mark.parametrize(
    "epoch", [openpyxl.utils.datetime.CALENDAR_WINDOWS_1900, openpyxl.utils.datetime.CALENDAR_MAC_1904]
)
def test_a_preview_shows_dates_as_dates(upload, tmp_path, epoch):
    book = openpyxl.Workbook()
    book.epoch = epoch
    for row in (["Day", "Amount"], [date(2026, 1, 5), 1], [datetime(2026, 1, 5, 23, 59, 1), 2], ["soon", 3]):  # noqa: DTZ001
        book.active.append(row)
    book.save(tmp_path / "days.xlsx")
    rows = upload(tmp_path / "days.xlsx").json()["preview"]["sheets"][0]["first_rows"]
    assert [row["cells"][0] for row in rows] == ["2026-01-05", "2026-01-05 23:59:01", "soon"]


def test_a_long_field_is_taken_and_one_that_no_table_has_is_refused_with_its_line(upload, tmp_path):
    for name, letters, status in (("long.csv", 500_000, 201), ("endless.csv", 2_000_000, 422)):
        (tmp_path / name).write_text(f"Amount,Text\n1,a\n2,{'x' * letters}\n")
        answer = upload(tmp_path / name)
        assert answer.status_code == status
    assert "line 3 has more than" in answer.json()["message"]


def test_a_refusal_says_in_its_message_which_params_are_wrong(ask):
    refused = ask(nums=[1, 2], target=3, colunm="A", mode="every", tolerance=-1, max_pairs=0)
    assert refused.status_code == 422
    message = refused.json()["message"]
    assert "mode: Input should be 'first'" in message
    assert message.endswith("and 1 more")


def test_all_pairs_come_with_their_files(http, upload, ask, ledger):
    file = upload(ledger).json()["id"]
    job = ask(file=file, column="Amount", target=150, mode="all", tolerance=0.5).json()
    assert job["status"] == "succeeded", job
    report = job["result"]["report"]
    assert report["pairs"] == 3
    assert [(pair["first"]["cell"], pair["second"]["cell"]) for pair in report["first_pairs"]] == [
        ("B2", "B3"),
        ("B2", "B4"),
        ("B2", "B6"),
    ]
    assert report["skipped"] == {"text": 1}
    assert report["skipped_cells"] == [{"sheet": "Sheet1", "cell": "B5", "reason": "text", "shown": "=1+1"}]
    assert (report["rows_used"], report["rows_ambiguous"], report["rows_unmatched"]) == (4, 1, 0)
    listed = http.get(f"/api/v1/jobs/{job['id']}/artifacts").json()["data"]
    made = {each["name"]: http.get(each["url"]).content for each in listed}
    assert set(made) == {"pairs.csv", "pairs.parquet", "working-paper.xlsx"}
    table = list(csv.DictReader(io.StringIO(made["pairs.csv"].decode("utf-8-sig"))))
    assert [(row["first_cell"], row["second_amount"], row["deviation"]) for row in table] == [
        ("B2", "49.9", "0"),
        ("B2", "50.2", "0.3"),
        ("B2", "49.9", "0"),
    ]
    parquet = pq.read_table(io.BytesIO(made["pairs.parquet"])).to_pylist()
    assert [str(row["first_amount"]) for row in parquet] == ["100.10"] * 3
    paper = openpyxl.load_workbook(io.BytesIO(made["working-paper.xlsx"]))
    assert paper.sheetnames == ["Summary", "Pairs", "Matched", "Unmatched", "Skipped cells"]
    summary = dict(paper["Summary"].values)
    assert (summary["found"], summary["pairs"], summary["sum_first"]) == ("yes", 3, 300.3)
    again = http.post("/api/v1/jobs", json=json.loads(summary["POST /api/v1/jobs"]), headers={"Prefer": "wait=20"})
    assert again.json()["result"]["report"]["first_pairs"] == report["first_pairs"], again.text
    matched = list(paper["Matched"].iter_rows(values_only=True))
    assert matched[1] == (2, "Acme", 100.1, "1, 2, 3")
    cell = paper["Matched"].cell(5, 3)
    assert (cell.value, cell.data_type) == ("=1+1", "s")  # a text of the input stays a text


def test_a_remembered_answer_brings_its_files(http, upload, ask, ledger):
    file = upload(ledger).json()["id"]
    question = {"file": file, "column": "Amount", "target": 99.8, "mode": "all"}
    first, second = ask(**question).json(), ask(**question).json()
    assert second["result"]["report"]["from_cache"] is True
    assert second["result"]["report"]["first_pairs"] == first["result"]["report"]["first_pairs"]
    names = [
        {each["name"] for each in http.get(f"/api/v1/jobs/{job['id']}/artifacts").json()["data"]}
        for job in (first, second)
    ]
    assert names[0] == names[1] != set()


def test_a_wrong_column_or_sheet_is_refused_at_submit(upload, ask, ledger):
    file = upload(ledger).json()["id"]
    wrong = ask(file=file, column="Amuont", target=1)
    assert wrong.status_code == 422
    assert "no column 'Amuont'; there are Customer, Amount; did you mean 'Amount'?" in wrong.json()["message"]
    wrong = ask(file=file, sheet="Sheet 1", target=1)
    assert (wrong.status_code, "did you mean 'Sheet1'" in wrong.json()["message"]) == (422, True)
    assert ask(file="0" * 8 + "-0000-0000-0000-" + "0" * 12, target=1).status_code == 404


def test_a_wrong_column_of_targets_in_another_file_is_refused_at_submit_and_its_answer_remembered(
    upload, ask, tmp_path
):
    (tmp_path / "items.csv").write_text("Open\n1\n2\n4\n")
    (tmp_path / "bank.csv").write_text("Paid\n3\n")
    asked = {"file": upload(tmp_path / "items.csv").json()["id"], "column": "Open", "mode": "all"}
    asked["target_table"] = {"file": upload(tmp_path / "bank.csv").json()["id"]}
    refused = ask(**asked, target_column="Payed")
    assert (refused.status_code, "did you mean 'Paid'" in refused.json()["message"]) == (422, True)
    assert ask(**asked, target_column="Paid").json()["result"]["report"]["pairs"] == 1
    (tmp_path / "bank.csv").write_text("Paid\n7\n")
    asked["target_table"] = {"file": upload(tmp_path / "bank.csv").json()["id"]}
    assert ask(**asked, target_column="Paid").json()["result"]["report"]["pairs"] == 0


def test_files_that_are_no_tables_are_refused(http, upload, tmp_path):
    page = tmp_path / "page.xlsx"
    page.write_text("<!DOCTYPE html><html><body>not a workbook</body></html>")
    assert upload(page).status_code == 415
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(handmade.workbook(tmp_path / "whole.xlsx", rows(AMOUNTS)).read_bytes()[:300])
    refused = upload(cut)
    assert (refused.status_code, "truncated" in refused.json()["message"]) == (422, True)
    assert http.post("/api/v1/files", data=b"").status_code == 422


def test_a_file_over_the_limit_is_413(make_platform):
    running = make_platform(max_upload_bytes=2000)
    running.start_api()
    with running.client() as client:
        assert client.post("/api/v1/files?name=a.csv", data=b"a\n" + b"1\n" * 2000).status_code == 413
        assert client.post("/api/v1/files?name=a.csv", data=b"a\n1\n2\n").status_code == 201


def test_an_estimate_makes_nothing_and_refuses_what_a_submit_refuses(http, upload, ledger):
    file = upload(ledger).json()["id"]
    body = {"kind": "two_sum", "params": {"file": file, "column": "Amount", "target": 1}}
    found = http.post("/api/v1/estimates", json=body).json()
    assert found["queue"] == "heavy"
    assert found["rows"] >= 4
    body["params"]["column"] = "Amuont"
    assert http.post("/api/v1/estimates", json=body).status_code == 422


def test_an_estimate_counts_the_working_paper_which_takes_longest(http, upload, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("Amount,Name\n" + "".join(f"{at},x\n" for at in range(50_000)))
    params = {"file": upload(path).json()["id"], "column": "Amount", "target": 1, "mode": "all"}
    with_paper, without = (
        http.post("/api/v1/estimates", json={"kind": "two_sum", "params": params | {"working_paper": paper}}).json()
        for paper in (True, False)
    )
    assert 40_000 < with_paper["rows"] < 100_000
    assert with_paper["seconds"] > 3 * without["seconds"]


def test_an_estimate_of_many_targets_counts_what_each_adds(http, upload, tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("Amount,Name\n" + "".join(f"{at},x\n" for at in range(50_000)))
    params = {"file": upload(path).json()["id"], "column": "Amount", "mode": "count"}

    def seconds(**question):
        asked = {"kind": "two_sum", "params": params | question}
        return http.post("/api/v1/estimates", json=asked).json()["seconds"]

    one, many, column = seconds(target=1), seconds(targets=list(range(1000))), seconds(target_column="Amount")
    assert one < many < one + 10  # the thousand take two seconds on a slow core
    assert many < column


def test_the_older_route_answers_for_a_workbook(http, platform):
    make_samples(platform.home / "data")
    asked = {"filepath": "data/numbers.xlsx", "target": 4_000_000_003}
    first = http.post("/two_sum", json=asked)
    assert first.status_code == 200, first.text
    assert first.json() == {"indices": [998, 999], "numbers": [2_000_000_001, 2_000_000_002]}
    assert http.post("/two_sum", json=asked).json() == first.json()
    none = http.post("/two_sum", json={**asked, "target": 1})
    assert (none.status_code, none.json()["error"]) == (400, "No valid pair found")
    missing = http.post("/two_sum", json={**asked, "column": "Numbrs"})
    assert (missing.status_code, missing.json()["error"]) == (400, "Invalid Excel file format")
    assert "Numbers" in missing.json()["detail"]
    assert (
        http.post("/two_sum", json={**asked, "filepath": "numbres.xlsx"}).json()["error"] == "Invalid Excel file format"
    )


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.xlsx", "a/../../secret.xlsx", "file:///etc/passwd", "link/passwd"]
)
def test_paths_that_lead_outside_are_forbidden(http, platform, path):
    link = platform.home / "data" / "link"
    if not link.exists():
        link.symlink_to("/etc")
    assert http.post("/two_sum", json={"filepath": path, "target": 1}).status_code == 403


def test_two_runs_are_compared_by_their_pairs(http, upload, ask, ledger):
    file = upload(ledger).json()["id"]
    strict = ask(file=file, column="Amount", target=150, mode="all").json()["id"]
    loose = ask(file=file, column="Amount", target=150, mode="all", tolerance=0.5).json()["id"]
    found = http.get(f"/api/v1/jobs/{loose}/comparison", params={"before": strict}).json()
    assert (found["kept"], found["gained"], found["lost"]) == (2, 1, 0)
    assert [row["second_cell"] for row in found["first_gained"]] == ["B4"]
    assert (found["same_input"], found["complete"]) == (True, True)
    counted = ask(file=file, column="Amount", target=150, mode="count").json()["id"]
    assert http.get(f"/api/v1/jobs/{counted}/comparison", params={"before": strict}).status_code == 409


def test_a_job_beyond_its_memory_ends_with_a_clear_error_and_the_worker_lives_on(make_platform):
    running = make_platform(heavy_memory_mb=64)
    running.start_api()
    running.start_worker(concurrency=1)
    path = running.home / "data" / "large.csv"
    path.write_text("Numbers\n" + "".join(f"{n}\n" for n in range(3_000_000)))
    small = running.home / "data" / "small.csv"
    small.write_text("Numbers\n1\n2\n")
    headers = {"Prefer": "wait=60"}
    with running.client() as client:

        def ask(name):
            params = {"filepath": name, "column": "Numbers", "target": 3}
            return client.post("/api/v1/jobs", json={"kind": "two_sum", "params": params}, headers=headers).json()

        failed = ask("large.csv")
        assert (failed["status"], failed["error"]["code"]) == ("failed", "memory_limit"), failed
        assert "64 MB" in failed["error"]["message"]
        assert ask("small.csv")["result"]["indices"] == [0, 1]


def test_a_scan_can_be_cancelled_while_it_reads(make_platform):
    running = make_platform()
    running.start_api()
    running.start_worker(concurrency=1)
    path = running.home / "data" / "large.csv"
    path.write_text("Numbers\n" + "".join(f"{n}\n" for n in range(5_000_000)))
    with running.client() as client:
        params = {"filepath": "large.csv", "column": "Numbers", "target": 0.5}
        job = client.post("/api/v1/jobs", json={"kind": "two_sum", "params": params}).json()["id"]
        eventually(lambda: (client.get(f"/api/v1/jobs/{job}").json().get("progress") or {}).get("stage") == "reading")
        assert client.post(f"/api/v1/jobs/{job}/cancel", json={}).status_code == 202
        ended = client.get(f"/api/v1/jobs/{job}", params={"wait": 20}).json()
        assert ended["status"] == "cancelled"
