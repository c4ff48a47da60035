"""What Python users can rely on, against a running platform."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from reckoner import Event, Job, JobStatus, Options, Reckoner, TwoSumResult
from reckoner.problems import (
    InvalidRequestError,
    JobCancelledError,
    JobFailedError,
    MissingError,
    RefusedError,
    StateError,
    WaitTimeoutError,
)

NOBODY = "00000000-0000-7000-8000-000000000000"
LATER = timedelta(hours=1)


def _later():
    return Options(run_at=datetime.now(UTC) + LATER)


def test_submit_wait_and_read_a_typed_result(reckoner):
    job = reckoner.submit("two_sum", nums=[2, 7, 11, 15], target=9).wait(30)
    assert job.status is JobStatus.SUCCEEDED
    assert job.result_as(TwoSumResult) == TwoSumResult(found=True, indices=(0, 1), numbers=(2, 7))


def test_decimals_go_and_come_exactly(reckoner):
    job = reckoner.submit("two_sum", nums=[Decimal("0.1"), Decimal("0.2"), 5], target=Decimal("0.3")).wait(30)
    assert job.result["numbers"] == [Decimal("0.1"), Decimal("0.2")]


def test_progress_is_told_up_to_the_end(reckoner):
    seen = []
    job = reckoner.submit("probe", seconds=1.5).wait(30, progress=seen.append)
    stages = {state.progress.stage for state in seen if state.progress}
    assert "working" in stages
    assert seen[-1].status is job.status is JobStatus.SUCCEEDED


def test_waiting_without_progress_ends_with_the_job(reckoner):
    assert reckoner.submit("probe", seconds=0.5, label="done").wait(30).result["label"] == "done"


def test_following_gives_every_event_once_and_the_ended_job_last(reckoner):
    job = reckoner.submit("probe", seconds=0.3)
    news = list(job.follow())
    assert [item.seq for item in news if isinstance(item, Event)] == [1, 2, 3]
    assert isinstance(news[-1], Job)
    assert news[-1].is_final


def test_following_can_begin_after_a_known_event(reckoner):
    job = reckoner.submit("echo", words="x").wait(30)
    events = [item.event for item in reckoner.follow(job.id, after=2) if isinstance(item, Event)]
    assert events == ["succeeded"]


def test_a_failed_job_raises_with_its_reason(reckoner):
    job = reckoner.submit("probe", fail="permanent", fail_until_attempt=9)
    with pytest.raises(JobFailedError, match="this can never work") as caught:
        job.wait(30)
    assert caught.value.code == "invalid_input"
    assert job.wait(30, check=False).status is JobStatus.FAILED


def test_a_cancelled_job_raises_with_who_said_why(reckoner):
    job = reckoner.submit("probe", _later())
    job.cancel("changed my mind")
    with pytest.raises(JobCancelledError, match="changed my mind"):
        job.wait(30)


def test_cancelling_what_is_cancelled_changes_nothing(reckoner):
    job = reckoner.submit("probe", _later())
    assert job.cancel().status is job.cancel().status is JobStatus.CANCELLED


def test_cancelling_what_succeeded_is_refused(reckoner):
    job = reckoner.submit("echo", words="x").wait(30)
    with pytest.raises(StateError, match="succeeded already"):
        job.cancel()


@pytest.mark.parametrize("progress", [None, lambda _: None])
def test_a_wait_that_is_over_leaves_the_job_alone(reckoner, progress):
    job = reckoner.submit("probe", _later())
    with pytest.raises(WaitTimeoutError) as caught:
        job.wait(0.3, progress=progress)
    assert caught.value.job.status is JobStatus.SCHEDULED
    job.cancel()


def test_a_job_runs_again_with_some_params_changed(reckoner):
    first = reckoner.submit("probe", label="before", effect=False).wait(30)
    again = first.retry(label="after").wait(30)
    assert again.origin_id == first.id
    assert (again.params["label"], again.params["effect"]) == ("after", False)


def test_jobs_are_listed_over_pages(reckoner):
    tag = "pages"
    ids = [reckoner.submit("probe", Options(tags=(tag,), run_at=datetime.now(UTC) + LATER)).id for _ in range(5)]
    page, cursor = reckoner.page(tag=tag, limit=2)
    assert cursor is not None
    assert len(page) == 2
    assert [job.id for job in reckoner.jobs(tag=tag)] == ids[::-1]
    assert [job.id for job in reckoner.jobs(tag=tag, limit=3)] == ids[:1:-1]
    assert reckoner.cancel_all(tag=[tag], dry_run=True).matched == 5
    assert reckoner.cancel_all(tag=[tag]).acted == 5


def test_a_large_result_comes_with_the_waited_job(reckoner):
    label = "long " * 20_000
    assert reckoner.submit("probe", label=label).wait(30).result["label"] == label


def test_logs_come_with_their_fields(reckoner):
    job = reckoner.submit("probe").wait(30)
    line = next(line for line in job._home.logs(job.id) if line.event == "probing")
    assert line.attempt == 1
    assert line.level == "info"


def test_a_refusal_names_each_wrong_field_and_the_request(reckoner):
    with pytest.raises(InvalidRequestError) as caught:
        reckoner.submit("probe", seconds="soon", nonsense=1)
    message = str(caught.value)
    assert "params.seconds" in message
    assert "params.nonsense" in message
    assert caught.value.request_id in message
    assert caught.value.status == 422


def test_an_unknown_job_is_missing(reckoner):
    with pytest.raises(MissingError, match=NOBODY):
        reckoner.job(NOBODY)


def test_the_same_idempotency_key_gives_the_same_job(reckoner):
    options = Options(idempotency_key="client-once")
    first, second = (reckoner.submit("echo", options, words="once") for _ in range(2))
    assert first.id == second.id


def test_two_submits_without_a_key_are_two_jobs(reckoner):
    first, second = (reckoner.submit("echo", words="twice") for _ in range(2))
    assert first.id != second.id


def test_a_unique_job_is_answered_with_the_one_that_is_there(reckoner):
    options = Options(unique="only", unique_policy="return_existing", run_at=datetime.now(UTC) + LATER)
    first, second = (reckoner.submit("echo", options, words="x") for _ in range(2))
    assert first.id == second.id
    first.cancel()


def test_kinds_queues_and_workers_are_told(reckoner):
    assert {"two_sum", "echo", "probe"} <= {kind.name for kind in reckoner.kinds()}
    assert reckoner.kind("echo").params_schema["required"] == ["words"]
    assert {queue.queue for queue in reckoner.queues().queues} == {"quick", "heavy"}
    assert reckoner.workers()[0].concurrency == 2


def test_a_paused_queue_says_who_and_why(reckoner):
    try:
        paused = {queue.queue: queue for queue in reckoner.pause("heavy", reason="month end").queues}["heavy"]
        assert (paused.paused, paused.pause_reason) == (True, "month end")
    finally:
        resumed = {queue.queue: queue for queue in reckoner.resume("heavy").queues}["heavy"]
    assert not resumed.paused


def test_a_key_lets_in_as_far_as_its_role_goes(reckoner, platform):
    made = reckoner.create_key("a look", owner="ann", role="viewer")
    assert made.key not in repr(made)
    with Reckoner(platform.url, made.key) as viewer:
        assert viewer.kinds()
        with pytest.raises(RefusedError, match="submitter"):
            viewer.submit("echo", words="x")
    reckoner.revoke_key(made.id)
    stored = {key.id: key for key in reckoner.keys()}  # noqa: SIM118  # not a dictionary's
    assert stored[made.id].revoked_at is not None


def test_a_key_nobody_knows_is_refused(platform):
    with Reckoner(platform.url, "rk_wrong") as stranger, pytest.raises(RefusedError, match="401"):
        stranger.kinds()


def test_an_own_dataclass_reads_a_result(reckoner):
    @dataclass(frozen=True)
    class Said:
        words: str

    assert reckoner.submit("echo", words="hello").wait(30).result_as(Said) == Said("hello")


def test_an_address_that_is_none_is_said_at_once():
    with pytest.raises(ValueError, match="not an address"):
        Reckoner("localhost:8000")
