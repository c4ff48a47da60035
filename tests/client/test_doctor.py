"""The doctor finds what it is there for, on real servers with real faults."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import redis as redis_client

from api.doctor import broker, disks
from api.doctor.findings import Severity, clock
from models import schema_version
from reckoner import Reckoner

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def examine(platform):
    """Findings by what was looked at."""
    with Reckoner(platform.url) as client:
        return {finding.check: finding for finding in client.doctor().findings}


def test_a_queue_without_workers_and_schedules_without_beat(workerless, schedule):
    schedule("nightly", due="- interval '1 hour'")
    found = examine(workerless)
    assert found["queue_quick"].severity == found["queue_heavy"].severity == "error"
    assert "-Q heavy" in found["queue_heavy"].way_out
    assert "nightly" in found["schedules"].what
    assert "beat" in found["schedules"].way_out


def test_a_worker_of_another_version_and_one_that_fell_silent(workerless, sql):
    worker = (
        "INSERT INTO workers (id, name, hostname, pid, queues, concurrency, version, status, started_at, last_seen_at)"
        " VALUES (gen_random_uuid(), '{}', 'h', 1, '{{quick}}', 2, '{}', 'online', now(), now() - interval '{} s')"
    )
    sql(worker.format("old@h", "0.0.9", 0))
    sql(worker.format("lost@h", "0.1.0", 60))
    found = examine(workerless)
    assert "old@h runs 0.0.9" in found["versions"].what
    assert "lost@h" in found["workers"].what
    assert found["queue_quick"].severity == "ok"
    sql("DELETE FROM workers")


def test_migrations_behind_and_ahead(workerless, sql):
    newest = schema_version.expected()
    assert examine(workerless)["migrations"].severity == "ok"
    sql("UPDATE alembic_version SET version_num = '0001'")
    assert "reckoner migrate" in examine(workerless)["migrations"].way_out
    sql("UPDATE alembic_version SET version_num = '9999'")
    assert "older than the database" in examine(workerless)["migrations"].what
    sql("DELETE FROM alembic_version")
    assert "at nothing" in examine(workerless)["migrations"].what
    sql(f"INSERT INTO alembic_version VALUES ('{newest}')")


def test_a_redis_that_evicts_and_keeps_nothing_and_then_is_gone(workerless):
    with redis_client.Redis.from_url(workerless.environment["REDIS_URL"]) as client:
        client.config_set("appendonly", "no")
        client.config_set("save", "")
        client.config_set("maxmemory-policy", "allkeys-lru")
        found = examine(workerless)
        assert (found["redis_eviction"].severity, found["redis_persistence"].severity) == ("warning", "error")
        client.config_set("maxmemory", "100mb")
        assert examine(workerless)["redis_eviction"].severity == "error"
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        found = examine(workerless)
        assert found["redis_eviction"].severity == found["redis_persistence"].severity == "ok"
        client.config_set("appendonly", "no")  # it does not stop while it writes its first file
    workerless.valkey.stop()
    found = examine(workerless)
    assert found["redis"].severity == "error"
    assert found["migrations"].severity == "ok"
    workerless.valkey.start()


def test_a_full_redis_and_one_that_cannot_write():
    assert broker.memory({"used_memory": 95, "maxmemory": 100}).severity is Severity.ERROR
    assert broker.memory({"used_memory": 50, "maxmemory": 100}).severity is Severity.OK
    fworkerless = {"aof_enabled": 1, "aof_last_write_status": "err"}
    assert "aof_last_write_status" in broker.persistence(fworkerless, snapshots="").what
    assert broker.persistence({"aof_enabled": 0}, snapshots="3600 1").severity is Severity.WARNING


def test_a_disk_is_nearly_full_by_what_is_left_not_by_share_alone():
    assert disks.judged("/data", 500 << 20, 0.5).severity is Severity.ERROR
    assert disks.judged("/data", 3 << 30, 0.05).severity is Severity.WARNING
    assert disks.judged("/data", 500 << 30, 0.05).severity is Severity.OK


@pytest.mark.parametrize(
    ("skew", "trip", "severity"),
    [
        (0.0, 0.0, Severity.OK),
        (3.0, 0.0, Severity.WARNING),
        (-60.0, 0.0, Severity.ERROR),
        (3.0, 6.0, Severity.OK),  # a slow answer says nothing about the clock
    ],
)
def test_clocks_are_compared_beyond_what_the_reading_took(skew, trip, severity):
    after = NOW + timedelta(seconds=trip)
    theirs = NOW + timedelta(seconds=trip / 2 + skew)
    assert clock("x", theirs, NOW, after, whose="Redis'").severity is severity


def test_the_command_tells_the_way_out_and_fails(workerless, type_in):
    ran = type_in("doctor", "--quiet", url=workerless.url)
    assert ran.code == 1
    assert "no live worker serves queue heavy" in ran.out
    assert "migrations" not in ran.out
    findings = json.loads(type_in("doctor", "--json", url=workerless.url).out)["findings"]
    assert {finding["severity"] for finding in findings} >= {"ok", "error"}
