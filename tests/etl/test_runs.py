"""Whole runs on a real platform: files in, ledger out, every row accounted for."""

import psycopg2
import pytest

from data.make_transactions import write
from tasks.etl.stages.workplace import FORGET_PEAK, Stopwatch, peak_memory


@pytest.fixture
def own(make_platform):
    platform = make_platform()
    platform.start_worker(wait=False)
    platform.start_api()
    return platform


def query(platform, statement):
    with psycopg2.connect(platform.environment["DATABASE_URL"]) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def counts(platform):
    tables = ("raw_transactions", "charges", "rejected_transactions")
    return tuple(query(platform, f"SELECT count(*) FROM {table}")[0][0] for table in tables)


def test_a_dirty_file_ends_as_charges_and_rejects_and_a_second_run_changes_nothing(own):
    write(own.home / "data" / "dirty.csv", 3000, dirt=0.2, seed=5, record_end=b"\r\r\n")
    with own.client() as http:
        job = http.ended(http.submit("etl", {"filepath": "dirty.csv"})["id"])
        assert job["status"] == "succeeded", job
        result = job["result"]
        assert result["outcome"] == "published"
        raw, charges, rejects = counts(own)
        assert raw == 3000 == charges + rejects
        assert (result["raw_rows"], result["charges_added"], result["rows_rejected"]) == (raw, charges, rejects)
        assert set(result["stages"]) == {"load", "extract", "transform", "publish"}
        again = http.ended(http.submit("etl", {"filepath": "dirty.csv"})["id"])
        assert again["result"]["outcome"] == "unchanged"
        assert counts(own) == (raw, charges, rejects)
        dry = http.ended(http.submit("etl", {"filepath": "dirty.csv", "dry_run": True})["id"])
        assert dry["status"] == "succeeded", dry
        assert dry["result"]["rows_known"] == 3000
        assert dry["result"]["charges_added"] == 0


@pytest.mark.skipif(not FORGET_PEAK.exists(), reason="only Linux can forget a peak")
def test_a_stage_is_not_charged_with_the_memory_of_an_earlier_one():
    large = bytearray(200 << 20)
    large[::4096] = b"x" * len(large[::4096])
    with_it = peak_memory()
    del large
    assert Stopwatch().facts(1)["peak_memory_bytes"] < with_it - (100 << 20)
