"""Submits that share one statement: each is answered as if it had come alone."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from tests.running import eventually

_WAITING = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def platform(make_platform):
    running = make_platform()
    running.start_api()
    return running


@pytest.fixture
def engine(platform):
    url = make_url(platform.environment["DATABASE_URL"]).set(drivername="postgresql+psycopg2")
    return create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")


@pytest.fixture
def look(engine):
    def ask(statement, **facts):
        with engine.connect() as connection:
            return connection.execute(text(statement), facts).all()

    return ask


@pytest.fixture
def held(engine):
    """Nobody can insert a job meanwhile, so that submits pile up behind the first."""

    @contextmanager
    def hold():
        with engine.connect() as connection, connection.execution_options(isolation_level="READ COMMITTED").begin():
            connection.execute(text("LOCK TABLE jobs IN EXCLUSIVE MODE"))
            yield

    return hold


@pytest.fixture
def crowd(platform):
    """Requests that are under way at the same time."""
    with ThreadPoolExecutor(40) as pool:

        def send(*bodies, headers=None):
            options = {"headers": {"Content-Type": "application/json", **(headers or {})}, "timeout": 60}
            return [pool.submit(platform.client().post, "/api/v1/jobs", data=body, **options) for body in bodies]

        yield send


def body(words="hello", **facts):
    return json.dumps({"kind": "echo", "params": {"words": words}, **facts})


def test_submits_that_pile_up_share_a_commit_and_get_their_own_jobs(crowd, held, look):
    with held():
        first = crowd(*[body("first")] * 4)
        eventually(lambda: look(_WAITING))
        sent = crowd(*(body(f"word {number}", priority=number % 10, tags=[str(number)]) for number in range(30)))
        eventually(lambda: not any(one.done() for one in sent) and look(_WAITING))
    answers = [one.result() for one in sent]
    assert {answer.status_code for answer in [*answers, *(one.result() for one in first)]} == {202}
    jobs = [answer.json() for answer in answers]
    assert [(job["params"]["words"], job["priority"], job["tags"]) for job in jobs] == [
        (f"word {number}", number % 10, [str(number)]) for number in range(30)
    ]
    assert all(answer.headers["Location"].endswith(job["id"]) for answer, job in zip(answers, jobs, strict=True))
    commits = look("SELECT count(DISTINCT xmin::text) FROM jobs WHERE id = ANY(CAST(:ids AS uuid[]))", ids=ids(jobs))
    assert commits[0][0] < len(jobs) / 2
    assert look("SELECT count(*) FROM job_events WHERE event = 'submitted'") == [(34,)]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ("{", 422),
        ("[]", 422),
        ('{"kind": "echo"}', 422),
        ('{"kind": "eko", "params": {"words": "x"}}', 422),
        ('{"kind": "echo", "params": {"words": 1}}', 422),
        ('{"kind": "echo", "params": {"words": "x"}, "priority": 99}', 422),
    ],
)
def test_a_refused_body_is_refused_as_outside_the_lane_and_costs_nobody_else_a_job(crowd, held, look, wrong, status):
    with held():
        sent = crowd(body(), wrong, body())
        eventually(lambda: look(_WAITING) and sent[1].done())
    before, refused, after = (one.result() for one in sent)
    (outside,) = crowd(wrong, headers={"Idempotency-Key": "a way around the lane"})
    plain = {"instance", "request_id"}
    told, told_outside = refused.json(), outside.result().json()
    assert (before.status_code, refused.status_code, after.status_code) == (202, status, 202)
    assert {n: told[n] for n in told if n not in plain} == {n: told_outside[n] for n in told if n not in plain}
    assert look("SELECT count(*) FROM jobs") == [(2,)]


def test_what_postgres_cannot_take_costs_only_its_own_submit(crowd, held, look):
    with held():
        first = crowd(*[body()] * 4)
        eventually(lambda: look(_WAITING))
        sent = crowd(body("one"), body("a NUL: \0"), body("two"))
        eventually(lambda: look(_WAITING))
    answers = [one.result().status_code for one in [*first, *sent]]
    (outside,) = crowd(body("a NUL: \0"), headers={"Idempotency-Key": "nul"})
    assert answers == [202] * 4 + [202, outside.result().status_code, 202]


def test_a_client_that_goes_away_costs_the_others_nothing_and_its_job_is_kept(platform, crowd, held, look):
    address = urlsplit(platform.url)
    with held():
        first = crowd(*[body()] * 4)
        eventually(lambda: look(_WAITING))
        gone = body("gone")
        head = f"POST /api/v1/jobs HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        with socket.create_connection((address.hostname, address.port)) as client:
            client.sendall(f"{head}Content-Length: {len(gone)}\r\n\r\n{gone}".encode())
            sent = crowd(*[body("stays")] * 6)
            eventually(lambda: look(_WAITING))
    assert {one.result().status_code for one in [*first, *sent]} == {202}
    assert {answer.result().status_code for answer in crowd(*[body("later")] * 4)} == {202}
    eventually(lambda: look("SELECT count(*) FROM jobs WHERE params->>'words' <> 'gone'") == [(14,)])


def test_a_database_that_goes_away_under_a_group_refuses_each_of_it_and_takes_the_next(crowd, held, look):
    with held():
        sent = crowd(*[body()] * 6)
        waiting = eventually(lambda: look(_WAITING))
        for (pid,) in waiting:
            look("SELECT pg_terminate_backend(:pid)", pid=pid)
        eventually(lambda: any(one.done() for one in sent))
    answers = [one.result() for one in sent]
    refused = [answer for answer in answers if answer.status_code != 202]
    assert refused
    assert {(answer.status_code, "Retry-After" in answer.headers) for answer in refused} == {(503, True)}
    assert look("SELECT count(*) FROM jobs") == [(len(answers) - len(refused),)]
    assert {one.result().status_code for one in crowd(*[body()] * 6)} == {202}


def test_one_key_twice_at_the_same_time_makes_one_job_among_submits_without_a_key(crowd, held, look):
    with held():
        keyed = crowd(body(), body(), headers={"Idempotency-Key": "once"})
        sent = crowd(*[body("other")] * 6)
        eventually(lambda: look(_WAITING))
    statuses = sorted(one.result().status_code for one in keyed)
    assert statuses in ([202, 202], [202, 409])
    assert {one.result().status_code for one in sent} == {202}
    (again,) = crowd(body(), headers={"Idempotency-Key": "once"})
    assert again.result().status_code == 202
    assert {one.result().json()["id"] for one in [*keyed, again] if one.result().ok} == {again.result().json()["id"]}
    assert look("SELECT count(*) FROM jobs WHERE params->>'words' = 'hello'") == [(1,)]


def ids(jobs):
    return [job["id"] for job in jobs]
