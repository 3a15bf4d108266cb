"""Blobs: whole or not there, and never believed unread."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from witchery.digest import Digest
from witchery.errors import IntegrityError, StorageError
from witchery.store import atomic
from witchery.store.blobs import BlobStore


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_stored_is_read_back(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest, size = store.add([b"one", b"two"])
    assert (digest, size) == (Digest.sha256(b"onetwo"), 6)
    assert store.size(digest) == 6
    assert b"".join(store.content(digest).chunks()) == b"onetwo"
    assert store.add([b"onetwo"]) == (digest, size)
    assert files(tmp_path) == [digest.hex]


def test_a_damaged_blob_is_noticed_at_its_end(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    digest, _ = store.add([b"data"])
    store.path(digest).write_bytes(b"dat4")
    with pytest.raises(IntegrityError, match=f"expected {digest}"):
        list(store.content(digest).chunks())


def test_a_missing_blob_is_an_error(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    missing = Digest.sha256(b"nothing")
    assert store.size(missing) is None
    with pytest.raises(StorageError, match="no such file"):
        store.content(missing)


def test_nothing_is_left_of_a_blob_that_fails(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)

    def breaking() -> None:
        with store.writing() as writer:
            writer.write(b"half")
            raise IntegrityError("not what was promised")

    with pytest.raises(IntegrityError):
        breaking()
    assert files(tmp_path) == []


def test_a_full_disk_is_an_error_with_advice_and_leaves_nothing(tmp_path: Path) -> None:
    """A file system of 64 kB, as root on Linux; elsewhere the limit on file size says the same."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from witchery.store.blobs import BlobStore;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536));"
        "BlobStore(Path(sys.argv[1])).add([bytes(50000)] * 4)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert "StorageError" in done.stderr
    assert "file too large" in done.stderr
    assert files(tmp_path) == []


def test_a_folder_that_may_not_be_written_is_an_error_with_advice(tmp_path: Path) -> None:
    """As somebody who is not root."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    code = (
        "import os, sys, secrets; from pathlib import Path; from witchery.store.blobs import BlobStore;"
        "store = BlobStore(Path(sys.argv[1]) / 'x');"
        "os.geteuid() or os.setuid(65534); store.add([b''])"
    )
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert "StorageError" in done.stderr
    assert "permission denied" in done.stderr
    assert files(folder) == []


def test_a_folder_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(StorageError, match=r"not a directory|file exists"):
        BlobStore(tmp_path / "blobs").add([b""])


def test_a_killed_writer_leaves_no_blob_under_its_name(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from witchery.store.blobs import BlobStore;"
        "w = BlobStore(Path(sys.argv[1])).writing();"
        "b = w.__enter__(); b.write(b'x' * 100000); print('written', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.kill()
    assert all(name.startswith(atomic.PREFIX) for name in files(tmp_path))


def test_many_writers_of_one_blob_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from witchery.store.blobs import BlobStore;"
        "[BlobStore(Path(sys.argv[1])).add([b'x' * 100000, bytes([i % 5])]) for i in range(40)]"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, tmp_path]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    store = BlobStore(tmp_path)
    assert len(files(tmp_path)) == 5
    for name in files(tmp_path):
        list(store.content(Digest("sha256", name)).chunks())


def test_a_small_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "file"
    atomic.write(path, b"one")
    atomic.write(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert atomic.read(path, 3) == b"two"
    with pytest.raises(StorageError, match="limit of 2 bytes"):
        atomic.read(path, 2)
    assert time.time() - path.stat().st_mtime < 60
