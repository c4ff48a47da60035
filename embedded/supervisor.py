"""Start the whole platform, keep it running, stop it in order."""

import http.client
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from embedded import leftovers
from embedded.child import Child
from embedded.endpoints import Endpoints
from embedded.errors import ServerError
from embedded.home_lock import lock_home
from embedded.local_settings import LocalSettings, require_free
from embedded.log_lines import LogLines
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.server import Server
from embedded.stop_signals import StopSignals
from embedded.valkey import Valkey

ROOT = Path(__file__).parents[1]
_TICK_SECONDS = 0.05
_PROBE_EVERY_SECONDS = 0.1
# Longer than a drain: a process that is still there then is stuck.
_STUCK_SECONDS = 10.0
# Beat and Flower hold no work; Flower waits for workers to answer, who are going down as well.
_NOTHING_TO_DRAIN_SECONDS = 2.0


class Supervisor:
    """Runs in the main thread only: children are tied to the thread that starts them.

    `foreground` is started once the platform is ready, with our terminal; when it ends, everything stops and
    its exit code is ours.
    """

    def __init__(
        self,
        settings: LocalSettings,
        processes: Sequence[Process],
        *,
        migrate: Process,
        log: LogLines,
        foreground: Process | None = None,
        ready_timeout_seconds: float | None = None,
    ) -> None:
        self._settings = settings
        self._processes = processes
        self._migrate = migrate
        self._log = log
        self._foreground = foreground
        self._ready_timeout_seconds = ready_timeout_seconds
        self._signals = StopSignals()
        self._servers: list[Server] = []
        self._children: list[Child] = []
        self._server_retry_at = 0.0
        self._ready = False

    def run(self) -> int:
        """Everything from start to end; the exit code."""
        self._signals.listen()
        with ExitStack() as stack:
            stack.callback(self._log.close)
            stack.callback(os.close, lock_home(self._settings.home))
            if cleared := leftovers.clear(self._settings.home):
                self._log.say(f"ended {cleared} processes that a killed run had left")
            require_free(self._settings)
            stack.callback(self._stop)
            environment = self._start_servers()
            code = self._bring_up_schema(environment)
            return code or self._supervise(environment)

    def _start_servers(self) -> dict[str, str]:
        """Start what the environment doesn't replace; what the children are told."""
        home = self._settings.home
        urls = []
        for given, kind in ((self._settings.database_url, Postgres), (self._settings.redis_url, Valkey)):
            if given is None:
                server: Server = kind(home, output=self._log.pipe(kind.name))
                self._servers.append(server)
                server.start()
                urls.append(server.url)
            else:
                urls.append(given)
        environment = self._settings.environment(*urls)
        self._endpoints = self._settings.endpoints(*urls)
        self._endpoints.note(home)
        return environment

    def _bring_up_schema(self, environment: dict[str, str]) -> int:
        child = self._add(self._migrate, environment)
        while (code := child.poll()) is None:
            self._log.pump(_TICK_SECONDS)
            if self._signals.is_asked:
                return 0
        self._children.remove(child)
        if code != 0:
            self._log.pump(0)
            self._log.say(f"{child.name} failed with code {code}: nothing else is started")
        return code

    def _add_all(self, environment: dict[str, str], *, needed_by_jobs: bool) -> None:
        for process in self._processes:
            if process.is_needed_by_jobs is needed_by_jobs:
                self._add(process, environment)

    def _add(self, process: Process, environment: dict[str, str], *, own_terminal: bool = False) -> Child:
        child = Child(process, self._settings.home, environment, ROOT)
        self._children.append(child)
        self._start(child, own_terminal=own_terminal)
        return child

    def _start(self, child: Child, *, own_terminal: bool = False) -> None:
        output = None if own_terminal else self._log.pipe(child.name)
        child.start(output)
        if output is not None:
            os.close(output)

    def _supervise(self, environment: dict[str, str]) -> int:
        if not self._signals.is_asked:
            self._add_all(environment, needed_by_jobs=True)
        deadline = time.monotonic() + (self._ready_timeout_seconds or float("inf"))
        foreground: Child | None = None
        next_probe = 0.0
        while not self._signals.is_asked and not self._log.is_broken:
            self._log.pump(_TICK_SECONDS)
            if foreground is not None and (code := foreground.poll()) is not None:
                self._children.remove(foreground)
                return code
            self._restart_what_ended(foreground)
            if not self._ready and time.monotonic() >= next_probe:
                next_probe = time.monotonic() + _PROBE_EVERY_SECONDS
                if self._answers_ready():
                    self._ready = True
                    self._log.pump(0)  # What they said before comes before.
                    self._announce()
                    self._add_all(environment, needed_by_jobs=False)
                    if self._foreground is not None:
                        foreground = self._add(self._foreground, environment, own_terminal=True)
                elif time.monotonic() > deadline:
                    self._log.say(f"not ready after {self._ready_timeout_seconds:g} s")
                    return 1
        return 0 if self._foreground is None else 1

    def _restart_what_ended(self, foreground: Child | None) -> None:
        for child in self._children:
            if child is foreground:
                continue
            if (code := child.poll()) is not None:
                pause = child.plan_restart()
                self._log.say(f"{child.name} ended with code {code}; starting it again in {pause:g} s")
            elif child.is_due():
                self._start(child)
        for server in self._servers:
            if not server.is_running() and time.monotonic() >= self._server_retry_at:
                self._log.say(f"{server.name} has ended; starting it again")
                try:
                    server.start()
                except ServerError as error:
                    self._server_retry_at = time.monotonic() + 1
                    self._log.say(str(error))

    def _answers_ready(self) -> bool:
        """Whether the API says that a job can be run."""
        address = urlsplit(self._settings.api_url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=2)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _announce(self) -> None:
        for line in ("ready: jobs are taken and run", *self._endpoints.lines()):
            self._log.say(line)

    def _stop(self) -> None:
        """Applications first, all at once, then what they talk to; a second request doesn't wait."""
        self._log.say("stopping" if self._signals.is_urgent else "stopping; again to stop at once")
        for child in self._children:
            child.ask_to_stop()
        asked = time.monotonic()
        while self._children:
            self._children = [child for child in self._children if child.pid and child.poll() is None]
            waited = time.monotonic() - asked
            for child in self._children:
                patience = self._settings.drain_seconds + _STUCK_SECONDS if child.drains else _NOTHING_TO_DRAIN_SECONDS
                if self._signals.is_urgent or waited > patience:
                    child.kill()
            self._log.pump(_TICK_SECONDS)
        # Valkey before Postgres: nothing that is in Postgres depends on what Valkey does last.
        for server in reversed(self._servers):
            server.stop()
            self._log.pump(0)
        Endpoints.forget(self._settings.home)
        self._log.say("stopped")
