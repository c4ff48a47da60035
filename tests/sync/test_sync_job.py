"""A sync brings the items up to date, tells what it could not use, and never meets another one."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import text

from core.http_client import Limits
from models import item
from models.advisory_lock import SYNC_READS, held
from tests.sync import outside as behaviour
from tests.sync.outside import post

COUNTS = ("added", "changed", "unchanged", "failed", "duplicates", "items_processed")


@pytest.fixture(autouse=True)
def _short_breath(monkeypatch):
    """The same rules as outside the tests, in milliseconds."""
    quick = Limits(connect=1, read=1, total=1, first_wait=0.01, jitter=0.0)
    monkeypatch.setattr(
        "tasks.sync.task.Limits", lambda **changes: quick if not changes.get("private_redirects") else Limits(**changes)
    )


def counts(job) -> dict[str, int]:
    assert job.status == "succeeded", job.error
    return {name: job.result[name] for name in COUNTS if job.result[name]}


def rows(runtime, what="count(*)"):
    with runtime.db.connect() as connection:
        return connection.execute(text(f"SELECT {what} FROM items")).scalar_one()


def test_two_syncs_of_100_posts_leave_100_rows(run_job, runtime):
    assert counts(run_job()) == {"added": 100, "items_processed": 100}
    written = rows(runtime, "max(xmin::text::bigint)")
    assert counts(run_job()) == {"unchanged": 100, "items_processed": 100}
    assert rows(runtime) == 100
    assert rows(runtime, "max(xmin::text::bigint)") == written, "what did not change is not written"
    assert rows(runtime, "sum(xmax::text::bigint)") == 0, "nor even locked"


def test_only_what_changed_is_written(run_job, runtime, outside):
    run_job()
    outside.posts[3] = post(4, title="new title")
    outside.posts[9] = post(10, body="new body")
    outside.posts.append(post(101))
    assert counts(run_job()) == {"added": 1, "changed": 2, "unchanged": 98, "items_processed": 101}
    with runtime.db.connect() as connection:
        changed = connection.execute(text("SELECT external_id FROM items WHERE updated_at > created_at ORDER BY 1"))
        assert changed.scalars().all() == [4, 10]


def test_bad_records_fail_alone_and_say_why(run_job, outside):
    outside.posts[5] = {"id": 6, "title": "no body", "userId": 1}
    outside.posts[6] = post(7, userId="one")
    outside.posts[7] = None
    outside.posts[8] = post(1)
    outside.posts[9] = post(2, title="another 2")
    job = run_job()
    assert counts(job) == {"added": 95, "failed": 4, "duplicates": 1, "items_processed": 95}
    reasons = [(failure["position"], failure["external_id"], failure["reason"]) for failure in job.result["failures"]]
    assert reasons == [
        (5, 6, "body is missing"),
        (6, 7, "userId is text, not an integer"),
        (7, None, "not an object but null"),
        (9, 2, "id 2 came twice with different content; the first was taken"),
    ]


def test_pages_that_did_not_change_are_skipped_while_nobody_else_wrote(run_job, runtime, outside):
    outside.etags = True
    run_job(page_size=30)
    again = run_job(page_size=30)
    assert again.result["pages_unchanged"] == 4
    assert counts(again) == {"unchanged": 100, "items_processed": 100}
    with runtime.db.connect() as connection:
        found = connection.execute(text("SELECT id FROM items WHERE external_id = 9")).scalar_one()
        item.change(connection, found, title="changed by hand")
    # The page is as it was, the item is not: the ETag must not hide that.
    assert counts(run_job(page_size=30)) == {"changed": 1, "unchanged": 99, "items_processed": 100}
    assert counts(run_job(page_size=30, full=True)) == {"unchanged": 100, "items_processed": 100}


@pytest.mark.parametrize(
    "trouble",
    [
        behaviour.status(500),
        behaviour.status(429, Retry_After="0"),
        behaviour.reset,
        behaviour.html,
        behaviour.half_json,
        behaviour.hang,
        behaviour.cut_short,
    ],
)
def test_trouble_that_passes_costs_nothing(run_job, outside, trouble):
    outside.next(trouble)
    assert counts(run_job()) == {"added": 100, "items_processed": 100}


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (behaviour.status(500), "external_refused"),
        (behaviour.status(404), "external_refused"),
        (behaviour.html, "external_unreadable"),
        (behaviour.reset, "external_unreachable"),
        (behaviour.announces_1_gb, "external_too_large"),
        (behaviour.redirect("http://169.254.169.254/latest/meta-data"), "external_redirect_refused"),
        (lambda handler: handler.json({"error": "maintenance"}), "upstream"),
    ],
)
def test_trouble_that_stays_fails_the_job_and_changes_nothing(run_job, runtime, outside, trouble, code):
    run_job()
    outside.always = trouble
    job = run_job()
    assert (job.status, job.error["code"]) == ("failed", code)
    assert rows(runtime) == 100


def test_failures_open_the_breaker_and_the_next_sync_sends_nothing(run_job, outside, breaker):
    outside.always = behaviour.status(500)
    run_job()
    run_job()
    assert breaker.view().state == "open"
    sent = outside.requests
    job = run_job()
    assert (job.status, job.error["code"]) == ("failed", "breaker_open")
    assert job.error["retry_after_seconds"] > 0
    assert outside.requests == sent
    breaker.reset()
    outside.always = behaviour.well_behaved
    assert counts(run_job()) == {"added": 100, "items_processed": 100}


def test_a_sync_fails_rather_than_run_beside_another_one(run_job, runtime, outside):
    with runtime.db.connect() as connection, held(connection, SYNC_READS) as taken:
        assert taken
        job = run_job()
    assert (job.status, job.error["code"]) == ("failed", "unavailable")
    assert outside.requests == 0
    assert counts(run_job()) == {"added": 100, "items_processed": 100}


def test_a_hundred_thousand_items_come_in_whole(run_job, runtime, outside):
    outside.posts = [post(n) for n in range(1, 100_001)]
    outside.paged = False
    assert counts(run_job()) == {"added": 100_000, "items_processed": 100_000}
    outside.posts[77_000]["title"] = "changed"
    assert counts(run_job()) == {"changed": 1, "unchanged": 99_999, "items_processed": 100_000}
    assert rows(runtime) == 100_000


def test_a_cancelled_sync_stops_while_the_other_side_hangs(run_job, runtime, outside):
    outside.always = behaviour.hang

    def cancel() -> None:
        while not outside.requests:
            time.sleep(0.005)
        with runtime.db.connect() as connection:
            job_id = connection.execute(text("SELECT id FROM jobs")).scalar_one()
        runtime.lifecycle.cancel(job_id, None, actor="tester", reason="enough")

    asking = threading.Thread(target=cancel)
    asking.start()
    job = run_job()
    asking.join()
    assert job.status == "cancelled"
