"""The peer: Flask that adds with INCRBY and answers, nothing else. No key, no history, no bound, no error answers."""

import os

from flask import Flask, Response, request
from redis import Redis

app = Flask(__name__)
redis = Redis.from_url(os.environ["REDIS_URL"])


@app.post("/abacus/number")
def add() -> Response:
    number = request.get_json()["number"]
    return Response(b'{"sum": %d}' % redis.incrby("bare", number), content_type="application/json")
