"""Secrets stay where they are, and nothing that was sent is ever run."""

import ast
import signal

import pytest

from tests.api.test_jobs import problem_of
from tests.running import ROOT, RunningPlatform, eventually

_ROOMS = ("api", "workers", "tasks", "models", "core", "client", "embedded", "celery_beat_schedule.py")
# What turns data into code, by module and name; `yaml.safe_load` is not among them.
_RUNS_DATA = {
    *(("", name) for name in ("eval", "exec", "compile", "__import__")),
    *(("pickle", name) for name in ("load", "loads", "Unpickler")),
    *(("marshal", name) for name in ("load", "loads")),
    *(("yaml", name) for name in ("load", "load_all", "unsafe_load", "full_load")),
    *(("os", name) for name in ("system", "popen")),
    ("shelve", "open"),
    ("pandas", "read_pickle"),
    ("pd", "read_pickle"),
    ("joblib", "load"),
    ("tempfile", "mktemp"),
}
_MODULES = {"pickle", "cloudpickle", "dill", "marshal", "shelve", "jsonpickle", "yaml"}


def _sources():
    for room in _ROOMS:
        place = ROOT / room
        yield from sorted(place.rglob("*.py")) if place.is_dir() else [place]


def _named(call):
    if isinstance(call.func, ast.Name):
        return "", call.func.id
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.value.id, call.func.attr
    return None


def test_no_code_of_ours_turns_data_into_code():
    found, files = [], 0
    for path in _sources():
        files += 1
        for node in ast.walk(ast.parse(path.read_text())):
            where = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call) and _named(node) in _RUNS_DATA:
                found.append(where)
            if isinstance(node, ast.Call) and any(
                word.arg == "shell" and isinstance(word.value, ast.Constant) and word.value.value
                for word in node.keywords
            ):
                found.append(f"{where} shell")
            if isinstance(node, ast.Import) and _MODULES & {alias.name.partition(".")[0] for alias in node.names}:
                found.append(f"{where} import")
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _MODULES:
                found.append(f"{where} import")
    assert files > 100
    assert not found


def test_celery_takes_json_only(settings):
    """A message in Redis is data: whoever can write there must not be able to run code in a worker."""
    from workers.celery_app import make_celery

    conf = make_celery(settings).conf
    assert set(conf.accept_content) == {"json"}
    assert conf.task_serializer == "json"


@pytest.fixture
def locked_out(tmp_path):
    """An API whose database and Redis passwords are known words, with neither server there."""
    database = "postgresql://reckoner:the-database-secret@127.0.0.1:1/nowhere"
    running = RunningPlatform(database, "redis://:the-redis-secret@127.0.0.1:1/0", tmp_path)
    running.start_api()
    yield running
    running.stop()


def test_passwords_are_in_no_answer_and_in_no_log(locked_out):
    """Not even when everything fails at once."""
    paths = ("/", "/health", "/readyz", "/metrics", "/api/v1/doctor", "/api/v1/jobs", "/api/v1/queues", "/nope")
    with locked_out.client() as client:
        answers = [client.get(path) for path in paths]
        answers.append(client.post("/api/v1/jobs", json={"kind": "echo", "params": {"words": "x"}}))
        answers.append(client.post("/abacus/number", json={"number": 1}))
        answers.append(client.post("/two_sum", json={"nums": [1, 2], "target": 3}))
    said = "".join(answer.text + str(answer.headers) for answer in answers) + locked_out.log("api")
    assert "the-database-secret" not in said
    assert "the-redis-secret" not in said
    assert "Traceback" not in "".join(answer.text for answer in answers)
    assert all(answer.status_code != 500 for answer in answers), [answer.text for answer in answers]


def test_a_worker_that_cannot_reach_redis_does_not_print_its_password(locked_out):
    locked_out.start_worker(wait=False)
    eventually(lambda: "127.0.0.1:1" in locked_out.log("worker") or locked_out.processes["worker"].poll() is not None)
    assert "the-redis-secret" not in locked_out.log("worker")
    assert "the-database-secret" not in locked_out.log("worker")
    locked_out.kill("worker", signal.SIGKILL)
    locked_out.wait_gone("worker")


def test_an_api_key_is_in_no_log_and_in_no_answer(guarded, as_):
    """Neither a good one nor a wrong one that was nearly good."""
    nearly = guarded.keys["ann"][:-1]
    problem = problem_of(as_("ann").get("/api/v1/jobs", headers={"Authorization": f"Bearer {nearly}"}), 401)
    assert nearly not in str(problem)
    as_("ann").get("/api/v1/jobs", headers={"X-API-Key": nearly})
    for secret in guarded.keys.values():
        assert secret not in guarded.log("api")
        assert secret not in as_("admin").get("/api/v1/keys").text


def test_an_error_of_ours_tells_a_client_only_its_request_id(platform, http):
    """The tree of errors that clients see has no paths, no SQL, no stack."""
    answer = http.get("/api/v1/jobs?kind=a%00")
    for inside in ("Traceback", "psycopg2", "sqlalchemy", "SELECT", str(platform.home), "site-packages"):
        assert inside not in answer.text
