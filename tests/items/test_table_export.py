"""Every table of the business can be taken along."""

from __future__ import annotations

import csv
import io

import openpyxl
import pytest


@pytest.fixture
def export(client):
    def make(table, file_format="csv"):
        job = client.ended(client.submit("table_export", {"table": table, "format": file_format})["id"])
        assert job["status"] == "succeeded", job["error"]
        answer = client.get(f"/api/v1/jobs/{job['id']}/artifacts/{job['result']['artifact']}")
        assert answer.status_code == 200
        return job["result"], answer.content

    return make


def test_items_leave_as_csv_without_a_formula(client, export):
    made = client.post("/api/v1/items", json={"title": "=HYPERLINK(1)"}).json()
    result, content = export("items")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert len(rows) == result["rows"]
    assert next(row for row in rows if row["id"] == str(made["id"]))["title"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize("table", ["orders", "customer_spend", "order_status_hours"])
def test_orders_and_their_rollups_leave_as_a_workbook(client, export, table):
    client.post("/api/v1/orders", json={"customer_id": 77, "amount": "12.30"})
    result, content = export(table, "xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet.max_row == result["rows"] + 1 >= 2


def test_tables_of_the_platform_itself_stay_here(client):
    for table in ("api_keys", "jobs", "nobody"):
        job = client.ended(client.submit("table_export", {"table": table})["id"])
        assert job["status"] == "failed"
        offered = job["error"]["message"].partition("there are ")[2].split(", ")
        assert "customer_spend" in offered
        assert not {"api_keys", "jobs"} & set(offered)
