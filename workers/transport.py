"""Celery's Redis transport, with one thing mended: a connection that is gone must not take the worker with it.

When Redis goes away, kombu gives messages back that were not acknowledged, and later acknowledges those whose jobs
have ended, both over the closed connection. That raises AttributeError, which nobody expects, and the worker ends.
Nothing is lost by leaving both out: rows in Postgres say what is still to be done, and a message that comes twice
claims nothing.
"""

from __future__ import annotations

from typing import Any

from kombu.transport import TRANSPORT_ALIASES, redis, virtual


class QoS(redis.QoS):
    """What this process has taken from Redis and not acknowledged yet."""

    def ack(self, delivery_tag: str) -> None:
        if self._is_cut_off():
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        if self._is_cut_off():
            virtual.QoS.ack(self, delivery_tag)
        else:
            super().reject(delivery_tag, requeue)

    def restore_unacked_once(self, stderr: Any = None) -> None:
        if self._is_cut_off() and self._delivered is not None:
            self._delivered.clear()
        super().restore_unacked_once(stderr)

    def _is_cut_off(self) -> bool:
        connection = self.channel.connection
        return connection is None or connection.client is None


class Channel(redis.Channel):
    QoS = QoS


class Transport(redis.Transport):
    Channel = Channel


def use() -> None:
    """From now on `redis://` means this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
