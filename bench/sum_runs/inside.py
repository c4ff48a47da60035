"""The peer behind our own front: a Flask route that adds with INCRBY, with the hooks that every route has."""

from flask import Response, request

from api.wsgi import app, front, platform

__all__ = ["front"]


@app.post("/bare/number")
def add() -> Response:
    number = request.get_json()["number"]
    return Response(b'{"sum": %d}' % platform.redis.incrby("bare", number), content_type="application/json")
