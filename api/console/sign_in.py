"""Signing in with an API key where keys are needed, and out again."""

from __future__ import annotations

from flask import Response, request, url_for

from api import session
from api.audit.recording import note_refused_sign_in
from api.auth import needs
from api.console.pages import console, go, show
from api.platform import current_platform
from models.api_key import Role, holder_of


@console.get("/sign-in")
def sign_in() -> Response:
    return show("sign_in.html", to=_inside(request.args.get("next", "")))


@console.post("/sign-in")
@needs(Role.VIEWER)
def sign_in_with_key() -> Response:
    platform = current_platform()
    to = _inside(request.form.get("next", ""))
    with platform.db.connect() as connection:
        holder = holder_of(connection, request.form.get("key", "").strip())
    if holder is None or holder.key_id is None:
        note_refused_sign_in()
        return show("sign_in.html", 401, to=to, trouble="This key is unknown or revoked. Ask an admin for a new one.")
    response = go(to)
    session.begin(response, platform.settings, holder.key_id)
    return response


@console.post("/sign-out")
@needs(Role.VIEWER)
def sign_out() -> Response:
    response = go(url_for("console.sign_in"))
    session.end(response)
    return response


def _inside(address: str) -> str:
    """Only places in the console: nobody is sent elsewhere from here."""
    is_ours = address == session.PATH or address.startswith((f"{session.PATH}/", f"{session.PATH}?"))
    return address if is_ours and "\\" not in address and "//" not in address else session.PATH
