"""The doctor over HTTP: looks at everything this node can see, for operators."""

from __future__ import annotations

from flask import Response
from flask_openapi import APIBlueprint, Tag

from api.auth import needs
from api.doctor import broker, database, disks, workforce
from api.doctor.findings import Diagnosis
from api.platform import current_platform
from api.responses import json_response
from core.clock import now
from models.api_key import Role
from workers.process import VERSION

doctor = APIBlueprint("doctor", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Health")])


@doctor.get("/doctor", summary="What is wrong here, and the way out", responses={200: Diagnosis})
@needs(Role.OPERATOR)
def get_doctor() -> Response:
    """Migrations, eviction and persistence of Redis, clocks, unserved queues, versions, disks. Always 200."""
    platform = current_platform()
    findings = [
        *database.examine(platform),
        *broker.examine(platform),
        *workforce.examine(platform),
        *disks.examine(platform.settings),
    ]
    return json_response(Diagnosis(at=now(), version=VERSION, node_id=platform.settings.node_id, findings=findings))
