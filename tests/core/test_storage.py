"""Files are kept by content: once, whole, and found again."""

import hashlib
import io
import resource
from pathlib import Path

import pytest

from core.errors import InvalidInputError, NotFoundError, StorageFullError, TooLargeError
from core.storage import Storage


@pytest.fixture(params=["file", "memory"])
def storage(request, tmp_path):
    return Storage(f"file://{tmp_path}/store" if request.param == "file" else f"memory://{tmp_path.name}")


class TrickleStream:
    """Gives a few bytes at a time, as a slow upload does."""

    def __init__(self, content: bytes, piece: int) -> None:
        self._content, self._piece = io.BytesIO(content), piece

    def read(self, size: int, /) -> bytes:
        return self._content.read(min(size, self._piece))


def test_what_is_saved_is_read_again(storage):
    content = bytes(range(256)) * 5000
    stored = storage.save(TrickleStream(content, 1000))
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert stored.bytes == storage.size(stored.sha256) == len(content)
    with storage.open(stored.sha256) as opened:
        assert opened.read() == content
    with storage.local_path(stored.sha256) as path:
        assert path.read_bytes() == content


def test_the_same_content_is_stored_once(tmp_path):
    storage = Storage(f"file://{tmp_path}/store")
    source = tmp_path / "ledger.csv"
    source.write_bytes(b"a,b\n1,2\n")
    assert storage.save(source) == storage.save(io.BytesIO(b"a,b\n1,2\n"))
    assert len([path for path in (tmp_path / "store").rglob("*") if path.is_file()]) == 1


def test_too_large_a_stream_leaves_nothing_behind(tmp_path):
    storage = Storage(f"file://{tmp_path}/store")
    with pytest.raises(TooLargeError, match="larger than 10 bytes"):
        storage.save(io.BytesIO(b"x" * 11), max_bytes=10)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    assert storage.save(io.BytesIO(b"x" * 10), max_bytes=10).bytes == 10


def test_a_stream_that_breaks_leaves_nothing_behind(tmp_path):
    class Broken:
        def read(self, _size: int, /) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        Storage(f"file://{tmp_path}/store").save(Broken())
    assert [path for path in Path(tmp_path).rglob("*") if path.is_file()] == []


def test_deleted_content_is_gone_and_deleting_twice_is_no_error(storage):
    stored = storage.save(io.BytesIO(b"bye"))
    storage.delete(stored.sha256)
    storage.delete(stored.sha256)
    assert not storage.exists(stored.sha256)
    with pytest.raises(NotFoundError):
        storage.open(stored.sha256)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63])
def test_only_a_hash_names_content(storage, name):
    with pytest.raises(InvalidInputError):
        storage.exists(name)


def test_a_full_disk_has_a_name_of_its_own_and_leaves_nothing_behind(tmp_path):
    storage = Storage(f"file://{tmp_path}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(StorageFullError):
            storage.save(io.BytesIO(bytes(200_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((tmp_path / "incoming").iterdir()) == []
