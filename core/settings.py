"""Every setting of the platform, in one frozen object that only entry points read from the environment."""

from __future__ import annotations

import ipaddress
import socket
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _seconds(value: Any) -> Any:
    """A bare number means seconds."""
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return timedelta(seconds=float(value))
    return value


def _listed(value: Any) -> Any:
    """`a,b` means two entries; an empty string means none."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


def _named(*names: str) -> Any:
    """Read a setting under the name older services used as well as under ours."""
    return AliasChoices(*names, *(f"RECKONER_{name}" for name in names))


class Settings(BaseSettings):
    """Names are RECKONER_ + the field in capitals; the names of the older services work too."""

    model_config = SettingsConfigDict(env_prefix="RECKONER_", frozen=True, populate_by_name=True, extra="ignore")

    database_url: str = Field(
        validation_alias=_named("DATABASE_URL"), description="Postgres, e.g. postgresql://user:pw@host/db"
    )
    redis_url: str = Field(
        validation_alias=_named("REDIS_URL"), description="Redis or Valkey, e.g. redis://:pw@host:6379/0"
    )

    host: str = Field("127.0.0.1", description="address the API listens on; anything but loopback needs keys")
    port: int = Field(8000, ge=0, le=65535, validation_alias=_named("PORT"), description="the API's port")
    flower_port: int = Field(5555, ge=0, le=65535, validation_alias=_named("FLOWER_PORT"), description="Flower's port")
    node_id: str = Field(
        default_factory=socket.gethostname,
        validation_alias=_named("NODE_ID"),
        description="what this node calls itself in answers, logs and Flower",
    )
    environment: Literal["development", "test", "production"] = Field(
        "development", validation_alias=_named("ENVIRONMENT"), description="production logs JSON"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_named("LOG_LEVEL"), description="least severe event that is written"
    )
    external_api_url: str = Field(
        "https://jsonplaceholder.typicode.com",
        validation_alias=_named("EXTERNAL_API_URL"),
        description="the outside API that `sync` reads",
    )
    home: Path = Field(Path(".reckoner"), description="where embedded servers, files and logs live")
    data_root: Path = Field(Path("data"), description="the only folder that a `filepath` may point into")
    storage_url: str = Field("", description="where files are kept; empty means files/ under the home")

    api_workers: int = Field(2, ge=1, description="API processes; two served reads best on two cores")
    api_threads: int = Field(8, ge=1, description="threads per API process that may be inside Flask at once")
    worker_concurrency: int = Field(2, ge=1, description="child processes of one worker")
    wait_limit: Duration = Field(timedelta(seconds=60), description="longest `?wait=` and `Prefer: wait=`")
    route_wait: Duration = Field(
        timedelta(seconds=25), description="how long /two_sum and /sync wait for their job before a 202"
    )
    max_body_bytes: int = Field(8 * 1024**2, ge=1024, description="largest JSON body")
    max_upload_bytes: int = Field(1024**3, ge=1024, description="largest uploaded file")

    lease: Duration = Field(timedelta(seconds=10), description="how long a silent worker keeps its jobs")
    beat_every: Duration = Field(timedelta(seconds=1), description="how often a worker extends its leases")
    longest_job: Duration = Field(timedelta(minutes=30), description="upper bound of every kind's time limit")
    visibility_timeout: Duration = Field(
        timedelta(hours=12), description="after which Redis hands an unacknowledged message out again"
    )
    drain: Duration = Field(timedelta(seconds=8), description="how long SIGTERM lets running work finish")
    cancel_grace: Duration = Field(timedelta(seconds=10), description="after which a cancelled job's process is killed")
    crashes_until_poison: int = Field(3, ge=1, description="crashes of one job before it is failed as poison")
    publish_window: int = Field(
        2000, ge=10, description="messages a queue holds in Redis; the rest of a backlog waits in Postgres"
    )
    audit_kept: Duration = Field(timedelta(days=400), description="how long the audit log keeps an entry")
    heavy_memory_mb: int = Field(4096, ge=64, description="memory a heavy job may take before it is ended")

    rate_limit: str = Field("", description="requests per key, e.g. 600/minute; empty means none")
    cors_origins: Listed = Field((), description="origins that browsers may call from")
    require_keys: bool = Field(default=False, description="ask for a key on loopback too")
    trusted_hosts: Listed = Field((), description="further Host names that are answered")
    bootstrap_key: str = Field("", description="an admin key to create at start, for first use in containers")
    session_secret: str = Field(
        "", description="signs console sessions, the same on every node; empty: made from the database's address"
    )
    extra_kinds: Listed = Field((), description="modules whose KIND is added to the registry")
    timetable: str = Field("celery_beat_schedule", description="module whose TIMETABLE beat keeps")
    result_cache: Duration = Field(timedelta(hours=1), description="how long the same question is remembered")
    sync_allow_private: bool = Field(default=False, description="follow redirects to private addresses")
    sum_durability: Literal["everysec", "always", "history"] = Field(
        "everysec",
        description="when an add to a running sum is answered: once Redis has it, once Redis has it on disk,"
        " or once its history in Postgres has it",
    )

    @cached_property  # asked with each request
    def is_loopback(self) -> bool:
        """Nobody but this machine can reach the API."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def files_url(self) -> str:
        return self.storage_url or f"file://{(self.home / 'files').absolute()}"

    @property
    def logs_as_json(self) -> bool:
        return self.environment == "production"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.visibility_timeout < self.longest_job:
            raise ValueError(
                f"visibility_timeout ({self.visibility_timeout}) is shorter than"
                f" longest_job ({self.longest_job}): Redis would hand running work out a second time"
            )
        if self.lease < 3 * self.beat_every:
            raise ValueError(f"lease ({self.lease}) must be at least three times beat_every ({self.beat_every})")
        return self


def read_settings() -> Settings:
    """Read the environment; a wrong value stops the start with one clear line."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = "_".join(str(part) for part in problem["loc"]).upper() or "settings"
            lines.append(f"{name}: {problem['msg']}")
        raise SystemExit("reckoner cannot start: " + "; ".join(lines)) from None
