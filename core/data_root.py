"""Find a file that a user names by path: inside the data root, or not at all."""

from pathlib import Path, PurePosixPath

from core.errors import ForbiddenError, UnreadableFileError


def inside(root: Path, wanted: str) -> Path:
    """The file; absolute paths, `..`, URLs and links that lead outside are refused before anything is read.

    A path may start with the root's own name: `data/numbers.xlsx` is what clients of the older service send.
    """
    path = PurePosixPath(wanted.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts or "\0" in wanted
    if outside or not path.parts or ":" in path.parts[0]:
        raise ForbiddenError(f"{wanted!r} is not a path inside the data root", filepath=wanted)
    home = root.resolve()
    for candidate in (home / path, home / PurePosixPath(*path.parts[1:]) if path.parts[0] == root.name else None):
        if candidate is None:
            continue
        real = candidate.resolve()
        if not real.is_relative_to(home):
            raise ForbiddenError(f"{wanted!r} leads outside the data root", filepath=wanted)
        if real.is_file():
            return real
    raise UnreadableFileError(f"no file {wanted!r} in the data root", filepath=wanted)
