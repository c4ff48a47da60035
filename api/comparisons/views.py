"""Comparisons: pairs that one scan found and another did not."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from flask import Response
from flask_openapi import APIBlueprint, Tag
from pydantic import BaseModel, ConfigDict, Field

from api.jobs.reading import fetch_job
from api.platform import current_platform
from api.responses import json_response
from core.errors import ConflictError
from models.artifact import Artifact, artifacts_of
from models.job import Job

comparisons = APIBlueprint(
    "comparisons", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Comparisons", description=__doc__)]
)

_PAIRS = "pairs.parquet"


class ComparisonPath(BaseModel):
    job_id: UUID = Field(description="The later scan.")


class ComparisonQuery(BaseModel):
    before: UUID = Field(description="The earlier scan.")


class ScanComparison(BaseModel):
    """And the pairs that were gained and lost, and how many."""

    model_config = ConfigDict(extra="allow")

    before: UUID
    after: UUID
    same_input: bool
    complete: bool


@comparisons.get(
    "/jobs/<job_id>/comparison", summary="Pairs gained and lost since an earlier scan", responses={200: ScanComparison}
)
def compare_jobs(path: ComparisonPath, query: ComparisonQuery) -> Response:
    """Both must have listed their pairs (mode `all`); `same_input` and `complete` say how much that means."""
    from tasks.two_sum.comparing import compare  # noqa: PLC0415 - an idle API carries no Arrow

    after, before = fetch_job(path.job_id), fetch_job(query.before)
    old, new = _listed(before), _listed(after)
    storage = current_platform().storage
    with storage.local_path(old.sha256) as first, storage.local_path(new.sha256) as second:
        found = compare(first, second)
    reports = [(job.result or {}).get("report") or {} for job in (before, after)]
    facts = {
        "before": before.id,
        "after": after.id,
        "same_input": reports[0].get("input_sha256") == reports[1].get("input_sha256"),
        "complete": not any(report.get("truncated") for report in reports),
    }
    return json_response({**facts, **asdict(found)})


def _listed(job: Job) -> Artifact:
    with current_platform().db.connect() as connection:
        rows = artifacts_of(connection, job.id)
    found = next((row for row in rows if row.name == _PAIRS), None)
    if found is None:
        raise ConflictError(f"job {job.id} is {job.status} and has no {_PAIRS}: only mode `all` lists pairs")
    return found
