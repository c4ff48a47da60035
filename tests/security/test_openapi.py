"""The whole OpenAPI document against the real API: no server error, and no answer that it does not describe."""

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

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
            case.validate_response(answer, checks=_CHECKS)

        try:
            hold()
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001  # one run shows them all
            failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n\n".join(failures)
    assert tried > 3 * len(document["paths"])
    assert "request_raised" not in guarded.log("api")
