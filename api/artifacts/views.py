"""Artifacts: the files a job made."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, Field

from api.downloads import send_stored
from api.jobs.reading import fetch_job
from api.platform import current_platform
from api.responses import ANY_FILE, json_response
from core.errors import NotFoundError
from models.artifact import artifacts_of

artifacts = APIBlueprint(
    "artifacts", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Artifacts", description=__doc__)]
)


class ArtifactsPath(BaseModel):
    job_id: UUID = Field(description="A job's id.")


class ArtifactPath(ArtifactsPath):
    name: str = Field(description="The artifact's name, such as pairs.csv.")


class ArtifactDocument(BaseModel):
    name: str
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime
    url: str


class ArtifactList(BaseModel):
    data: list[ArtifactDocument]


@artifacts.get("/jobs/<job_id>/artifacts", summary="The files a job made", responses={200: ArtifactList})
def list_artifacts(path: ArtifactsPath) -> Response:
    job = fetch_job(path.job_id)
    with current_platform().db.connect() as connection:
        rows = artifacts_of(connection, job.id)
    return json_response(
        {
            "data": [
                {
                    "name": row.name,
                    "media_type": row.media_type,
                    "bytes": row.bytes,
                    "sha256": row.sha256,
                    "created_at": row.created_at,
                    "url": f"/api/v1/jobs/{job.id}/artifacts/{row.name}",
                }
                for row in rows
            ]
        }
    )


@artifacts.get(
    "/jobs/<job_id>/artifacts/<name>", summary="Download a file that a job made", responses={200: ANY_FILE, 304: None}
)
def get_artifact(path: ArtifactPath) -> Response:
    job = fetch_job(path.job_id)
    with current_platform().db.connect() as connection:
        row = next((row for row in artifacts_of(connection, job.id) if row.name == path.name), None)
    if row is None:
        raise NotFoundError(f"job {job.id} has no artifact {path.name!r}")
    return send_stored(row.sha256, row.bytes, row.name, row.media_type)
