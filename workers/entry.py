"""Where a worker, beat or Flower starts: `celery -A workers.entry worker`. The only place here that reads settings."""

from __future__ import annotations

from core.settings import read_settings
from workers.celery_app import make_celery
from workers.process import WorkerGroup

settings = read_settings()
app = make_celery(settings)
group = WorkerGroup(app, settings)
