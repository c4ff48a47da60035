"""The audit log: every act that changes something is there once, with who did it, or the act is not done either."""

import csv
import io
import re
from datetime import timedelta

import openpyxl
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from api.app import create_app, make_platform
from core.clock import uuid7
from models import audit_entry
from models.audit_entry import Act
from models.session import Database
from tests.running import eventually
from workers.housekeeping.purge import Purge

# What is not noted has a trail of its own: a job its timeline, a sum its history, an order and an item their row.
ADDS_A_ROW_THAT_SAYS_SO = """
POST /abacus/number
POST /api/v1/abacus/<name>
POST /api/v1/estimates
POST /api/v1/files
POST /api/v1/items
POST /api/v1/jobs
POST /api/v1/jobs/<job_id>/cancel
POST /api/v1/jobs/<job_id>/retry
POST /api/v1/jobs:batch
PUT /api/v1/number-sets/<name>
POST /api/v1/number-sets/<name>/extract/<number>
POST /api/v1/orders
POST /api/v1/sync
POST /extract/<number>
POST /sync
POST /two_sum
"""


def newest(http, **filters):
    return http.get("/api/v1/audit", params={"limit": 1, **filters}).json()["data"][0]


def count(http, **filters):
    return len(http.get("/api/v1/audit", params={"limit": 500, **filters}).json()["data"])


def test_no_route_changes_something_unnoted_because_it_was_forgotten(settings):
    platform = make_platform(settings)
    app = create_app(platform)
    unnoted = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}
        if not rule.rule.startswith("/console/") and not hasattr(app.view_functions[rule.endpoint], "audited_as")
    }
    platform.publisher.close()
    platform.runtime.close()
    assert unnoted == set(ADDS_A_ROW_THAT_SAYS_SO.strip().splitlines()), "mark the view with @audited, or list it here"


def test_a_key_is_noted_as_it_is_made_and_revoked_and_its_secret_never(http):
    made = http.post("/api/v1/keys", json={"name": "nightly", "owner": "etl", "role": "operator"}).json()
    entry = newest(http)
    assert (entry["actor"], entry["role"], entry["action"], entry["target"]) == (
        "local",
        "admin",
        "key.made",
        made["id"],
    )
    assert entry["detail"] == {"name": "nightly", "owner": "etl", "role": "operator"}
    assert made["key"] not in str(entry)
    http.delete(f"/api/v1/keys/{made['id']}")
    assert newest(http)["action"] == "key.revoked"
    before = count(http)
    assert http.delete(f"/api/v1/keys/{made['id']}").status_code == 404
    assert count(http) == before


def test_queues_are_noted_when_they_change_and_not_when_they_do_not(http):
    for _ in range(2):
        http.post("/api/v1/queues/heavy/pause", json={"reason": "month end"})
    for _ in range(2):
        http.post("/api/v1/queues/heavy/resume")
    found = http.get("/api/v1/audit", params={"target": "heavy"}).json()["data"]
    assert [(entry["action"], entry["detail"]) for entry in found] == [
        ("queue.resumed", None),
        ("queue.paused", {"reason": "month end"}),
    ]
    assert http.post("/api/v1/queues/nowhere/pause").status_code == 404


def test_bulk_acts_are_noted_with_what_was_meant_and_how_many_it_met(http):
    for _ in range(2):
        http.submit("echo", {"words": "later"}, run_at="2100-01-01T00:00:00Z", tags=["audited"])
    wanted = {"filter": {"tag": ["audited"]}, "reason": "month closed"}
    before = count(http)
    http.post("/api/v1/jobs:cancel", json={**wanted, "dry_run": True})
    assert count(http) == before
    http.post("/api/v1/jobs:cancel", json=wanted)
    assert newest(http, action="jobs.cancelled")["detail"] == {**wanted, "dry_run": False, "matched": 2, "acted": 2}
    again = http.post("/api/v1/jobs:retry", json={"filter": wanted["filter"]}).json()
    assert newest(http, action="jobs.retried")["detail"]["acted"] == again["acted"] == 2


def test_what_is_reset_in_redis_is_noted_once_per_key(http):
    http.post("/api/v1/abacus/audited", json={"number": 5})
    for _ in range(2):
        http.delete("/api/v1/abacus/audited", headers={"Idempotency-Key": "one reset"})
    http.put("/api/v1/number-sets/audited", json={"max_number": 10})
    http.post("/api/v1/number-sets/audited/reset")
    http.delete("/api/v1/number-sets/audited")
    http.post("/api/v1/breakers/external_api/reset")
    found = http.get("/api/v1/audit", params={"target": "audited"}).json()["data"]
    assert [entry["action"] for entry in found] == ["number_set.deleted", "number_set.reset", "sum.reset"]


def test_deleting_notes_what_is_gone(http):
    file = http.post("/api/v1/files?name=ledger.csv", data=b"Numbers\n1\n2\n").json()
    assert http.delete(f"/api/v1/files/{file['id']}").status_code == 204
    entry = newest(http)
    assert (entry["action"], entry["target"]) == ("file.deleted", file["id"])
    assert entry["detail"] == {"name": "ledger.csv", "owner": "local", "sha256": file["sha256"]}
    item = http.post("/api/v1/items", json={"title": "one"}).json()
    http.put(f"/api/v1/items/{item['id']}", json={"title": "two"})
    http.delete(f"/api/v1/items/{item['id']}")
    found = http.get("/api/v1/audit", params={"target": str(item["id"])}).json()["data"]
    assert [entry["action"] for entry in found][:2] == ["item.deleted", "item.rewritten"]


def test_what_is_done_in_the_console_is_noted_like_everything_else(http):
    before = count(http, action="sum.reset")
    http.post("/console/sums/default/reset", data={"once": str(uuid7())}, headers={"Origin": http.base})
    assert count(http, action="sum.reset") == before + 1
    page = http.get("/console/audit?action=sum.reset").text
    assert "Sum reset" in page
    assert http.get("/console/audit.csv?action=sum.reset").text.count("sum.reset") == before + 1


def test_a_sign_in_that_is_refused_is_noted_without_what_was_tried(http):
    for _ in range(2):
        refused = http.post("/console/sign-in", data={"key": "rk_not-a-key"}, headers={"Origin": http.base})
        assert refused.status_code == 401
    found = http.get("/api/v1/audit?action=sign_in.refused").json()["data"]
    assert [entry["target"] for entry in found] == ["127.0.0.1"]
    assert "not-a-key" not in str(found)


def test_the_log_is_filtered_paged_and_taken_along(http):
    for number in range(3):
        http.post("/api/v1/keys", json={"name": f"=key {number}", "owner": "paged"})
    cursor, names, ids = None, [], set()
    while True:
        page = http.get("/api/v1/audit", params={"action": "key.made", "limit": 2, "cursor": cursor}).json()
        names += [entry["detail"]["name"] for entry in page["data"]]
        ids |= {entry["id"] for entry in page["data"]}
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names[:3] == ["=key 2", "=key 1", "=key 0"]
    assert len(ids) == len(names) == count(http, action="key.made")
    assert http.get("/api/v1/audit", params={"actor": "nobody"}).json() == {"data": [], "next_cursor": None}
    assert http.get("/api/v1/audit", params={"before": "2020-01-01T00:00:00Z"}).json()["data"] == []
    rows = list(csv.DictReader(io.StringIO(http.get("/api/v1/audit?format=csv&action=key.made").text)))
    assert len(rows) == len(names)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", rows[0]["at"])
    book = openpyxl.load_workbook(io.BytesIO(http.get("/api/v1/audit?format=xlsx&action=key.made").content))
    assert book.active.max_row == len(names) + 1
    assert http.get("/api/v1/audit?after=yesterday").status_code == 422


@pytest.fixture
def without_a_log(make_platform):
    """A platform whose audit log cannot be written, and the way to mend it."""
    running = make_platform()
    running.start_api()
    db = Database(running.environment["DATABASE_URL"])

    def rename(old, new):
        with db.transaction() as connection:
            connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("audit_entries", "audit_entries_away")
    with running.client() as http:
        yield http, lambda: rename("audit_entries_away", "audit_entries")
    db.close()


def test_what_cannot_be_noted_is_not_done(without_a_log):
    http, mend = without_a_log
    assert http.post("/api/v1/keys", json={"name": "unnoted", "owner": "etl"}).status_code == 500
    assert http.post("/api/v1/queues/quick/pause", json={}).status_code == 500
    assert http.get("/api/v1/keys").json()["data"] == []
    assert not any(queue["paused"] for queue in http.get("/api/v1/queues").json()["queues"])
    mend()
    assert http.post("/api/v1/keys", json={"name": "noted", "owner": "etl"}).status_code == 201
    assert count(http) == 1


@pytest.fixture
def postgres_away(postgres):
    """Let nobody into a platform's database, and end whoever is in it."""

    def take_away(running, *, back=False):
        name = make_url(running.environment["DATABASE_URL"]).database
        engine = create_engine(
            make_url(postgres.url).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT"
        )
        with engine.connect() as connection:
            connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {str(back).lower()}"))
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
            )
        engine.dispose()

    return take_away


def test_a_reset_in_redis_stands_while_postgres_is_away_and_the_log_has_its_entry(make_platform, postgres_away):
    running = make_platform()
    running.start_api()
    with running.client() as http:
        http.post("/abacus/number", json={"number": 5})
        postgres_away(running)
        assert http.delete("/abacus/sum").status_code == 200
        assert http.get("/abacus/sum").json()["sum"] == 0
        eventually(lambda: "audit_entry_not_kept" in running.log("api"))
        postgres_away(running, back=True)
        assert count(http) == 0


def test_the_same_act_of_a_stranger_is_noted_once_for_a_while(db):
    for _ in range(3):
        with db.transaction() as connection:
            act = Act(uuid7(), "anonymous", "sign_in.refused", "192.0.2.7")
            audit_entry.add_unless_lately(connection, act, timedelta(minutes=1))
    with db.connect() as connection:
        assert len(audit_entry.page(connection, audit_entry.Wanted(), limit=10)) == 1


def test_entries_are_kept_as_long_as_the_setting_says(runtime):
    with runtime.db.transaction() as connection:
        for _ in range(2):
            audit_entry.add(connection, Act(uuid7(), "ada", "key.made"))
        one = "(SELECT id FROM audit_entries LIMIT 1)"
        connection.execute(text(f"UPDATE audit_entries SET at = now() - interval '8 days' WHERE id = {one}"))
        Purge(runtime.storage, timedelta(days=7)).run(connection)
        assert len(audit_entry.page(connection, audit_entry.Wanted(), limit=10)) == 1
