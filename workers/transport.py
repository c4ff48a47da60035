"""Celery's Redis transport, mended: a connection that is gone must not take the worker with it, and commands are cheap.

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
    """Keeps the client that kombu makes anew, at the price of two commands, for each command it sends."""

    QoS = QoS
    _kept: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[misc]  # kombu's; its stubs leave it out
        if self._kept is None or self._kept.connection_pool is not self.pool:
            self._kept = super()._create_client()  # type: ignore[misc]  # as above
        return self._kept


class Transport(redis.Transport):
    Channel = Channel


def use() -> None:
    """From now on `redis://` means this transport."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
