"""Files that a request names: what was found, and how rules ask for them without knowing where they are kept."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class InputFile:
    """A file that was found; its content is named by its hash."""

    name: str
    sha256: str
    bytes: int
    path: Path | None  # None: it is in the storage


class FileFinder(Protocol):
    """Finds files for one owner."""

    @property
    def cache_folder(self) -> Path:
        """Where parsed columns are kept on this machine."""

    def find(self, *, file: str | None = None, filepath: str | None = None) -> InputFile:
        """An uploaded file by its id, or another by its path inside the data root."""

    def local(self, found: InputFile) -> AbstractContextManager[Path]:
        """The file's content at a path of this machine."""
