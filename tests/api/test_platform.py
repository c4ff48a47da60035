"""What the API says of itself: kinds, queues, workers, health, metrics, documents."""

from tests.api.test_jobs import problem_of
from tests.running import eventually


def test_a_new_kind_is_seen_everywhere_without_touching_anything_else(http):
    """The echo kind is one folder under tests/kinds and one name in the settings."""
    kind = http.get("/api/v1/kinds/echo").json()
    assert kind["params_schema"]["required"] == ["words"]
    assert "echo" in [entry["name"] for entry in http.get("/api/v1/kinds").json()["data"]]
    spec = http.get("/openapi.json").json()
    submit = spec["components"]["schemas"]["SubmitBody"]
    assert submit["discriminator"]["mapping"]["echo"] == "#/components/schemas/SubmitEcho"
    assert spec["components"]["schemas"]["EchoParams"]["properties"]["words"]["type"] == "string"
    assert http.ended(http.submit("echo", {"words": "hello"})["id"])["result"] == {"words": "hello"}
    assert 'reckoner_jobs_finished_total{kind="echo",outcome="succeeded"}' in http.get("/metrics").text


def test_an_unknown_kind_is_404_with_the_known_ones(http):
    assert "echo" in problem_of(http.get("/api/v1/kinds/nope"), 404)["message"]


def test_the_document_is_openapi_3_1_and_its_pages_come_from_here(http):
    spec = http.get("/openapi.json").json()
    assert spec["openapi"].startswith("3.1")
    for page in ("/docs", "/redoc"):
        text = http.get(page).text
        assert "cdn" not in text.lower()
        assert "http://" not in text.replace("http://127.0.0.1", "")


def test_ready_is_said_when_a_job_can_be_run(http):
    eventually(lambda: http.get("/readyz").status_code == 200)
    assert http.get("/readyz").json() == {"status": "ready", "missing": []}


def test_health_has_what_older_clients_read(http):
    document = http.get("/health").json()
    assert (document["status"], document["database"], document["redis"]) == ("healthy", "connected", "connected")
    assert {"redis_connected", "node_id", "current_sum", "stats", "timestamp"} <= set(document)
    assert {"connected_clients", "total_commands_processed", "used_memory_human"} == set(document["stats"])


def test_the_root_says_what_this_is(http):
    assert {"message", "service", "version", "node_id", "endpoints"} <= set(http.get("/").json())


def test_workers_say_what_they_run(http):
    job = http.submit("probe", {"seconds": 2})
    eventually(lambda: http.job(job["id"])["status"] == "running")
    workers = http.get("/api/v1/workers").json()["data"]
    running = [run["job_id"] for worker in workers for run in worker["runs"]]
    assert job["id"] in running
    assert {tuple(worker["queues"]) for worker in workers} == {("heavy", "quick")}
    http.ended(job["id"])


def test_a_paused_queue_holds_its_jobs_and_a_resumed_one_runs_them(http):
    http.post("/api/v1/queues/quick/pause", json={"reason": "maintenance"})
    try:
        job = http.submit("echo", {"words": "patience"})
        waiting = eventually(
            lambda: (w := http.job(job["id"])["waiting"])["reason"] == "queue_paused" and w, seconds=10
        )
        assert waiting["position"] == 1
        queue = next(q for q in http.get("/api/v1/queues").json()["queues"] if q["queue"] == "quick")
        assert (queue["paused"], queue["depth"], queue["pause_reason"]) == (True, 1, "maintenance")
    finally:
        http.post("/api/v1/queues/quick/resume")
    assert http.ended(job["id"])["status"] == "succeeded"
    problem_of(http.post("/api/v1/queues/slow/pause", json={}), 404)


def test_metrics_have_queues_jobs_and_routes(http):
    http.ended(http.submit("echo", {"words": "m"})["id"])
    text = eventually(lambda: (t := http.get("/metrics").text) and "reckoner_queue_depth" in t and t)
    for name in (
        'reckoner_queue_depth{queue="heavy"}',
        "reckoner_queue_oldest_age_seconds",
        'reckoner_job_run_seconds_count{kind="echo"}',
        'reckoner_job_wait_seconds_bucket{kind="echo",le="+Inf"}',
        'route="/api/v1/jobs"',
        "reckoner_redis_up 1.0",
    ):
        assert name in text, name


def test_options_are_answered_204(http):
    assert http.options("/api/v1/jobs").status_code == 204
