"""docker-compose.yml is valid, names only what exists, and starts the same commands as `make up`."""

import subprocess
import sys

import compose_file
import pytest
import redis

from core.settings import Settings
from embedded import binaries, processes
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.room import write_private
from embedded.valkey import SETTINGS

VARIABLES = compose_file.example_variables()
# What a service of ours is called in the table of processes.
OURS = {
    "migrate": processes.MIGRATE,
    "api-1": processes.API,
    "api-2": processes.API,
    "api-3": processes.API,
    "worker-quick": processes.QUICK_WORKER,
    "worker-heavy": processes.HEAVY_WORKER,
    "beat": processes.BEAT,
    "flower": processes.FLOWER,
}


@pytest.fixture(scope="module")
def compose():
    return compose_file.load(VARIABLES)


def test_it_is_valid_by_the_compose_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, compose_file.PATH], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_process_of_the_platform_has_a_service_with_its_exact_command(compose):
    commands = {name: tuple(compose["services"][name]["command"]) for name in OURS}
    assert commands == {name: process.command for name, process in OURS.items()}
    assert set(OURS.values()) == set(processes.DEPLOYED)


def test_further_services_are_only_what_the_platform_stands_on(compose):
    assert set(compose["services"]) - set(OURS) == {"postgres", "redis", "proxy"}


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "RECKONER_BOOTSTRAP_KEY", "FLOWER_PASSWORD"])
def test_nothing_starts_without_its_secret(name):
    with pytest.raises(compose_file.MissingVariableError, match=name):
        compose_file.load(VARIABLES | {name: ""})


def test_every_setting_it_names_exists(compose):
    known = {f"RECKONER_{name.upper()}" for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        known |= {str(choice) for choice in getattr(field.validation_alias, "choices", ())}
    flowers = {"FLOWER_ADDRESS", "FLOWER_BASIC_AUTH"}
    for name in OURS:
        assert set(compose["services"][name]["environment"]) <= known | flowers


def test_settings_take_what_the_services_are_given(compose, monkeypatch):
    for name in set(OURS) - {"flower"}:  # It has nothing to drain.
        with monkeypatch.context() as patch:
            for variable, value in compose["services"][name]["environment"].items():
                patch.setenv(variable, value)
            settings = Settings()
            assert (
                settings.database_url
                == f"postgresql://reckoner:{VARIABLES['POSTGRES_PASSWORD']}@postgres:5432/reckoner"
            )
            assert settings.drain.total_seconds() < int(compose["services"][name]["stop_grace_period"].rstrip("s"))


def test_only_the_ports_people_know_are_published_and_only_to_this_machine(compose):
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {
        "proxy": ["127.0.0.1:8000:8000"],
        "api-1": ["127.0.0.1:8001:8000"],
        "api-2": ["127.0.0.1:8002:8000"],
        "api-3": ["127.0.0.1:8003:8000"],
        "flower": ["127.0.0.1:5555:5555"],
    }


def test_what_a_service_waits_for_exists_and_can_be_waited_for(compose):
    services = compose["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                # The image of the applications brings its own check.
                assert "test" in services[other].get("healthcheck", {}) or "build" in services[other]
                assert not services[other].get("healthcheck", {}).get("disable")


def test_the_valkey_configuration_starts_a_valkey(compose, tmp_path):
    """The very text, with the directory and the address of this machine put in."""
    text = compose["configs"]["valkey"]["content"]
    assert "dir /data\n" in text
    assert "bind * -::*\n" in text
    text = text.replace("dir /data\n", f"dir {tmp_path}\n").replace("bind * -::*\n", "bind 127.0.0.1\n")
    port = free_port()
    write_private(tmp_path / "valkey.conf", f"{text}port {port}\n")
    program, *arguments = compose["services"]["redis"]["command"]
    assert (program, arguments) == ("valkey-server", ["/etc/valkey.conf"])
    running = subprocess.Popen([binaries.valkey().path, tmp_path / "valkey.conf"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, password=VARIABLES["REDIS_PASSWORD"], retry=patient()) as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("save") == {"save": ""}
    finally:
        running.terminate()
        running.wait()


def patient():
    return redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), 200)


def test_the_postgres_command_starts_a_postgres(compose, tmp_path):
    """Its options, given to a Postgres of this machine after ours."""
    program, *options = compose["services"]["postgres"]["command"]
    assert program == "postgres"

    class WithTheseOptions(Postgres):
        def _command(self):
            return [*super()._command(), *options]

    with WithTheseOptions(tmp_path, durable=False) as server:
        assert "ready to accept connections" in server.room.log.read_text()


def test_the_images_are_pinned_to_a_version(compose):
    images = {service["image"] for service in compose["services"].values() if "build" not in service}
    assert all(":" in image and not image.endswith(":latest") for image in images)


def test_a_throwaway_valkey_and_the_deployed_one_agree_on_what_matters(compose):
    """What a test finds out locally has to be true in containers as well."""
    deployed = dict(
        line.split(" ", 1)
        for line in compose["configs"]["valkey"]["content"].splitlines()
        if line and not line.startswith("#")
    )
    for name in ("appendonly", "appendfsync", "save", "maxmemory-policy"):
        assert deployed[name] == SETTINGS[name]
