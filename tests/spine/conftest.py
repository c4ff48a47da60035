"""Jobs to play with."""

from datetime import timedelta

import pytest

from core.clock import now, uuid7
from tasks.submission import Submission, checked_params, submit


@pytest.fixture
def probe(runtime):
    return runtime.registry["probe"]


@pytest.fixture
def make_job(runtime, probe):
    """A queued job, as a submit leaves it."""

    def make(kind=probe, *, owner="me", published=True, **facts):
        params = facts.pop("params", {})
        wanted = Submission(kind=kind, params=checked_params(kind, params), owner=owner, **facts)
        with runtime.db.connect() as connection:
            return submit(connection, wanted, published=published).job

    return make


@pytest.fixture
def claim(lifecycle):
    """Claim as some worker."""

    def take(job_id, worker_id=None, pid=1):
        return lifecycle.claim(job_id, worker_id=worker_id or uuid7(), pid=pid, actor="test worker")

    return take


@pytest.fixture
def soon():
    return now() + timedelta(hours=1)
