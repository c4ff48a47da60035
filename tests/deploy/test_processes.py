"""Every command of docker-compose.yml that is ours, run as a plain process on real servers, together."""

import os
import signal
import subprocess
import sys
import time

import compose_file
import pytest
import requests

from embedded.ports import LOOPBACK, free_port
from embedded.postgres import Postgres
from embedded.valkey import Valkey

PATIENCE_SECONDS = 90
VARIABLES = compose_file.example_variables()
KEY = {"Authorization": f"Bearer {VARIABLES['RECKONER_BOOTSTRAP_KEY']}"}
APIS = ("api-1", "api-2", "api-3")


class Service:
    """A service's own command and environment; only addresses are this machine's."""

    def __init__(self, name, addresses):
        service = compose_file.load(VARIABLES)["services"][name]
        self.name = name
        self.port = free_port()
        self.grace_seconds = int(service["stop_grace_period"].rstrip("s"))
        environment = {**os.environ, **service["environment"], **addresses}
        environment |= {"PORT": str(self.port), "FLOWER_PORT": str(self.port), "FLOWER_ADDRESS": LOOPBACK}
        command = [sys.executable, *service["command"][1:]]
        self.process = subprocess.Popen(command, env=environment, cwd=compose_file.ROOT, start_new_session=True)

    def get(self, path, **options):
        return requests.get(f"http://{LOOPBACK}:{self.port}{path}", timeout=10, **options)

    def answers(self, path, status, **options):
        """Wait until it answers so; a process that ended never will."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.get(path, **options).status_code == status:
                    return True
            except requests.ConnectionError:
                pass
            time.sleep(0.1)
        return False

    def end(self):
        """Ask it to end as Docker would: with SIGTERM, and with SIGKILL after its grace period."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(self.grace_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    with Postgres.throwaway() as postgres, Valkey.throwaway() as valkey:
        addresses = {
            "DATABASE_URL": postgres.url,
            "REDIS_URL": valkey.url,
            "RECKONER_HOME": str(tmp_path_factory.mktemp("home")),
            "RECKONER_HOST": LOOPBACK,
        }
        migrate = Service("migrate", addresses)
        assert migrate.process.wait(PATIENCE_SECONDS) == 0
        names = (*APIS, "worker-quick", "worker-heavy", "beat", "flower")
        running = {name: Service(name, addresses) for name in names}
        yield running
        for service in reversed(running.values()):
            service.end()


@pytest.mark.parametrize("name", APIS)
def test_each_api_node_becomes_ready_with_the_workers(services, name):
    assert services[name].answers("/readyz", 200)
    assert services[name].get("/health", headers=KEY).json()["node_id"] == name


def test_a_job_taken_by_one_node_is_answered_by_another(services):
    assert services["api-1"].answers("/readyz", 200)
    first, second = (f"http://{LOOPBACK}:{services[name].port}" for name in ("api-1", "api-2"))
    job = {"kind": "two_sum", "params": {"nums": [2, 7, 11, 15], "target": 9}}
    taken = requests.post(f"{first}/api/v1/jobs", json=job, headers=KEY, timeout=10)
    assert taken.status_code == 202
    path = f"/api/v1/jobs/{taken.json()['id']}"
    ended = requests.get(f"{second}{path}?wait=30", headers=KEY, timeout=60).json()
    assert (ended["status"], ended["result"]["indices"]) == ("succeeded", [0, 1])


def test_flower_lets_in_whoever_knows_the_login_and_nobody_else(services):
    login = (VARIABLES["FLOWER_USER"], VARIABLES["FLOWER_PASSWORD"])
    assert services["flower"].answers("/workers", 200, auth=login)
    assert services["flower"].get("/workers").status_code == 401
    assert services["flower"].get("/api/workers").status_code == 401


def test_workers_and_beat_go_on_running(services):
    assert services["api-1"].answers("/readyz", 200)
    for name in ("worker-quick", "worker-heavy", "beat"):
        assert services[name].process.poll() is None


def test_an_open_api_without_a_key_refuses_to_start():
    """What the required RECKONER_BOOTSTRAP_KEY is for."""
    with Postgres.throwaway() as postgres:
        addresses = {"DATABASE_URL": postgres.url, "REDIS_URL": "redis://127.0.0.1:1/0"}
        assert Service("migrate", addresses).process.wait(PATIENCE_SECONDS) == 0
        api = Service("api-1", {**addresses, "RECKONER_BOOTSTRAP_KEY": ""})
        assert api.process.wait(PATIENCE_SECONDS) != 0


@pytest.mark.parametrize("name", ["worker-quick", "worker-heavy", "beat", "api-3"])
def test_sigterm_ends_a_service_well_within_its_grace_period(services, name):
    """Last in this file: these are gone afterwards."""
    assert services[name].end() == 0
