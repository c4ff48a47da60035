"""The limit for a cached list: Flask that hands out bytes from Redis and does nothing else."""

from __future__ import annotations

import os

import redis
from flask import Flask, Response

KEY = "bench:bytes"

app = Flask(__name__)
client = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://"))


@app.get("/bytes")
def stored_bytes() -> Response:
    body = client.get(KEY)
    assert isinstance(body, bytes)  # noqa: S101 - the bench stored them
    return Response(body, content_type="application/json")
