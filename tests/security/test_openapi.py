"""The whole OpenAPI document against the real API: no server error, and no answer that it does not describe."""

from collections import defaultdict

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import api.app  # noqa: F401 - so that every model is there

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Enough to find what is wrong by construction, and the same ones every time; `make test` has other things to do.
_BOUNDED = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_operation_answers_as_its_document_says(guarded, as_):
    client = as_("admin")
    document = client.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    headers = {"Authorization": client.headers["Authorization"]}
    failures, tried = [], 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @_BOUNDED
        @given(case=operation.as_strategy())
        def hold(case):
            nonlocal tried
            tried += 1
            answer = case.call(base_url=guarded.url, headers=headers, timeout=30)
            # Without a worker 503 is what /readyz is for, and the document says so.
            may_be_away = [not_a_server_error] if case.operation.label == "GET /readyz" else []
            case.validate_response(answer, checks=_CHECKS, excluded_checks=may_be_away)

        try:
            hold()
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001  # one run shows them all
            failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n\n".join(failures)
    assert tried > 3 * len(document["paths"])
    assert "request_raised" not in guarded.log("api")


def test_every_operation_says_what_success_looks_like(as_):
    paths = as_("admin").get("/openapi.json").json()["paths"]
    silent = [
        f"{method} {path}"
        for path, operations in paths.items()
        for method, operation in operations.items()
        if not any(status.startswith("2") for status in operation["responses"])
    ]
    assert not silent


def test_no_two_models_share_a_name_in_the_document(as_):
    """The later one would silently describe the answers of both."""
    described = set(as_("admin").get("/openapi.json").json()["components"]["schemas"])
    places = defaultdict(set)
    for model in _models(BaseModel):
        if model.__module__.split(".")[0] in {"api", "tasks", "core"} and model.__name__ in described:
            places[model.__name__].add(model.__module__)
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def _models(base):
    for model in base.__subclasses__():
        yield model
        yield from _models(model)
