"""The kinds of a platform, kept on disk for the shell's completion, which must not wait for the network."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from reckoner.problems import ReckonerError
from reckoner.records import Kind
from reckoner.shapes import shape

if TYPE_CHECKING:
    from reckoner.desk import Desk


def current_kinds(desk: Desk) -> list[Kind]:
    """As the platform has them now."""
    kinds = desk.reckoner.kinds()
    path = _path(desk)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([asdict(kind) for kind in kinds], default=str), encoding="utf-8")
    except OSError:
        pass  # a home that cannot be written costs completion its speed, nothing else
    return kinds


def known_kinds(desk: Desk) -> list[Kind]:
    """As they were when last asked for; asked for now if that never was; none if the platform is away."""
    try:
        documents = json.loads(_path(desk).read_text(encoding="utf-8"))
        return [shape(Kind, document) for document in documents]
    except (OSError, ValueError, TypeError):
        pass
    try:
        return current_kinds(desk)
    except ReckonerError:
        return []


def _path(desk: Desk) -> Path:
    home = desk.environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "reckoner" / f"kinds-{hashlib.sha256(desk.url.encode()).hexdigest()[:16]}.json"
