"""The console: pages for people, made on the server from what the API's own views answer."""

from api.console import files, job, jobs, keys, new_job, overview, queues, sign_in
from api.console.pages import console

__all__ = ["console", "files", "job", "jobs", "keys", "new_job", "overview", "queues", "sign_in"]
