"""Orders come in from files: each row added, there already, or rejected; the same file twice changes nothing."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import openpyxl
import pytest
from sqlalchemy import text

from core.clock import uuid7
from tasks.base import JobTask, Post
from tasks.submission import Submission, checked_params, submit
from tests.orders.test_rollups import assert_exact
from workers.celery_app import make_celery

HEADER = ["id", "customer_id", "amount", "status", "created_at"]


@pytest.fixture
def write(settings):
    """A file in the data root."""
    settings.data_root.mkdir(exist_ok=True)

    def make(rows, name="orders.csv", header=HEADER):
        path = settings.data_root / name
        if name.endswith(".xlsx"):
            book = openpyxl.Workbook()
            for row in [header, *rows]:
                book.active.append(row)
            book.save(path)
        else:
            with path.open("w", newline="") as target:
                csv.writer(target).writerows([header, *rows])
        return name

    return make


@pytest.fixture
def imported(runtime):
    make_celery(runtime.settings)
    runtime.registry.import_bodies()
    from tasks.orders_import.task import run

    def do(filepath, **params):
        kind = runtime.registry["orders_import"]
        wanted = checked_params(kind, {"filepath": filepath, **params})
        with runtime.db.transaction() as connection:
            job = submit(connection, Submission(kind=kind, params=wanted, owner="t"), published=True).job
        JobTask.post = Post(runtime, uuid7(), "test", lambda: False)
        run.apply(task_id=str(job.id))
        with runtime.db.connect() as connection:
            return connection.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job.id}).one()

    return do


def counts(job):
    assert job.status == "succeeded", job.error
    return tuple(job.result[name] for name in ("rows", "added", "unchanged", "rejected"))


def orders(runtime):
    with runtime.db.connect() as connection:
        return connection.execute(text("SELECT * FROM orders ORDER BY id")).all()


GOOD = [[n, n % 3 + 1, f"{n}.50", "PAID", "2026-05-21"] for n in range(1, 11)]


@pytest.mark.parametrize("name", ["orders.csv", "orders.xlsx"])
def test_orders_come_in_and_the_same_file_twice_changes_nothing(imported, write, runtime, name):
    path = write(GOOD, name)
    first = imported(path)
    assert counts(first) == (10, 10, 0, 0)
    before = orders(runtime)
    assert [(row.id, row.amount) for row in before] == [(n, Decimal(f"{n}.50")) for n in range(1, 11)]
    second = imported(path)
    assert counts(second) == (0, 0, 0, 0)
    assert second.result["imported_before_by"] == str(first.id)
    assert counts(imported(path, again=True)) == (10, 0, 10, 0)
    assert orders(runtime) == before
    assert_exact(runtime.db)


def test_without_numbers_orders_get_new_ones_and_the_same_file_still_counts_once(imported, write, runtime):
    path = write([row[1:] for row in GOOD], header=HEADER[1:])
    assert counts(imported(path)) == (10, 10, 0, 0)
    assert counts(imported(path)) == (0, 0, 0, 0)
    assert len(orders(runtime)) == 10


def test_bad_rows_are_rejected_with_all_reasons_and_can_be_mended(imported, write, runtime):
    bad = [
        [20, "", "x", "PAID", "2026-05-21"],
        [21, 1, "5", "=1+1", "2026-05-21"],
        [1, 9, "9", "PAID", "2026-05-21"],
        [5, *GOOD[4][1:]],
    ]
    job = imported(write(GOOD + bad))
    assert counts(job) == (14, 10, 0, 4)
    told = {reject["row"]: reject["reasons"] for reject in job.result["rejects"]}
    assert told == {
        12: ["customer_id is missing", "amount 'x' is not a usable number"],
        13: ["status '=1+1' is none of PENDING, PAID, CANCELLED"],
        14: ["id 1 is in this file already"],
        15: ["id 5 is in this file already"],
    }
    with runtime.db.connect() as connection:
        statement = "SELECT sha256 FROM artifacts WHERE job_id = :id AND name = 'rejects.csv'"
        sha256 = connection.execute(text(statement), {"id": job.id}).scalar_one()
    with runtime.storage.local_path(sha256) as path:
        rejects = list(csv.DictReader(io.StringIO(path.read_text())))
    assert rejects[1]["status"] == "'=1+1"
    assert rejects[0]["reasons"] == "customer_id is missing; amount 'x' is not a usable number"
    # Mended in place, with the columns that tell about rejects still there.
    rejects[0] |= {"customer_id": "4", "amount": "4"}
    rejects[1]["status"] = "PAID"
    mended = write([[*row.values()] for row in rejects], "mended.csv", header=list(rejects[0]))
    again = imported(mended)
    assert counts(again) == (4, 2, 1, 1)
    assert again.result["rejects"][0]["reasons"] == ["id 1 is another order"]
    assert_exact(runtime.db)


def test_numbers_given_later_lie_above_those_of_the_file(imported, write, runtime):
    imported(write([[1000, 1, "1", "PAID", "2026-05-21"]]))
    imported(write([[500, 1, "1", "PAID", "2026-05-21"]], "lower.csv"))
    imported(write([[1, "2", "PAID", "2026-05-21"]], "none.csv", header=HEADER[1:]))
    assert [row.id for row in orders(runtime)] == [500, 1000, 1001]


def test_columns_can_be_called_otherwise_and_a_missing_one_is_named(imported, write):
    path = write([row[1:] for row in GOOD], header=["Kunde", "Betrag", "Status", "Datum"])
    missing = imported(path)
    assert missing.status == "failed"
    assert "customer_id" in missing.error["message"]
    names = {"customer_id": "Kunde", "amount": "Betrag", "status": "Status", "created_at": "Datum"}
    assert counts(imported(path, columns=names)) == (10, 10, 0, 0)


def test_dates_of_a_workbook_are_dates(imported, write, runtime):
    from datetime import UTC, datetime

    imported(write([[1, 1, 2.5, "PAID", datetime(2026, 5, 21, 10, 30)]], "dates.xlsx"))  # noqa: DTZ001
    (row,) = orders(runtime)
    assert (row.created_at, row.amount) == (datetime(2026, 5, 21, 10, 30, tzinfo=UTC), Decimal("2.50"))


def test_a_file_that_is_not_there_or_outside_fails(imported):
    assert imported("nowhere.csv").status == "failed"
    assert imported("../../etc/passwd").status == "failed"
