"""The ETL as clients meet it: upload, run, look at rejects, mend, load again, compare, read the reports."""

import csv
import io
from decimal import Decimal

import openpyxl
import pytest

from tests.etl.loading import HEAD, line

RUNS = "/api/v1/etl/runs"


def upload(http, name, *lines):
    answer = http.post("/api/v1/files", files={"file": (name, "\n".join([HEAD, *lines]) + "\n")})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def run(http, name, *lines, **params):
    job = http.ended(http.submit("etl", {"file": upload(http, name, *lines), **params})["id"], 60)
    assert job["status"] == "succeeded", job
    return job


@pytest.fixture(scope="module")
def ledger(platform):
    """A file with two bad rows, and the same file after one of them was mended."""
    good = [
        line("http1", amount="10.50"),
        line("http2", amount="2.25", status="refunded", created="2024-03-02", paid="2024-03-03"),
        line("http3", name="=cmd()", company="http-c2", amount="1"),
    ]
    bad = [line("http4", amount="-5.00"), line("http5", amount="@x", status="?")]
    with platform.client() as http:
        first = run(http, "book.csv", *good, *bad)
        second = run(http, "book.csv", *good[1:], line("http4", amount="5.00"), bad[1], line("http1", amount="11"))
        yield http, first, second


def test_the_job_has_a_child_for_each_stage_and_the_extract_as_a_file(ledger):
    http, first, _ = ledger
    jobs = first["result"]["jobs"]
    assert set(jobs) == {"load", "extract", "transform", "publish"}
    for stage, job_id in jobs.items():
        child = http.job(job_id)
        assert (child["kind"], child["status"]) == (f"etl_{stage}", "succeeded")
    assert first["result"]["stages"]["extract"]["rows"] == 5
    listed = http.get(f"/api/v1/jobs/{first['id']}/artifacts").json()["data"]
    assert [entry["name"] for entry in listed] == ["book-raw.parquet"]
    assert listed[0]["sha256"] == first["result"]["stages"]["extract"]["facts"]["sha256"]


def test_runs_are_listed_with_their_reports(ledger):
    http, first, second = ledger
    listed = http.get(f"{RUNS}?limit=1").json()
    assert listed["data"][0]["id"] == second["result"]["run"]
    after = http.get(f"{RUNS}?limit=1&cursor={listed['next_cursor']}").json()
    assert after["data"][0]["id"] == first["result"]["run"]
    one = http.get(f"{RUNS}/{first['result']['run']}").json()
    assert (one["status"], one["raw_rows"], one["charges_added"], one["rows_rejected"]) == ("published", 5, 3, 2)
    assert one["stages"]["transform"]["examples"]["amount_not_positive"][0]["line"] == 5


def test_rejects_come_with_all_their_reasons_page_by_page(ledger):
    http, first, _ = ledger
    url = f"{RUNS}/{first['result']['run']}/rejects"
    page = http.get(f"{url}?limit=1").json()
    assert (page["data"][0]["line"], page["data"][0]["reasons"]) == (5, ["amount_not_positive"])
    assert page["meaning"] == {"amount_not_positive": "the amount, rounded to cents, is zero or less"}
    page = http.get(f"{url}?cursor={page['next_cursor']}").json()
    assert (page["data"][0]["reasons"], page["next_cursor"]) == (["amount_invalid", "status_unknown"], None)
    assert len(http.get(f"{url}?reason=status_unknown").json()["data"]) == 1


def test_rejects_as_csv_and_excel_carry_no_formula_and_can_be_loaded_again(ledger):
    http, first, _ = ledger
    url = f"{RUNS}/{first['result']['run']}/rejects"
    text = http.get(f"{url}?format=csv").text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["amount"] for row in rows] == ["'-5.00", "'@x"]
    sheet = openpyxl.load_workbook(io.BytesIO(http.get(f"{url}?format=xlsx").content)).active
    assert [cell.data_type for cell in sheet[2]][4] == "s"
    assert [cell.value for cell in sheet[3]][4] == "@x"
    answer = http.post("/api/v1/files", files={"file": ("rejects.csv", text)})
    again = http.ended(http.submit("etl", {"file": answer.json()["id"]})["id"])
    assert (again["result"]["rows_known"], again["result"]["raw_rows"], again["result"]["reasons"]) == (2, 0, {})
    mended = text.replace("'-5.00", "5.55").replace("'@x", "6.66").replace("?", "paid").replace("http", "mended")
    answer = http.post("/api/v1/files", files={"file": ("mended.csv", mended)})
    again = http.ended(http.submit("etl", {"file": answer.json()["id"]})["id"])
    assert again["result"]["charges_added"] == 2


def test_rejects_that_nobody_mended_are_no_charges_the_second_time_either(platform):
    """Of a record whose form was broken the file of rejects has only what could be read; that proves nothing."""
    broken = [
        "broken1,Acme",
        line("broken2") + ",surplus",
        line("broken3", name='"never closed'),
        line("broken4", name="a\0b"),
    ]
    with platform.client() as http:
        first = run(http, "broken.csv", line("whole1"), line("whole2"), line("whole3"), *broken)
        assert (first["result"]["charges_added"], first["result"]["rows_rejected"]) == (3, 4)
        url = f"{RUNS}/{first['result']['run']}/rejects"
        shown = http.get(url).json()["data"]
        assert [row["record"] for row in shown] == [*broken[:3], broken[3].replace("\0", "\ufffd")]
        assert broken[0] in http.get(f"/console/etl/{first['result']['run']}").text
        listed = list(csv.DictReader(io.StringIO(http.get(f"{url}?format=csv").text)))
        assert [row["record"] for row in listed] == [row["record"] for row in shown]
        for form in ("csv", "xlsx"):
            content = http.get(f"{url}?format={form}").content
            file = http.post("/api/v1/files", files={"file": (f"rejects.{form}", content)}).json()["id"]
            for dry_run in (True, False):
                job = http.ended(http.submit("etl", {"file": file, "dry_run": dry_run})["id"])
                result = job["result"]
                counts = (result["charges_added"], result["rows_rejected"], result["rows_known"], result["reasons"])
                assert counts == (0, 0, 4, {}), (form, dry_run, result)
        mended = http.get(f"{url}?format=csv").text.replace("broken2,Acme", "broken2,Acme Ltd")
        file = http.post("/api/v1/files", files={"file": ("mended.csv", mended)}).json()["id"]
        for dry_run in (True, False):
            result = http.ended(http.submit("etl", {"file": file, "dry_run": dry_run})["id"])["result"]
            assert (result["charges_added"], result["rows_known"]) == (1, 3), (dry_run, result)


def test_a_file_with_nothing_but_its_header_is_a_run_of_no_rows(platform):
    with platform.client() as http:
        result = run(http, "header-only.csv")["result"]
        assert (result["outcome"], result["raw_rows"], result["reasons"]) == ("published", 0, {})
        dry = run(http, "header-only.csv", dry_run=True)["result"]
        assert (dry["outcome"], dry["raw_rows"]) == ("rehearsed", 0)


def test_a_stray_control_character_costs_its_record_and_not_the_upload(platform):
    with platform.client() as http:
        sent = upload(http, "stray.csv", line("stray1"), line("stray2", name="Ac\0me"))
        shown = http.get(f"/api/v1/files/{sent}").json()["preview"]["sheets"][0]["first_rows"]
        assert shown[1]["cells"][1] == "Ac\ufffdme"
        result = http.ended(http.submit("etl", {"file": sent})["id"])["result"]
        assert (result["charges_added"], result["reasons"]) == (1, {"nul_byte": 1})
        long = http.post("/api/v1/files", files={"file": ("long.csv", f"a,b\n1,{'x' * 2**21}\n")})
        assert (long.status_code, "line 2" in long.json()["detail"]) == (422, True)


def test_every_stage_reports_its_pace_and_memory_in_their_order(ledger):
    http, first, _ = ledger
    stages = http.get(f"{RUNS}/{first['result']['run']}").json()["stages"]
    assert list(stages) == ["load", "extract", "transform", "publish"]
    for stage in stages.values():
        assert {"rows", "seconds", "rows_per_second"} <= set(stage)
        assert stage["peak_memory_bytes"] > 0


def test_two_runs_are_compared(ledger):
    http, first, second = ledger
    url = f"{RUNS}/{second['result']['run']}/compare?with={first['result']['run']}"
    found = http.get(url).json()
    assert {name: found[name]["count"] for name in ("charges_added", "changed", "rejected_now", "mended")} == {
        "charges_added": 1,
        "changed": 1,
        "rejected_now": 1,
        "mended": 1,
    }
    assert found["charges_added"]["examples"][0]["id"] == "http4"
    assert found["changed"]["examples"][0]["amount"] == "11"


@pytest.mark.parametrize("route", ["/api/v1/reports/daily-transactions", "/api/v1/charges"])
def test_days_in_the_wrong_order_are_refused_with_both_named(ledger, route):
    http, _, _ = ledger
    for form in ("json", "csv"):
        answer = http.get(f"{route}?from=2024-03-02&to=2024-03-01&format={form}")
        assert answer.status_code == 422
        wrong = answer.json()["details"]["validation_errors"]
        assert [each["loc"][-1] for each in wrong] == ["from", "to"]
        assert "from (2024-03-02) is later than to (2024-03-01)" in answer.json()["message"]
    assert http.get(f"{route}?from=2024-03-02&to=2024-03-02").status_code == 200


def test_the_daily_report_is_exact_ordered_and_paged(ledger):
    http, _, _ = ledger
    url = "/api/v1/reports/daily-transactions"
    march = http.get(f"{url}?from=2024-03-01&to=2024-03-31&company=c1").json()["data"]
    assert march == [
        {
            "transaction_date": "2024-03-02",
            "company_name": "Acme",
            "company_id": "c1",
            "total_amount": 2.25,
            "transaction_count": 1,
        }
    ]
    everything = http.get(url).json()["data"]
    paged, cursor = [], ""
    while cursor is not None:
        page = http.get(f"{url}?limit=1{cursor and '&cursor=' + cursor}").json()
        paged += page["data"]
        cursor = page["next_cursor"]
    assert paged == everything
    places = [(row["transaction_date"], row["total_amount"]) for row in everything]
    assert places == sorted(places, reverse=True)
    assert http.get(f"{url}?cursor=nonsense").status_code == 422


def test_reports_come_as_csv_and_as_excel_with_a_chart(ledger):
    http, _, _ = ledger
    url = "/api/v1/reports/daily-transactions"
    rows = list(csv.DictReader(io.StringIO(http.get(f"{url}?format=csv").text)))
    assert "'=cmd()" in {row["company_name"] for row in rows}
    answer = http.get(f"{url}?format=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["Data", "By day"]
    names = [cell for row in book["Data"].iter_rows() for cell in row if cell.value == "=cmd()"]
    assert names
    assert all(cell.data_type == "s" for cell in names)
    assert b"xl/charts/chart1.xml" in answer.content
    charges = list(csv.DictReader(io.StringIO(http.get("/api/v1/charges?format=csv&company_id=http-c2").text)))
    assert [(row["id"], Decimal(row["amount"])) for row in charges] == [("http3", Decimal("1.00"))]


def test_companies_and_charges_are_listed_and_filtered(ledger):
    http, _, _ = ledger
    assert "Acme" in {row["company_name"] for row in http.get("/api/v1/companies?name=Acme").json()["data"]}
    found = http.get("/api/v1/charges?company_id=c1&status=refunded&from=2024-03-02&to=2024-03-02").json()["data"]
    assert [(row["id"], row["amount"]) for row in found] == [("http2", 2.25)]
    first = http.get("/api/v1/charges?limit=1").json()
    second = http.get(f"/api/v1/charges?limit=1&cursor={first['next_cursor']}").json()
    assert first["data"][0]["id"] < second["data"][0]["id"]


def test_a_stage_can_be_run_alone(platform):
    with platform.client() as http:
        params = {"file": upload(http, "alone.csv", line("alone1"), line("alone2", amount="x"))}
        loaded = http.ended(http.submit("etl_load", params)["id"])
        run_id = loaded["result"]["run"]
        early = http.ended(http.submit("etl_publish", {"run": run_id})["id"])
        assert (early["status"], early["error"]["code"]) == ("failed", "conflict")
        chosen = {"run": run_id, "format": "csv", "status": "paid"}
        assert http.ended(http.submit("etl_extract", chosen)["id"])["result"]["rows"] == 2
        assert http.ended(http.submit("etl_transform", {"run": run_id})["id"])["status"] == "succeeded"
        published = http.ended(http.submit("etl_publish", {"run": run_id})["id"])
        assert published["result"]["facts"]["charges_added"] == 1
        assert http.ended(http.submit("etl", params)["id"])["result"]["outcome"] == "unchanged"


def test_a_file_that_cannot_be_meant_fails_with_one_clear_error(platform):
    with platform.client() as http:
        answer = http.post("/api/v1/files", files={"file": ("other.csv", "id,name\n1,a\n")})
        sent = http.post("/api/v1/jobs", json={"kind": "etl", "params": {"file": answer.json()["id"]}})
        assert sent.status_code == 422
        assert "no column company_id" in sent.json()["message"]
        refused = http.post("/api/v1/jobs", json={"kind": "etl", "params": {"filepath": "../secret.csv"}})
        assert refused.status_code == 403
        both = http.post("/api/v1/jobs", json={"kind": "etl", "params": {}})
        assert both.status_code == 422


def test_unknown_runs_are_not_found(platform):
    with platform.client() as http:
        for url in ("", "/rejects", "/compare?with=01a1fdbb-5828-72f3-8114-4d6fa21b4566"):
            assert http.get(f"{RUNS}/01a1fdbb-5828-72f3-8114-4d6fa21b4566{url}").status_code == 404
