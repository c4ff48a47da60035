"""A gzipped table goes through the front door: previewed, and read by every kind that reads files."""

import gzip
import io

import openpyxl
import pytest

from tests.etl.loading import HEAD, line

ORDERS = "customer_id,amount,status,created_at\n7,1.50,PAID,2026-01-01\n7,2.50,PAID,2026-01-02\n"
LEDGER = "\n".join([HEAD, line("gz1"), line("gz2", amount="-1")]) + "\n"


def upload(http, name, content):
    return http.post("/api/v1/files", files={"file": (name, content)})


def done(http, kind, **params):
    job = http.ended(http.submit(kind, params)["id"], 60)
    assert job["status"] == "succeeded", job
    return job["result"]


def test_an_upload_is_told_by_its_content_previewed_and_kept_as_it_came(http):
    packed = gzip.compress(ORDERS.encode())
    answer = upload(http, "orders.csv.gz", packed)
    assert answer.status_code == 201, answer.text
    file = answer.json()
    sheet = file["preview"]["sheets"][0]
    assert (file["format"], file["bytes"], sheet["name"]) == ("csv", len(packed), "table")
    assert [column["name"] for column in sheet["columns"]] == ["customer_id", "amount", "status", "created_at"]
    assert sheet["first_rows"][0]["cells"] == ["7", "1.5", "PAID", "2026-01-01"]
    assert http.get(f"/api/v1/files/{file['id']}/content").content == packed


def test_every_kind_that_reads_files_reads_them_gzipped(http):
    orders = upload(http, "orders.csv.gz", gzip.compress(ORDERS.encode())).json()["id"]
    assert done(http, "orders_import", file=orders)["added"] == 2
    pair = done(http, "two_sum", file=orders, column="amount", target=4)
    assert pair["found"], pair
    gaps = done(http, "gap_scan", file=orders, column="customer_id")
    assert (gaps["numbers"], gaps["doubled"]) == (2, 1)
    ledger = upload(http, "ledger.csv.gz", gzip.compress(LEDGER.encode())).json()["id"]
    loaded = done(http, "etl", file=ledger)
    assert (loaded["raw_rows"], loaded["charges_added"], loaded["rows_rejected"]) == (2, 1, 1)


def test_a_gzipped_workbook_of_transactions_is_loaded_too(http):
    book, packed = openpyxl.Workbook(), io.BytesIO()
    for row in [HEAD, line("gz3")]:
        book.active.append(row.split(","))
    book.save(packed)
    file = upload(http, "ledger.xlsx.gz", gzip.compress(packed.getvalue())).json()
    assert (file["format"], done(http, "etl", file=file["id"])["charges_added"]) == ("xlsx", 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(bytes(50 << 20)), "a bomb"),
        (gzip.compress(LEDGER.encode())[:-9], "cut off"),
        (gzip.compress(gzip.compress(LEDGER.encode())), "inside a gzip file"),
        (gzip.compress(LEDGER.encode()) + b"more", "goes on behind its end"),
    ],
)
def test_a_hostile_gzip_is_refused_by_name_and_leaves_nothing(http, content, says):
    before = http.get("/api/v1/files").json()["data"]
    answer = upload(http, "hostile.csv.gz", content)
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition("/")[2]) == (422, "unreadable_file")
    assert says in problem["detail"]
    assert http.get("/api/v1/files").json()["data"] == before
