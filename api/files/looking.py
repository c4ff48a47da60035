"""The first look at an uploaded file. Loads the readers, so it is imported by the first upload, not by every node."""

from __future__ import annotations

from api.platform import current_holder, current_platform
from core.storage import StoredFile
from core.workbook.opening import open_now
from core.workbook.preview import Preview, preview
from tasks.inputs import Inputs
from tasks.two_sum.column_cache import ColumnCache


def look_at(stored: StoredFile, name: str) -> Preview:
    """The preview; what it parsed stays in the cache for the first question."""
    platform = current_platform()
    folder = Inputs(platform.runtime, current_holder().owner).cache_folder
    with platform.storage.local_path(stored.sha256) as path:
        source = ColumnCache(folder).source(stored.sha256, lambda: open_now(path, name=name))
        try:
            return preview(source)
        finally:
            source.close()
