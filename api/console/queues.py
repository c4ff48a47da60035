"""Queues and workers: how much waits, who works, pause and resume."""

from __future__ import annotations

from flask import Response, request, url_for

from api.console.asking import ask, may, tell
from api.console.pages import console, go, is_htmx, show
from api.queues import views


@console.get("/queues")
def queues() -> Response:
    facts = {
        "survey": ask(views.list_queues),
        "workers": ask(views.list_workers)["data"],
        "may_pause": may(views.pause_queue),
    }
    return show("queues_live.html" if is_htmx() else "queues.html", **facts)


@console.post("/queues/<name>/pause")
def pause(name: str) -> Response:
    body = views.PauseBody(reason=request.form.get("reason") or None)
    tell(views.pause_queue, path=views.QueuePath(queue=name), body=body)
    return go(url_for("console.queues"))


@console.post("/queues/<name>/resume")
def resume(name: str) -> Response:
    tell(views.resume_queue, path=views.QueuePath(queue=name))
    return go(url_for("console.queues"))
