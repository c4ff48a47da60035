"""The Celery application; every setting that is not Celery's default has its reason beside it."""

from __future__ import annotations

from bisect import bisect
from typing import Any

from celery import Celery
from kombu import Exchange
from kombu import Queue as KombuQueue

from core.settings import Settings
from tasks.contract import Queue
from workers import transport

KEY_PREFIX = "reckoner:celery:"
# Three lists a queue instead of ten: a worker asks for all of them with each pop. 0 is Redis' first.
PRIORITY_STEPS = [0, 3, 6]
_SEPARATOR = "\x06\x16"  # kombu's, between a queue's name and a priority


def celery_priority(priority: int) -> int:
    """Ours is 0 to 9 with 9 first; on Redis 0 is first."""
    return 9 - priority


def lists_of(queue: str) -> list[str]:
    """The Redis lists that carry a queue's messages, first served first."""
    return [f"{KEY_PREFIX}{queue}{f'{_SEPARATOR}{step}' if step else ''}" for step in PRIORITY_STEPS]


def list_of(queue: str, priority: int) -> str:
    return lists_of(queue)[bisect(PRIORITY_STEPS, celery_priority(priority)) - 1]


class ReckonerCelery(Celery):
    """Celery, and the settings that its parts of ours are made from."""

    settings: Settings


def make_celery(settings: Settings) -> ReckonerCelery:
    transport.use()
    app = ReckonerCelery("reckoner", broker=settings.redis_url, set_as_current=True)
    app.settings = settings
    app.conf.update(**_configuration(settings))
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        # The answer is the row in Postgres; a second copy in Redis would only cost.
        "task_ignore_result": True,
        "result_backend": None,
        # A message is acknowledged when its job has ended, so that what a worker has not begun is handed out again.
        "task_acks_late": True,
        # A worker takes one message a process: work waits in the queue, where an idle worker can have it.
        "worker_prefetch_multiplier": 1,
        # What a lost child was running is queued again by us, with its crash counted: task_reject_on_worker_lost
        # stays off, so that Celery does not do it as well.
        # How long Celery waits for the last words of a dead child; the default of ten seconds keeps its slot empty.
        "worker_lost_wait": 1.0,
        "worker_concurrency": settings.worker_concurrency,
        # Two queues, so that nobody's small job waits behind a workbook; each has its own list in Redis.
        "task_default_queue": str(Queue.QUICK),
        "task_queues": [KombuQueue(str(queue), Exchange(str(queue)), routing_key=str(queue)) for queue in Queue],
        # A misspelt queue is an error, not a new list that nobody reads.
        "task_create_missing_queues": False,
        # Publishing happens off the request path and is repeated by housekeeping: fail at once.
        "task_publish_retry": False,
        "broker_connection_timeout": 2,
        # Redis may come back after any time; a worker never gives up on it, at its start neither.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        # A Redis without memory refuses commands; Celery would otherwise take that for a reason to end the worker.
        "broker_channel_error_retry": True,
        # With acknowledgement at the end, the prefetch count is not cut after a reconnect.
        "worker_enable_prefetch_count_reduction": False,
        # Flower draws from these events; sent in handfuls they cost little.
        "worker_send_task_events": True,
        "worker_consumer": "workers.consumer:Consumer",
        # structlog has set the loggers up; Celery would add its own lines in its own form.
        "worker_hijack_root_logger": False,
        # What a body prints goes where its process prints, not into the log as a warning a line.
        "worker_redirect_stdouts": False,
        # A child of a busy small machine may need longer than the default four seconds to say that it is up.
        "worker_proc_alive_timeout": 20,
        "broker_transport_options": {
            # One Redis may serve others too.
            "global_keyprefix": KEY_PREFIX,
            "priority_steps": PRIORITY_STEPS,
            # Urgent lists first, whichever queue they belong to; the default takes turns.
            "queue_order_strategy": "priority",
            # Rows in Postgres bring lost work back within seconds. Redis' own way back is only the last net, and
            # must not fire while a long job is still running.
            "visibility_timeout": settings.visibility_timeout.total_seconds(),
            # redis-py's default of five seconds breaks the blocking pop once a minute.
            "socket_timeout": None,
            "socket_connect_timeout": 2,
            # A connection that died in silence is noticed, by the kernel and by a PING, not by the next lost message.
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    }
