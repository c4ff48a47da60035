"""Workers that are killed, drained, frozen or left without an answer: nothing lost, nothing doubled."""

import os
import signal
import time

import pytest

from tests.running import eventually


@pytest.fixture
def platform(make_platform):
    running = make_platform(lease=4, beat_every=0.5, cancel_grace=2, drain=2)
    running.start_api()
    return running


@pytest.fixture
def http(platform):
    with platform.client() as client:
        yield client


def running_pid(look, platform, job_id):
    rows = look(platform, "SELECT pid FROM jobs WHERE id = :id AND status = 'running'", id=job_id)
    return rows[0].pid if rows else None


def test_a_killed_child_costs_a_job_its_attempt_and_nothing_else(platform, http, look, effects):
    platform.start_worker()
    job = http.submit("probe", {"seconds": 3})
    pid = eventually(lambda: running_pid(look, platform, job["id"]))
    os.kill(pid, signal.SIGKILL)
    ended = http.ended(job["id"])
    assert (ended["status"], ended["attempt"], ended["crashes"]) == ("succeeded", 2, 1)
    assert effects(platform) == {job["id"]: 1}
    assert "crashed" in http.events(job["id"])


def test_a_killed_worker_group_is_rescued_by_another(platform, http, effects):
    platform.start_worker("first")
    jobs = [http.submit("probe", {"seconds": 2})["id"] for _ in range(2)]
    eventually(lambda: all(http.job(job)["status"] == "running" for job in jobs))
    waiting = http.submit("probe", {})["id"]
    platform.start_worker("second")
    platform.kill_group("first")
    platform.wait_gone("first")
    assert [http.ended(job)["status"] for job in [*jobs, waiting]] == ["succeeded"] * 3
    assert effects(platform) == dict.fromkeys([*jobs, waiting], 1)


def test_a_frozen_worker_that_wakes_up_can_finish_nothing(platform, http, effects):
    platform.start_worker("frozen", concurrency=1)
    job = http.submit("probe", {"seconds": 2})
    eventually(lambda: http.job(job["id"])["status"] == "running")
    platform.kill_group("frozen", signal.SIGSTOP)
    platform.start_worker("other")
    ended = http.ended(job["id"])
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    platform.kill_group("frozen", signal.SIGCONT)
    eventually(
        lambda: "outcome=lease_lost" in platform.log("frozen") or "crashed" in platform.log("frozen"), seconds=20
    )
    assert http.job(job["id"])["version"] == ended["version"]
    assert effects(platform) == {job["id"]: 1}


def test_a_long_job_that_never_ticks_is_left_alone_while_its_worker_beats(platform, http):
    platform.start_worker()
    job = http.submit("probe", {"seconds": 9, "deaf": True})  # more than two leases
    ended = http.ended(job["id"])
    assert (ended["status"], ended["attempt"], ended["crashes"]) == ("succeeded", 1, 0)


def test_drain_lets_short_work_finish_and_hands_the_rest_back_without_burning_an_attempt(platform, http, effects):
    platform.start_worker("leaving")
    short, long = http.submit("probe", {"seconds": 1})["id"], http.submit("probe", {"seconds": 20})["id"]
    eventually(lambda: http.job(short)["status"] == http.job(long)["status"] == "running")
    platform.kill("leaving", signal.SIGTERM)
    platform.wait_gone("leaving")
    assert http.job(short)["status"] == "succeeded"
    assert http.events(long)[-1] == "handed_back"
    assert (http.job(long)["status"], http.job(long)["crashes"]) == ("queued", 0)
    assert effects(platform) == {short: 1}
    http.post(f"/api/v1/jobs/{long}/cancel", json={})


def test_a_worker_with_a_long_line_of_short_jobs_stops_when_told_and_leaves_none_running(platform, http, look, effects):
    platform.start_worker("leaving")
    jobs = [{"kind": "probe", "params": {"seconds": 0.02}} for _ in range(500)]
    http.post("/api/v1/jobs:batch", json={"jobs": jobs})
    done = "SELECT count(*) FROM jobs WHERE status = 'succeeded'"
    eventually(lambda: look(platform, done)[0][0] > 20)
    platform.kill("leaving", signal.SIGTERM)
    platform.wait_gone("leaving")
    left = dict(tuple(row) for row in look(platform, "SELECT status, count(*) FROM jobs GROUP BY 1"))
    assert set(left) == {"succeeded", "queued"}
    assert len(effects(platform)) == left["succeeded"]
    platform.start_worker("next")
    eventually(lambda: look(platform, done)[0][0] == len(jobs), seconds=60)
    assert set(effects(platform).values()) == {1}
    assert look(platform, "SELECT max(attempt), max(crashes) FROM jobs")[0] == (1, 0)


def test_a_deaf_job_is_handed_back_when_its_worker_must_go(platform, http):
    platform.start_worker("leaving", concurrency=1)
    job = http.submit("probe", {"seconds": 60, "deaf": True})["id"]
    eventually(lambda: http.job(job)["status"] == "running")
    platform.kill("leaving", signal.SIGTERM)
    platform.wait_gone("leaving")
    eventually(lambda: http.job(job)["status"] in {"queued", "retrying"})
    http.post(f"/api/v1/jobs/{job}/cancel", json={})


def test_a_job_that_does_not_hear_its_cancellation_is_killed_after_the_deadline(platform, http, effects):
    platform.start_worker()
    job = http.submit("probe", {"seconds": 120, "deaf": True})["id"]
    eventually(lambda: http.job(job)["status"] == "running")
    http.post(f"/api/v1/jobs/{job}/cancel", json={"reason": "enough"})
    ended = http.ended(job)
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "enough")
    assert effects(platform) == {}
    assert http.ended(http.submit("echo", {"words": "still here"})["id"])["status"] == "succeeded"


def test_a_job_that_kills_its_process_three_times_is_poison(platform, http):
    platform.start_worker()
    ended = http.ended(http.submit("probe", {"die_until_attempt": 9})["id"], seconds=60)
    assert (ended["status"], ended["error"]["code"], ended["attempt"]) == ("failed", "poison", 3)
    assert 'reckoner_jobs_poison_total{kind="probe"} 1.0' in http.get("/metrics").text


def test_a_job_that_kills_its_process_once_is_run_again(platform, http, effects):
    platform.start_worker()
    job = http.submit("probe", {"die_until_attempt": 1})
    assert http.ended(job["id"], seconds=60)["status"] == "succeeded"
    assert effects(platform) == {job["id"]: 1}


def test_a_job_whose_error_holds_what_postgres_cannot_store_ends_all_the_same(platform, http):
    platform.start_worker()
    job = http.submit("probe", {"fail": "nul", "fail_until_attempt": 9})
    ended = http.ended(job["id"])
    assert (ended["status"], ended["error"]["message"]) == ("failed", "ValueError: no \ufffd can be stored")


def test_a_job_whose_end_cannot_be_told_is_not_taken_for_one_that_still_runs(platform, http):
    platform.start_worker()
    job = http.submit("probe", {"fail": "untellable", "fail_until_attempt": 9})
    ended = http.ended(job["id"], seconds=60)
    assert (ended["status"], ended["error"]["code"]) == ("failed", "poison")


def test_a_queue_without_a_worker_says_so(platform, http):
    platform.start_worker(queues="heavy")
    job = http.submit("echo", {"words": "anybody?"})
    reason = eventually(lambda: (r := http.job(job["id"])["waiting"]["reason"]) == "no_worker" and r)
    assert reason == "no_worker"
    assert "no live worker serves queue quick" in http.get("/readyz").json()["missing"]


def test_two_beats_fire_each_due_time_once_even_when_one_is_killed(platform, look):
    platform.start_worker()
    every_second = {"RECKONER_TIMETABLE": "tests.kinds.timetable"}
    platform.start_beat("beat-a", **every_second)
    platform.start_beat("beat-b", **every_second)
    count = "SELECT count(*) FROM schedule_runs WHERE outcome = 'ran'"
    eventually(lambda: look(platform, count)[0][0] >= 3)
    platform.kill("beat-a")
    platform.wait_gone("beat-a")
    before = look(platform, count)[0][0]
    eventually(lambda: look(platform, count)[0][0] >= before + 3)
    platform.kill("beat-b", signal.SIGTERM)
    platform.wait_gone("beat-b")
    runs = look(platform, "SELECT due_at, job_id FROM schedule_runs WHERE outcome = 'ran'")
    made = look(platform, "SELECT count(*) FROM jobs WHERE schedule = 'every-second'")[0][0]
    assert len({run.due_at for run in runs}) == len({run.job_id for run in runs}) == made


def test_a_hundred_kills_lose_and_double_nothing(platform, http, look, effects):
    """Shortened to twelve here; `make chaos` has the long run."""
    platform.start_worker("steady", concurrency=1)
    platform.start_worker("victim")
    jobs = [http.submit("probe", {"seconds": 0.1})["id"] for _ in range(60)]
    for _ in range(12):
        time.sleep(0.25)  # kills are spread over the run; nothing is waited for
        rows = look(platform, "SELECT pid FROM jobs WHERE status = 'running' LIMIT 1")
        if rows:
            try:
                os.kill(rows[0].pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    outcomes = [http.ended(job, seconds=60) for job in jobs]
    poisoned = {job["id"] for job in outcomes if job["status"] == "failed"}
    assert all(job["status"] == "succeeded" or job["error"]["code"] == "poison" for job in outcomes)
    assert effects(platform) == dict.fromkeys(set(jobs) - poisoned, 1)
