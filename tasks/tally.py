"""Counts and histograms of jobs, kept in one Redis hash so that every node can show the same figures."""

from __future__ import annotations

from bisect import bisect_left

from models.job import Job, JobStatus

KEY = "reckoner:tally"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


def of_move(job: Job) -> list[str | int]:
    """Field and increment, flat, for the move that brought the job to this state."""
    status = JobStatus(job.status)
    if status is JobStatus.RUNNING and job.started_at and job.queued_at and not job.cancel_requested_at:
        return _observed("wait", job.kind, (job.started_at - job.queued_at).total_seconds())
    if status is JobStatus.RETRYING:
        crashed = bool(job.error and job.error.get("code") == "crashed")
        return [f"{'rescued' if crashed else 'retried'}|{job.kind}", 1]
    if not status.is_final:
        return []
    counts: list[str | int] = [f"finished|{job.kind}|{status}", 1]
    if job.error and job.error.get("code") == "poison":
        counts += [f"poison|{job.kind}", 1]
    if job.started_at and job.finished_at:
        counts += _observed("run", job.kind, (job.finished_at - job.started_at).total_seconds())
    return counts


def _observed(name: str, kind: str, seconds: float) -> list[str | int]:
    seconds = max(seconds, 0.0)
    bucket = bisect_left(BUCKETS, seconds)
    return [f"{name}|{kind}|{bucket}", 1, f"{name}_us|{kind}", int(seconds * 1_000_000)]
