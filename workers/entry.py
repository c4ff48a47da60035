"""Where a worker, beat or Flower starts: `celery -A workers.entry worker`. The only place here that reads settings."""

from __future__ import annotations

from core.settings import read_settings
from tasks.registry import make_registry
from workers.celery_app import make_celery
from workers.process import WorkerGroup

settings = read_settings()
app = make_celery(settings)
registry = make_registry(settings.extra_kinds)
registry.import_bodies()
group = WorkerGroup(app, settings)
