"""API keys: who may do what; a new one is shown once."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, url_for
from pydantic import ValidationError

from api.auth import needs
from api.console.asking import ask, tell
from api.console.pages import console, go, show
from api.console.wording import wrong_fields
from api.keys import views
from models.api_key import Role

_ROLES = (
    (Role.VIEWER, "sees jobs of its owner"),
    (Role.SUBMITTER, "also submits, cancels and retries them"),
    (Role.OPERATOR, "also sees everybody's jobs, pauses queues and schedules"),
    (Role.ADMIN, "also makes and revokes keys"),
)


@console.get("/keys")
@needs(Role.ADMIN)
def keys() -> Response:
    return _shown()


@console.post("/keys")
@needs(Role.ADMIN)
def make_key() -> Response:
    """The answer is the page itself, and not kept anywhere: the key is seen this once."""
    try:
        body = views.KeyBody.model_validate({name: request.form.get(name, "") for name in ("name", "owner", "role")})
    except ValidationError as error:
        return _shown(422, trouble=wrong_fields(error))
    return _shown(201, made=tell(views.make_key, body=body))


@console.post("/keys/<uuid:key_id>/revoke")
@needs(Role.ADMIN)
def revoke_key(key_id: UUID) -> Response:
    tell(views.revoke_key, path=views.KeyPath(key_id=key_id))
    return go(url_for("console.keys"))


def _shown(status: int = 200, **facts: object) -> Response:
    found = ask(views.get_keys)["data"]
    return show("keys.html", status, keys=found, roles=_ROLES, typed=request.form, **facts)
