"""The manifest as readers use it."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest

from kb.errors import IndexMissingError
from kb.manifest import Manifest, ManifestError


def open_files(path: Path) -> int:
    """How often this process has the file open."""
    folder = Path("/proc/self/fd")
    return sum(1 for entry in os.listdir(folder) if (folder / entry).exists() and (folder / entry).resolve() == path)


def test_no_index_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="advisor ingest"):
        Manifest.open(tmp_path)


def test_a_file_that_a_writer_had_only_just_made_is_no_index_yet(tmp_path: Path) -> None:
    (tmp_path / "manifest.sqlite").touch()
    with pytest.raises(IndexMissingError):
        Manifest.open(tmp_path)


def test_a_file_that_is_not_a_manifest_is_reported_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "manifest.sqlite"
    path.write_bytes(b"something else" * 100)
    with pytest.raises(ManifestError, match="not a database"):
        Manifest.open(tmp_path)
    assert path.read_bytes() == b"something else" * 100


def test_a_manifest_of_another_version_says_what_to_do(tmp_path: Path) -> None:
    Manifest.create(tmp_path).close()
    with sqlite3.connect(tmp_path / "manifest.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ManifestError, match="format 99, this version expects"):
        Manifest.open(tmp_path)


def test_readers_cannot_write(tmp_path: Path) -> None:
    Manifest.create(tmp_path).close()
    manifest = Manifest.open(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        manifest.connection.execute("INSERT INTO meta VALUES ('a', 'b')")
    manifest.close()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files through /proc")
def test_a_threads_connection_ends_with_the_thread(tmp_path: Path) -> None:
    Manifest.create(tmp_path).close()
    manifest = Manifest.open(tmp_path)
    before = open_files(manifest.path)
    for _ in range(20):
        thread = threading.Thread(target=lambda: manifest.meta("store_id"))
        thread.start()
        thread.join()
    assert open_files(manifest.path) <= before + 2
    manifest.close()
    assert open_files(manifest.path) == 0
