"""Every route has a least role that somebody chose, and the API holds each route to it."""

import re

import pytest

from api.app import create_app, make_platform
from api.auth import role_needed
from models.api_key import Role

# A route marked with @needs has been thought about. An unmarked one has the default of its method and must be listed
# here, so that a new route is not open to viewers, or to every submitter, because nobody asked.
VIEWERS_MAY = """
/ /health /livez /readyz /metrics
/openapi.json /docs /redoc /openapi/ /openapi/openapi.json /openapi/oauth2-redirect.html
/openapi/redoc /openapi/redoc/<path:filename> /openapi/static/<path:filename>
/openapi/swagger /openapi/swagger/<path:filename>
/abacus/sum /api/v1/abacus /api/v1/abacus/<name> /api/v1/abacus/<name>/history /api/v1/abacus/<name>/statement
/api/v1/analytics/customers/top /api/v1/analytics/orders/status
/api/v1/breakers /api/v1/breakers/<name>
/api/v1/charges /api/v1/companies /api/v1/reports/daily-transactions /api/v1/statistics/jobs
/api/v1/etl/runs /api/v1/etl/runs/<run_id> /api/v1/etl/runs/<run_id>/compare /api/v1/etl/runs/<run_id>/rejects
/api/v1/external/posts
/api/v1/files /api/v1/files/<file_id> /api/v1/files/<file_id>/content
/api/v1/items /api/v1/items/<item_id>
/api/v1/jobs /api/v1/jobs/<job_id> /api/v1/jobs/<job_id>/artifacts /api/v1/jobs/<job_id>/artifacts/<name>
/api/v1/jobs/<job_id>/comparison
/api/v1/jobs/<job_id>/events /api/v1/jobs/<job_id>/logs /api/v1/jobs/<job_id>/params /api/v1/jobs/<job_id>/result
/api/v1/kinds /api/v1/kinds/<name>
/api/v1/number-sets /api/v1/number-sets/<name> /api/v1/number-sets/<name>/errors/summary
/api/v1/number-sets/<name>/history /api/v1/number-sets/<name>/missing
/api/v1/orders /api/v1/orders/<order_id>
/api/v1/queues /api/v1/workers
/api/v1/schedules /api/v1/schedules/<name> /api/v1/schedules/<name>/runs
/api/v1/sync/<job_id>
/errors/summary /missing /status
/two_sum/<job_id>
"""
SUBMITTERS_MAY = """
POST /abacus/number
DELETE /abacus/sum
POST /api/v1/abacus/<name>
DELETE /api/v1/abacus/<name>
POST /api/v1/estimates
POST /api/v1/files
DELETE /api/v1/files/<file_id>
POST /api/v1/items
PUT /api/v1/items/<item_id>
DELETE /api/v1/items/<item_id>
POST /api/v1/jobs
POST /api/v1/jobs/<job_id>/cancel
POST /api/v1/jobs/<job_id>/retry
POST /api/v1/jobs:batch
POST /api/v1/jobs:retry
PUT /api/v1/number-sets/<name>
DELETE /api/v1/number-sets/<name>
POST /api/v1/number-sets/<name>/extract/<number>
POST /api/v1/number-sets/<name>/reset
POST /api/v1/orders
POST /api/v1/sync
POST /extract/<number>
POST /reset
POST /sync
POST /two_sum
"""
# The console's pages ask the API's own views, whose roles hold there too: see api/console/asking.py.
CONSOLE = "/console/"
OPEN = {"/", "/health", "/livez", "/readyz", "/metrics"}
_FILLED = {"item_id": "1", "order_id": "1", "number": "1"}  # other ids are UUIDs that nobody has
_BELOW = {Role.SUBMITTER: "viewer", Role.OPERATOR: "submitter", Role.ADMIN: "operator"}


@pytest.fixture
def routes(settings):
    """Method, rule, least role and whether it was marked, from the application's own map."""
    platform = make_platform(settings)
    app = create_app(platform)
    found = []
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(CONSOLE):
            continue
        view = app.view_functions[rule.endpoint]
        found += [
            (method, rule.rule, role_needed(view, method), hasattr(view, "least_role"))
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"})
        ]
    yield found
    platform.publisher.close()
    platform.runtime.close()


def test_no_route_is_open_because_it_was_forgotten(routes):
    chosen = {("GET", rule) for rule in VIEWERS_MAY.split()}
    chosen |= {tuple(line.split()) for line in SUBMITTERS_MAY.strip().splitlines()}
    unmarked = {(method, rule) for method, rule, _, is_marked in routes if not is_marked}
    assert unmarked == chosen, "mark the view with @needs(Role...), or list it here"
    for method, rule, role, _ in routes:
        if (method, rule) in chosen:
            assert role is (Role.VIEWER if method == "GET" else Role.SUBMITTER)


def test_what_is_marked_never_asks_less_than_its_method(routes):
    for method, rule, role, _ in routes:
        assert method == "GET" or role.covers(Role.SUBMITTER), f"{method} {rule} writes"


def test_every_route_refuses_the_role_below_and_admits_its_own(routes, as_):
    """Without a key 401, with too little 403, and with the least role anything else."""
    wrong = []
    for method, rule, role, _ in routes:
        path = re.sub(r"<(?:\w+:)?(\w+)>", _fill, rule)
        asked = {"json": {}} if method in {"POST", "PUT"} else {}
        answers = {"nobody": as_().request(method, path, **asked).status_code}
        if role in _BELOW:
            answers[_BELOW[role]] = as_(_BELOW[role]).request(method, path, **asked).status_code
        answers[str(role)] = as_(str(role)).request(method, path, **asked).status_code
        expected = dict.fromkeys(answers, 403) | {"nobody": 401}
        if rule in OPEN:
            del expected["nobody"]
        refused = {who: status for who, status in answers.items() if status in {401, 403}}
        del expected[str(role)]
        if refused != expected:
            wrong.append((method, path, answers))
    assert not wrong


def _fill(match):
    name = match[1]
    if name.endswith("_id"):
        return _FILLED.get(name, "01980000-0000-7000-8000-000000000000")
    return _FILLED.get(name, "nobody")
