"""Real processes for tests: API nodes, worker groups and beats over real servers."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

from embedded.ports import free_port
from embedded.process_mark import die_with_parent

ROOT = Path(__file__).parent.parent
EXTRA_KINDS = "tests.kinds.echo.contract,tests.kinds.probe.contract"


def eventually(check, *, seconds=20, every=0.05):
    """Wait for a condition, not for a time; answers what the check gave."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {seconds} s: {check}")
        time.sleep(every)


class RunningPlatform:
    """One platform: a database, a Redis, and whatever processes a test starts."""

    def __init__(self, database_url, redis_url, home, **settings):
        self.home = Path(home)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RECKONER_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "RECKONER_HOME": str(self.home),
            "RECKONER_EXTRA_KINDS": EXTRA_KINDS,
            "RECKONER_DATA_ROOT": str(self.home / "data"),
            "ENVIRONMENT": "test",
            "PYTHONPATH": str(ROOT),
            **{f"RECKONER_{name.upper()}": str(value) for name, value in settings.items()},
        }
        (self.home / "data").mkdir(parents=True, exist_ok=True)
        self.processes = {}
        self.url = ""

    def start(self, name, *command, **environment):
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**self.environment, **environment},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Nothing of a broken test run may live on.
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509  # calls only what was loaded before
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def start_api(self, name="api", **environment):
        """An API node; the first one gives `url`."""
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        process = self.start(name, "api", PORT=str(port), **environment)
        self.url = self.url or url

        def answers():
            if process.poll() is not None:
                raise AssertionError(f"the API ended: {self.log(name)}")
            try:
                return requests.get(f"{url}/livez", timeout=2).ok
            except requests.ConnectionError:
                return False

        eventually(answers, seconds=90)  # a busy machine takes its time to start
        return url

    def start_worker(self, name="worker", *, queues="quick,heavy", concurrency=2, wait=True, **environment):
        arguments = ("worker", "-Q", queues, "-n", f"{name}@%h", "--without-mingle", "--without-gossip")
        options = {"RECKONER_WORKER_CONCURRENCY": str(concurrency), **environment}
        process = self.start(name, "celery", "-A", "workers.entry", *arguments, **options)
        if wait:
            eventually(lambda: "worker_up" in self.log(name), seconds=90)
        return process

    def start_beat(self, name="beat", **environment):
        scheduler = ("beat", "--scheduler", "workers.beat:RowScheduler")
        return self.start(name, "celery", "-A", "workers.entry", *scheduler, **environment)

    def log(self, name):
        return (self.home / f"{name}.log").read_text(errors="replace")

    def kill(self, name, how=signal.SIGKILL):
        """One process, not its children."""
        self.processes[name].send_signal(how)

    def kill_group(self, name, how=signal.SIGKILL):
        os.killpg(self.processes[name].pid, how)

    def wait_gone(self, name, seconds=40):
        self.processes.pop(name).wait(timeout=seconds)

    def stop(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise AssertionError(f"{name} did not stop: {self.log(name)[-2000:]}") from None
        self.processes.clear()

    def client(self, key=None):
        return Client(self.url, key)


class Client(requests.Session):
    """A session that knows the platform's address."""

    def __init__(self, url, key=None):
        super().__init__()
        self.base = url
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def request(self, method, url, *args, **options):
        options.setdefault("timeout", 60)
        return super().request(method, self.base + url, *args, **options)

    def submit(self, kind, params, *, headers=None, **facts):
        """Submit and answer the job."""
        answer = self.post("/api/v1/jobs", json={"kind": kind, "params": params, **facts}, headers=headers)
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()

    def job(self, job_id):
        return self.get(f"/api/v1/jobs/{job_id}").json()

    def ended(self, job_id, seconds=30):
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.get(f"/api/v1/jobs/{job_id}?wait=5").json()
            if job["status"] in {"succeeded", "failed", "cancelled"}:
                return job
            assert time.monotonic() < deadline, f"still {job['status']} after {seconds} s"

    def events(self, job_id):
        return [event["event"] for event in self.get(f"/api/v1/jobs/{job_id}/events").json()["data"]]
