"""The Flask application, put together."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Response, g, request
from flask_openapi import APIBlueprint, Info, OpenAPI

from api import auth, limits, metrics, openapi, problem
from api.abacus.views import abacus
from api.analytics.views import analytics
from api.artifacts.views import artifacts
from api.audit.views import audit
from api.breakers.views import breakers
from api.comparisons.views import comparisons
from api.console import console
from api.doctor.views import doctor
from api.estimates.views import estimates
from api.etl.views import etl
from api.external.views import external
from api.files.views import files
from api.health import health
from api.items.views import items
from api.jobs.submitting import hand_over
from api.jobs.views import jobs
from api.keys.views import keys
from api.kinds.views import kinds
from api.number_set.views import number_set
from api.orders.views import orders
from api.platform import Platform, current_platform
from api.queues.views import queues
from api.reports.views import reports
from api.request_id import request_id
from api.responses import json_response
from api.schedules.views import schedules
from api.statistics.views import statistics
from api.sync.views import sync
from api.two_sum.views import two_sum
from core.exact_json import dumps
from core.settings import Settings
from core.trace import continued
from tasks.runtime import make_runtime
from workers.celery_app import make_celery
from workers.process import VERSION
from workers.publisher import Publisher

NOUNS: tuple[APIBlueprint, ...] = (
    jobs,
    artifacts,
    comparisons,
    files,
    estimates,
    kinds,
    queues,
    keys,
    statistics,
    two_sum,
    abacus,
    number_set,
    health,
    doctor,
    items,
    external,
    sync,
    orders,
    analytics,
    breakers,
    schedules,
    etl,
    reports,
    audit,
)

logger = structlog.get_logger()


def make_platform(settings: Settings) -> Platform:
    runtime = make_runtime(settings, application="api", pool_size=settings.api_threads)
    celery = make_celery(settings)
    return Platform(runtime, celery, Publisher(celery, runtime.db, runtime.redis))


def create_app(platform: Platform) -> OpenAPI:
    info = Info(title="Reckoner", version=VERSION, description="An asynchronous job platform for numbers.")
    app = OpenAPI("api", info=info, validation_error_callback=problem.from_validation, static_folder=None)
    app.openapi_version = "3.1.0"  # what test tools and generators read; the library would say 3.2
    app.json.dumps = lambda value, **_: dumps(value).decode()  # type: ignore[method-assign]  # one encoder for all
    app.extensions["reckoner"] = platform
    metrics.register(app)
    _register_requests(app)
    auth.register(app)
    limits.register(app, platform.settings)
    problem.register(app)
    for noun in NOUNS:
        app.register_api(noun)
    app.register_blueprint(console)
    openapi.register(app, platform.registry)
    app.add_url_rule("/", "root", root)
    return app


def root() -> Response:
    """A browser is sent to the console; everybody else is told what this is."""
    accepts = request.accept_mimetypes
    if accepts["text/html"] > accepts["application/json"]:
        return Response(status=303, headers={"Location": "/console", "Vary": "Accept"})
    settings = current_platform().settings
    return json_response(
        {
            "message": "Reckoner: an asynchronous job platform for numbers",
            "service": "reckoner",
            "version": VERSION,
            "node_id": settings.node_id,
            "endpoints": {
                "submit": "POST /api/v1/jobs",
                "jobs": "/api/v1/jobs",
                "kinds": "/api/v1/kinds",
                "two_sum": "POST /two_sum",
                "health": "/health",
                "metrics": "/metrics",
                "docs": "/docs",
                "openapi": "/openapi.json",
                "console": "/console",
            },
        },
        headers={"Vary": "Accept"},
    )


def _register_requests(app: OpenAPI) -> None:
    """An id and a trace for every request, CORS for configured origins, and what follows a commit."""

    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request.headers.get("X-Request-ID", ""))
        g.traceparent = continued(request.headers.get("traceparent"))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id, traceparent=g.traceparent)

    @app.after_request
    def end(response: Response) -> Response:
        if response.status_code < 400:  # noqa: PLR2004  # after an error nothing was committed
            hand_over()
        if "request_id" in g:
            response.headers["X-Request-ID"] = g.request_id
            response.headers["traceparent"] = g.traceparent
        response.headers["X-Content-Type-Options"] = "nosniff"
        _allow_origin(response)
        return response


def _allow_origin(response: Response) -> None:
    origin = request.headers.get("Origin")
    settings: Any = current_platform().settings
    if origin is None or origin not in settings.cors_origins:
        if request.method == "OPTIONS":
            response.status_code = 204
            response.set_data(b"")
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Vary"] = "Origin"
    response.headers["Access-Control-Expose-Headers"] = "Location, ETag, Retry-After, X-Cache, X-Request-ID"
    if request.method == "OPTIONS":
        response.status_code = 204
        response.set_data(b"")
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, DELETE, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = (
            "Authorization, Content-Type, Idempotency-Key, If-None-Match, Prefer, X-API-Key, traceparent"
        )
        response.headers["Access-Control-Max-Age"] = "600"
