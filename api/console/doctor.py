"""The doctor's findings: what is wrong here, and the way out."""

from __future__ import annotations

from flask import Response

from api.auth import needs
from api.console.asking import ask
from api.console.pages import console, show
from api.doctor.views import get_doctor
from models.api_key import Role


@console.get("/doctor")
@needs(Role.OPERATOR)
def doctor() -> Response:
    found = ask(get_doctor)
    order = ("error", "warning", "ok")
    findings = sorted(found["findings"], key=lambda finding: order.index(finding["severity"]))
    return show("doctor.html", diagnosis=found, findings=findings)
