"""The peers: plain Flask and plain Celery, written as their tutorials would, served by the same granian."""

from __future__ import annotations

import os
import time
import uuid

import psycopg2.pool
import redis
from celery import Celery
from flask import Flask, Response

REDIS_URL = os.environ["PEER_REDIS_URL"]
DATABASE_URL = os.environ["PEER_DATABASE_URL"]

forgetful = Celery("forgetful", broker=REDIS_URL)
forgetful.conf.update(task_ignore_result=True, task_default_queue="peer", worker_prefetch_multiplier=4)
remembering = Celery("remembering", broker=REDIS_URL, backend=REDIS_URL)
remembering.conf.update(task_default_queue="peer-results", worker_prefetch_multiplier=4)


@forgetful.task(name="noop")
def noop() -> None:
    return None


@remembering.task(name="noop_result")
def noop_result() -> None:
    return None


@forgetful.task(name="stamp")
def stamp(sent_at: float) -> None:
    redis.Redis.from_url(REDIS_URL).rpush("pickups", time.time() - sent_at)


app = Flask("peer")
client = redis.Redis.from_url(REDIS_URL)
_pool: list[psycopg2.extensions.connection] = []


def _connection() -> psycopg2.extensions.connection:
    if not _pool:
        connection = psycopg2.connect(DATABASE_URL)
        connection.autocommit = True
        _pool.append(connection)
    return _pool[0]


@app.post("/apply_async")
def apply_async() -> Response:
    task = noop.apply_async()
    return Response(f'{{"id":"{task.id}"}}', 202, content_type="application/json")


@app.post("/insert")
def insert() -> Response:
    job_id = str(uuid.uuid4())
    with _connection().cursor() as cursor:
        cursor.execute(
            "INSERT INTO peer_jobs (id, kind, status, params, created_at) VALUES (%s, %s, %s, %s, now())",
            (job_id, "noop", "queued", "{}"),
        )
    return Response(f'{{"id":"{job_id}"}}', 202, content_type="application/json")


@app.get("/redis")
def from_redis() -> Response:
    return Response(client.get("peer-document"), content_type="application/json")


@app.get("/nothing")
def nothing() -> Response:
    return Response(b"{}", content_type="application/json")
