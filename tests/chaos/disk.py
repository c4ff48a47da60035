"""A store that runs out of room: a small file system of its own where that is allowed, else a limit on file sizes."""

import contextlib
import errno
import resource
import subprocess
from pathlib import Path

_ROOM = 128 * 1024**2  # what twenty scenarios leave behind, many times over


class Disk:
    """Where a stage keeps its files."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "reckoner-chaos", str(folder)]
        self._is_mounted = subprocess.run(command, check=False, capture_output=True).returncode == 0

    def fill(self, pids):
        """From now on nothing of a megabyte fits."""
        if not self._is_mounted:
            self._limit(pids, 512 * 1024)
            return
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(65536))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def clear(self, pids):
        if self._is_mounted:
            (self.folder / "ballast").unlink()
        else:
            self._limit(pids, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(pids, most):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def close(self):
        if self._is_mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
