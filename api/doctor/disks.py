"""The disks this node writes to: nearly full ones stop uploads, results and, at a desk, the servers."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from api.doctor.findings import Finding, error, fine, warning
from core.settings import Settings

_SCARCE_BYTES, _SHORT_BYTES = 1 << 30, 5 << 30
_SHORT_SHARE = 0.1


def examine(settings: Settings) -> list[Finding]:
    """One finding a disk, whichever of our folders are on it."""
    on_disk: dict[int, list[Path]] = {}
    for folder in _folders(settings):
        on_disk.setdefault(folder.stat().st_dev, []).append(folder)
    return [_room(folders) for folders in on_disk.values()]


def _folders(settings: Settings) -> list[Path]:
    places = [settings.home, settings.data_root]
    files = urlsplit(settings.files_url)
    if files.scheme == "file":
        places.append(Path(url2pathname(files.path)))
    return list(dict.fromkeys(_existing(place.absolute()) for place in places))


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(folder for folder in (place, *place.parents) if folder.exists())


def _room(folders: list[Path]) -> Finding:
    usage = shutil.disk_usage(folders[0])
    share = usage.free / usage.total if usage.total else 0.0
    names = os.path.commonpath(folders)
    return judged(names, usage.free, share)


def judged(where: str, free: int, share: float) -> Finding:
    what = f"{free / 1e9:.1f} GB ({share:.0%}) are free where {where} is"
    way_out = "make room: shorten the retention of finished jobs, clear what is not ours, or enlarge the disk"
    if free < _SCARCE_BYTES:
        return error("disk", what, way_out)
    if free < _SHORT_BYTES and share < _SHORT_SHARE:
        return warning("disk", what, way_out)
    return fine("disk", what)
