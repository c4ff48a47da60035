"""Where a worker, beat or Flower starts: `celery -A workers.entry worker`. The only place here that reads settings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from celery import signals

import core.logs
from core.settings import read_settings
from workers.celery_app import make_celery

settings = read_settings()
app = make_celery(settings)


@signals.setup_logging.connect(weak=False)
def _set_up_logging(**_: Any) -> None:
    core.logs.configure(level=settings.log_level, as_json=settings.logs_as_json)


@signals.worker_init.connect(weak=False)
def _become_worker(**_: Any) -> None:
    """Only a worker needs what runs jobs: Flower, which comes through the same door, is 30 MB smaller without."""
    import_module("workers.process").WorkerGroup(app, settings).start()
