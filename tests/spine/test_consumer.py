"""How a worker comes back after Redis was away."""

from types import SimpleNamespace

from workers.celery_app import make_celery
from workers.consumer import Consumer


def test_a_worker_that_lost_redis_tries_again_every_second_however_long_it_lasts(settings):
    consumer = Consumer.__new__(Consumer)
    consumer.app, consumer.first_connection_attempt = make_celery(settings), False
    asked = {}
    connection = SimpleNamespace(ensure_connection=lambda *_, **options: asked.update(options))
    consumer.ensure_connected(connection)
    assert asked["interval_max"] <= 1
    assert asked["interval_start"] <= asked["interval_max"]
