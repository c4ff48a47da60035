"""Serve the API: `python -m api`."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import Server
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

import core.logs
from core.clock import uuid7
from core.settings import Settings, read_settings
from models import audit_entry
from models.api_key import Role, add_key, has_keys
from models.audit_entry import Act
from models.session import Database


def _refuse_if_open(settings: Settings) -> None:
    """Off loopback nobody gets in without a key, so there has to be one."""
    if settings.is_loopback and not settings.bootstrap_key:
        return
    database = Database(settings.database_url, pool_size=1)
    try:
        with database.transaction() as connection:
            if settings.bootstrap_key:
                _keep_bootstrap_key(connection, settings.bootstrap_key)
            if not settings.is_loopback and not has_keys(connection):
                sys.exit(
                    f"reckoner will not listen on {settings.host} without API keys: make one with"
                    " `reckoner keys create`, or set RECKONER_BOOTSTRAP_KEY, or listen on 127.0.0.1"
                )
    except OperationalError as error:
        sys.exit(f"reckoner cannot reach the database: {str(error).splitlines()[0]}")
    finally:
        database.close()


def _keep_bootstrap_key(connection: Connection, secret: str) -> None:
    key_id, facts = uuid7(), {"name": "bootstrap", "owner": "admin", "role": str(Role.ADMIN)}
    if add_key(connection, key_id, secret, name="bootstrap", owner="admin", role=Role.ADMIN):
        audit_entry.add(connection, Act(uuid7(), "start of the API", "key.made", str(key_id), detail=dict(facts)))


def _load_what_children_share() -> None:
    """Make the application here, which each process would make for itself: forked, they share its pages.

    The imports are worth 35 MB a process, the rest 12. Nothing is connected or started before the first request.
    """
    import_module("api.wsgi")
    gc.collect()
    gc.freeze()
    # Requests leave next to no cycles. At the usual 700 new objects a look for some, a batch of ten thousand jobs is
    # looked through again and again while it is read: half of the time that takes.
    gc.set_threshold(20_000, 20, 20)


def main() -> None:
    settings = read_settings()
    core.logs.configure(level=settings.log_level, as_json=settings.logs_as_json)
    _refuse_if_open(settings)
    with tempfile.TemporaryDirectory(prefix="reckoner-metrics-") as folder:
        # Where this node's processes put their HTTP figures together; prometheus_client reads it at import.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(folder))
        _load_what_children_share()
        Server(
            "api.wsgi:front",
            address=settings.host,
            port=settings.port,
            interface=Interfaces.RSGI,
            workers=settings.api_workers,
            # One loop thread a process: more contend for the interpreter and p99 suffers.
            runtime_threads=1,
            # HTTP/1 only: clients and proxies here speak it, and the other half of the server stays unloaded.
            http="1",  # type: ignore[arg-type]  # the enum's value
            websockets=False,
            # Slow headers and huge ones end here.
            http1_settings=HTTP1Settings(header_read_timeout=10_000, max_buffer_size=64 * 1024),
            backlog=2048,  # five hundred clients may come at once
            # Waiting clients are open connections, not work: let in as many as the system has room for.
            backpressure=4096,
            respawn_failed_workers=True,
            # Long polls must not hold a restart up.
            workers_kill_timeout=10,
            log_level="warning",  # type: ignore[arg-type]  # the enum's value
        ).serve()


if __name__ == "__main__":
    main()
