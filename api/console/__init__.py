"""The console: pages for people, made on the server from what the API's own views answer."""

from api.console import (
    analytics,
    audit,
    doctor,
    etl,
    files,
    items,
    job,
    jobs,
    keys,
    new_job,
    number_sets,
    overview,
    queues,
    reports,
    schedules,
    sign_in,
    sums,
)
from api.console.pages import console

__all__ = [
    "analytics",
    "audit",
    "console",
    "doctor",
    "etl",
    "files",
    "items",
    "job",
    "jobs",
    "keys",
    "new_job",
    "number_sets",
    "overview",
    "queues",
    "reports",
    "schedules",
    "sign_in",
    "sums",
]
