"""Jobs over REST: submit, wait, read, list, follow, cancel, retry."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.running import eventually

NUMS = {"nums": [2, 7, 11, 15], "target": 9}


def problem_of(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance", "error", "message", "details"} <= set(document)
    return document


def test_a_submit_answers_202_with_location_and_the_result_is_there_soon(http):
    answer = http.post("/api/v1/jobs", json={"kind": "two_sum", "params": NUMS})
    assert answer.status_code == 202
    job = http.ended(answer.json()["id"])
    assert answer.headers["Location"] == job["links"]["self"]
    assert job["result"] == {"found": True, "indices": [0, 1], "numbers": [2, 7], "report": None}
    assert http.events(job["id"]) == ["submitted", "claimed", "succeeded"]
    assert http.get(f"{answer.headers['Location']}/result").json() == job["result"]


def test_prefer_wait_answers_200_with_the_ended_job(http):
    answer = http.post("/api/v1/jobs", json={"kind": "two_sum", "params": NUMS}, headers={"Prefer": "wait=20"})
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")


def test_prefer_wait_answers_202_when_the_time_is_up(http):
    body = {"kind": "probe", "params": {"seconds": 4}}
    answer = http.post("/api/v1/jobs", json=body, headers={"Prefer": "respond-async, wait=1"})
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(answer.json()["id"])
    assert http.ended(answer.json()["id"])["status"] == "succeeded"


def test_waiting_longer_than_allowed_is_refused(http):
    job = http.submit("two_sum", NUMS)
    job = http.submit("probe", {"seconds": 1})
    assert "60 seconds" in problem_of(http.get(f"{job['links']['self']}?wait=3600"), 422)["message"]


def test_an_unchanged_job_is_answered_304(http):
    job = http.ended(http.submit("two_sum", NUMS)["id"])
    first = http.get(job["links"]["self"])
    again = http.get(job["links"]["self"], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "Retry-After" not in first.headers


def test_a_job_that_has_not_ended_says_when_to_ask_again(http):
    job = http.submit("probe", {"seconds": 2})
    assert int(http.get(job["links"]["self"]).headers["Retry-After"]) >= 1
    http.ended(job["id"])


def test_the_same_key_and_body_get_the_first_answer_again(http):
    body = {"kind": "echo", "params": {"words": "once"}, "tags": ["key-test"]}
    answers = [http.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert len(http.get("/api/v1/jobs?tag=key-test").json()["data"]) == 1


def test_the_same_key_with_another_body_is_refused(http):
    headers = {"Idempotency-Key": "k-2"}
    http.submit("echo", {"words": "a"}, headers=headers)
    answer = http.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "b"}}, headers=headers)
    assert "Idempotency-Key" in problem_of(answer, 422)["message"]


def test_many_submits_with_one_key_at_once_make_one_job(platform):
    seen = []

    def submit():
        with platform.client() as client:
            headers = {"Idempotency-Key": "k-race"}
            seen.append(client.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "r"}}, headers=headers))

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in seen} <= {202, 409}
    assert len({answer.json()["id"] for answer in seen if answer.status_code == 202}) == 1


def test_without_a_key_two_equal_posts_are_two_jobs(http):
    assert http.submit("two_sum", NUMS)["id"] != http.submit("two_sum", NUMS)["id"]


def test_wrong_params_are_named_field_by_field(http):
    answer = http.post("/api/v1/jobs", json={"kind": "two_sum", "params": {"nums": [1], "target": "x", "mood": 1}})
    wrong = problem_of(answer, 422)["details"]["validation_errors"]
    assert {".".join(map(str, item["loc"])) for item in wrong} >= {"params.mood"}


def test_an_unknown_kind_is_refused_with_the_known_ones(http):
    answer = http.post("/api/v1/jobs", json={"kind": "two-sum", "params": {}})
    assert "known kinds" in problem_of(answer, 422)["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b'{"kind": NaN}', 422),
        (b"[" * 100_000, 422),
        (b'{"kind": "echo", "params": {"words": ' + b"9" * 5000 + b"}}", 422),
        (b"\xff\xfe", 422),
        (b"", 422),
        (b"[]", 422),
        (b'"echo"', 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused_in_plain_words(http, body, status):
    answer = http.post("/api/v1/jobs", data=body, headers={"Content-Type": "application/json"})
    assert problem_of(answer, status)["message"]


def test_a_body_of_another_type_is_refused(http):
    problem_of(http.post("/api/v1/jobs", data="kind=echo", headers={"Content-Type": "text/plain"}), 415)


def test_a_body_that_is_too_large_is_refused(http):
    body = json.dumps({"kind": "echo", "params": {"words": "x" * 9_000_000}})
    problem_of(http.post("/api/v1/jobs", data=body, headers={"Content-Type": "application/json"}), 413)


def test_unknown_jobs_and_routes_and_methods_are_answered_in_json(http):
    problem_of(http.get("/api/v1/jobs/01a1fda2-7b3c-784f-8cee-964d916af15d"), 404)
    problem_of(http.get("/api/v1/jobs/nonsense"), 422)
    problem_of(http.get("/nowhere"), 404)
    problem_of(http.put("/api/v1/jobs"), 405)


def test_a_result_that_is_not_there_yet_is_409_with_the_state(http):
    job = http.submit("probe", {"seconds": 2})
    assert problem_of(http.get(job["links"]["result"]), 409)["details"]["status"] in {"queued", "running"}
    http.ended(job["id"])
    assert http.get(job["links"]["result"]).json()["attempt"] == 1


def test_a_failed_job_says_what_was_wrong_and_keeps_its_log(http):
    job = http.submit("probe", {"fail": "permanent", "fail_until_attempt": 9, "effect": False})
    ended = http.ended(job["id"])
    assert (ended["status"], ended["attempt"]) == ("failed", 1)
    assert ended["error"] == {
        "code": "invalid_input",
        "message": "this can never work",
        "details": {"field": "label"},
    }
    lines = http.get(f"{job['links']['logs']}?attempt=1").json()["data"]
    assert [line["event"] for line in lines] == ["probing"]


def test_a_bug_in_a_body_fails_the_job_and_nothing_else(http):
    ended = http.ended(http.submit("probe", {"fail": "bug", "fail_until_attempt": 9})["id"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "internal")
    assert "ZeroDivisionError" in ended["error"]["message"]


def test_a_retryable_error_is_tried_again_until_it_works(http):
    ended = http.ended(http.submit("probe", {"fail": "retryable", "fail_until_attempt": 1})["id"])
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert http.events(ended["id"]) == [
        "submitted",
        "claimed",
        "retrying",
        "queued",
        "claimed",
        "succeeded",
    ]


def test_run_at_in_the_future_waits(http):
    run_at = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    job = http.submit("echo", {"words": "later"}, run_at=run_at)
    assert job["status"] == "scheduled"
    assert http.job(job["id"])["waiting"]["reason"] == "scheduled"
    ended = http.ended(job["id"])
    assert ended["started_at"] > run_at[:19]


def test_a_time_without_a_zone_is_refused(http):
    body = {"kind": "echo", "params": {"words": "x"}, "run_at": "2030-01-01T00:00:00"}
    problem_of(http.post("/api/v1/jobs", json=body), 422)


def test_unique_keys_follow_their_policy(http):
    first = http.submit("probe", {"seconds": 3}, unique={"key": "month-end"})
    body = {"kind": "probe", "params": {}, "unique": {"key": "month-end", "policy": "reject"}}
    assert problem_of(http.post("/api/v1/jobs", json=body), 409)["details"]["job_id"] == first["id"]
    body["unique"]["policy"] = "return_existing"
    existing = http.post("/api/v1/jobs", json=body)
    assert (existing.status_code, existing.json()["id"]) == (200, first["id"])
    http.ended(first["id"])


def test_lists_are_filtered_and_paged_without_gaps(http):
    made = [http.submit("echo", {"words": str(n)}, tags=["page-test", f"n{n}"])["id"] for n in range(7)]
    seen, cursor = [], ""
    while True:
        page = http.get(f"/api/v1/jobs?tag=page-test&kind=echo&limit=3{cursor}").json()
        seen += [job["id"] for job in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == sorted(made, reverse=True)
    assert len(http.get("/api/v1/jobs?tag=page-test&tag=n3").json()["data"]) == 1
    future = "2099-01-01T00:00:00Z"
    assert http.get(f"/api/v1/jobs?tag=page-test&created_after={future}").json()["data"] == []


def test_cancelling_a_running_job_stops_it_within_two_seconds(http):
    job = http.submit("probe", {"seconds": 60})
    eventually(lambda: http.job(job["id"])["status"] == "running")
    asked_at = time.monotonic()
    answer = http.post(f"{job['links']['self']}/cancel", json={"reason": "wrong file"})
    assert answer.status_code == 202
    ended = http.ended(job["id"])
    assert time.monotonic() - asked_at < 5  # the promise is 2 s; a busy machine may not decide a test
    assert (ended["status"], ended["cancel_reason"]) == ("cancelled", "wrong file")
    problem_of(http.post(f"{job['links']['self']}/cancel", json={}), 409)


def test_running_again_makes_a_new_job_that_names_its_origin(http):
    job = http.ended(http.submit("echo", {"words": "first"}, tags=["t"])["id"])
    same = http.post(f"{job['links']['self']}/retry", json={}).json()
    edited = http.post(f"{job['links']['self']}/retry", json={"params": {"words": "second"}}).json()
    assert same["origin_id"] == edited["origin_id"] == job["id"]
    assert http.ended(same["id"])["result"] == {"words": "first"}
    assert http.ended(edited["id"])["result"] == {"words": "second"}


def test_bulk_actions_count_before_they_act(http):
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for number in range(5):
        http.submit("echo", {"words": str(number)}, tags=["bulk-test"], run_at=later)
    body = {"filter": {"tag": ["bulk-test"]}, "dry_run": True}
    assert http.post("/api/v1/jobs:cancel", json=body).json() == {
        "matched": 5,
        "acted": 0,
        "dry_run": True,
        "job_ids": [],
    }
    assert http.post("/api/v1/jobs:cancel", json={**body, "dry_run": False}).json()["acted"] == 5
    again = http.post("/api/v1/jobs:retry", json={**body, "dry_run": False}).json()
    assert [http.ended(job_id)["status"] for job_id in again["job_ids"]] == ["succeeded"] * 5
    problem_of(http.post("/api/v1/jobs:cancel", json={"filter": {}}), 422)


def test_events_stream_live_and_go_on_after_the_last_one_seen(http):
    job = http.submit("probe", {"seconds": 1.5})
    headers = {"Accept": "text/event-stream"}
    with http.get(job["links"]["events"], headers=headers, stream=True) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = [line.decode() for line in stream.iter_lines()]  # ends when the job has
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    assert [name for name in names if name != "job"] == ["submitted", "claimed", "succeeded"]
    documents = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith('data: {"id"')]
    assert any(document["progress"] for document in documents)
    assert [line for line in lines if line.startswith("id: ")] == ["id: 1", "id: 2", "id: 3"]
    with http.get(job["links"]["events"], headers={**headers, "Last-Event-ID": "2"}, stream=True) as stream:
        again = [line.decode() for line in stream.iter_lines()]
    assert [line for line in again if line.startswith("id: ")] == ["id: 3"]


def test_big_params_and_results_are_left_to_their_own_address(http):
    words = "x" * 100_000
    job = http.ended(http.submit("echo", {"words": words})["id"])
    assert (job["params"] is None or job["params"]["words"] == words, job["result"]) == (True, None)
    assert http.get(job["links"]["params"]).json() == {"words": words}
    assert http.get(job["links"]["result"]).json() == {"words": words}


def test_numbers_keep_every_digit(http):
    nums = [9007199254740993, -1, 0.1, 0.2, 123456789012345678901234567890]
    job = http.ended(http.submit("two_sum", {"nums": nums, "target": 9007199254740992})["id"])
    assert job["result"]["numbers"] == [9007199254740993, -1]
    job = http.ended(http.submit("two_sum", {"nums": nums, "target": 0.3})["id"])
    assert job["result"]["indices"] == [2, 3]


def test_a_trace_that_comes_in_goes_on_in_the_worker_and_comes_back(http, platform):
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace}-b7ad6b7169203331-01", "X-Request-ID": "req-77"}
    answer = http.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "t"}}, headers=headers)
    assert trace in answer.headers["traceparent"]
    assert answer.headers["X-Request-ID"] == "req-77"
    job = http.ended(answer.json()["id"])
    assert (trace in job["traceparent"], job["request_id"]) == (True, "req-77")
    eventually(lambda: any(trace in line and job["id"] in line for line in platform.log("worker").splitlines()))


def test_a_batch_accepts_what_it_can_and_names_the_rest(http):
    items = [{"kind": "echo", "params": {"words": str(n)}, "tags": ["batch-test"]} for n in range(200)]
    items[7] = {"kind": "echo", "params": {"wrods": "7"}}
    items[9] = {"kind": "nothing"}
    items[11] = {"kind": "sync"}
    answer = http.post("/api/v1/jobs:batch", json={"jobs": items})
    assert (answer.status_code, answer.json()["accepted"], answer.json()["refused"]) == (202, 197, 3)
    told = answer.json()["jobs"]
    assert "known kinds" in told[9]["error"]
    assert "submit one by itself" in told[11]["error"]
    assert told[7]["details"]["validation_errors"][0]["loc"] == ["params", "words"]
    assert http.ended(told[199]["id"])["result"] == {"words": "199"}
    assert http.events(told[0]["id"])[0] == "submitted"


def test_a_batch_in_which_nothing_fits_is_refused(http):
    problem_of(http.post("/api/v1/jobs:batch", json={"jobs": [{"kind": "nothing"}]}), 422)


def test_a_repeated_batch_adds_nothing(http):
    body = {"jobs": [{"kind": "echo", "params": {"words": "b"}, "tags": ["batch-twice"]}] * 3}
    headers = {"Idempotency-Key": "batch-1"}
    answers = [http.post("/api/v1/jobs:batch", json=body, headers=headers).content for _ in range(2)]
    assert answers[0] == answers[1]
    assert len(http.get("/api/v1/jobs?tag=batch-twice").json()["data"]) == 3
