"""A stand-in for the outside API, and sync jobs run as a worker's child runs them, without the worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from core.circuit_breaker import SharedBreaker
from core.clock import uuid7
from core.external_api import external_breaker
from models.job import Job
from tasks.base import JobTask, Post
from tasks.runtime import Runtime
from tasks.submission import Submission, checked_params, submit
from tests.sync.outside import OutsideApi
from workers.celery_app import make_celery


@pytest.fixture
def outside():
    with OutsideApi() as running:
        yield running


@pytest.fixture
def settings(settings, outside):
    return settings.model_copy(update={"external_api_url": outside.url})


@pytest.fixture
def breaker(runtime) -> SharedBreaker:
    return external_breaker(runtime.redis)


Run = Callable[..., Any]


@pytest.fixture
def run_job(runtime: Runtime) -> Run:
    """Submit a job and run it here; answers its row."""
    make_celery(runtime.settings)

    def run(kind: str = "sync", **params: Any) -> Job:
        runtime.registry.import_bodies()
        described = runtime.registry[kind]
        with runtime.db.transaction() as connection:
            wanted = Submission(kind=described, params=checked_params(described, params), owner="tester")
            job = submit(connection, wanted, published=True).job
        JobTask.post = Post(runtime, uuid7(), "test", lambda: False)
        body = __import__(described.body, fromlist=["run"]).run
        body.apply(task_id=str(job.id))
        with runtime.db.connect() as connection:
            return connection.execute(text("SELECT * FROM jobs WHERE id = :id"), {"id": job.id}).one()

    return run
