"""What is there to ingest: the files under the given paths, each with the name it will be known by.

A file is one document however it is reached. Hidden files, links that leave the given folder and loops are not followed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path, PurePath
from urllib.parse import urlsplit

from ingest.parse import SUPPORTED_SUFFIXES
from kb.errors import UsageError
from kb.writer import FileState

SHIPPED = "shipped"
USER = "user"
_MAX_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Found:
    """A file or page to be ingested. `name` is the source it would like to have, `path` its identity in the manifest."""

    name: str
    path: str
    corpus: str
    state: FileState
    file: Path | None
    root: str
    """Name of the folder that was given, put before `name` if two folders want the same one."""

    @property
    def is_url(self) -> bool:
        return self.file is None


@dataclass(slots=True)
class Scan:
    """`skipped` are (source, reason) of what is there and is not read; `failed` of what should be and cannot."""

    found: list[Found] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    """(path, source, error)"""
    roots: list[str] = field(default_factory=list)
    """Identity prefixes of what was looked at: a document below one that was not found is gone."""
    leave_out: frozenset[str] = frozenset()


def is_url(text: str) -> bool:
    """Whether an argument is a page's address rather than a path."""
    return text.lower().startswith(("http://", "https://"))


def identity(path: Path) -> str:
    """A path as the manifest remembers it: absolute, links resolved above the file, and always valid UTF-8."""
    absolute = os.path.join(os.path.realpath(path.parent), path.name) if path.name else os.path.realpath(path)
    return printable(absolute)


def printable(text: str) -> str:
    """File names may hold bytes that are not text; those are shown as escapes."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def scan_shipped() -> Scan:
    """The default corpus, wherever the package is installed."""
    scan = Scan(roots=[f"{SHIPPED}:"])
    with as_file(files("kb").joinpath("sources")) as folder:
        if not folder.is_dir():
            raise UsageError("the default corpus is missing from this installation (kb/sources); install the package again")
        for path in sorted(folder.iterdir()):
            if path.suffix in SUPPORTED_SUFFIXES:
                scan.found.append(Found(path.name, f"{SHIPPED}:{path.name}", SHIPPED, file_state(path.stat()), path, SHIPPED))
    return scan


def scan_paths(paths: Sequence[str], leave_out: Sequence[Path] = ()) -> Scan:
    """Everything under the given files, folders and addresses, but not what is in the folders `leave_out` (the index itself).

    Raises:
        UsageError: one of them does not exist, or is neither file, folder nor http(s) address.
    """
    scan = Scan(leave_out=frozenset(os.path.realpath(folder) for folder in leave_out))
    seen: set[str] = set()
    for given in paths:
        for found in _scan_one(given, scan):
            if found.path not in seen:
                seen.add(found.path)
                scan.found.append(found)
    return scan


def file_state(status: os.stat_result) -> FileState:
    """The cheap marks of a file's state."""
    return FileState(status.st_size, status.st_mtime_ns, status.st_ino)


def _scan_one(given: str, scan: Scan) -> Iterator[Found]:
    if is_url(given):
        host = urlsplit(given).netloc
        scan.roots.append(given)
        yield Found(given, given, USER, FileState(), None, host)
        return
    path = Path(given).expanduser()
    try:
        status = path.stat()
    except FileNotFoundError:
        raise UsageError(f"{given}: no such file or folder; give an existing path or an http(s) address") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{printable(given)}: cannot be opened ({getattr(error, 'strerror', None) or error})") from None
    if stat.S_ISDIR(status.st_mode):
        root = Path(os.path.realpath(path))
        scan.roots.append(printable(str(root)) + os.sep)
        yield from _walk(root, root, scan, 0)
    elif stat.S_ISREG(status.st_mode):
        scan.roots.append(identity(path))
        yield Found(printable(path.name), identity(path), USER, file_state(status), path, printable(path.resolve().parent.name))
    else:
        raise UsageError(f"{printable(given)}: neither a file nor a folder; give an existing file, folder or http(s) address")


def _walk(folder: Path, root: Path, scan: Scan, depth: int) -> Iterator[Found]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        scan.failed.append(
            (printable(str(folder)), _name(folder, root), f"the folder cannot be read ({error.strerror}); check its permissions")
        )
        return
    for entry in entries:
        path = Path(entry.path)
        name = _name(path, root)
        if entry.name.startswith(".") or entry.name == "__pycache__":
            continue
        try:
            if entry.is_symlink() and not _stays_inside(path, root, scan, name):
                continue
            if entry.is_dir():
                if entry.path in scan.leave_out:
                    continue
                if depth >= _MAX_DEPTH:
                    scan.skipped.append((name, f"more than {_MAX_DEPTH} folders deep"))
                    continue
                yield from _walk(path, root, scan, depth + 1)
            elif not entry.is_file():
                scan.skipped.append((name, "neither a file nor a folder"))
            elif path.suffix.lower() not in SUPPORTED_SUFFIXES:
                scan.skipped.append((name, f"files of type {path.suffix or '(no extension)'} are not read"))
            else:
                yield Found(name, printable(entry.path), USER, file_state(entry.stat()), path, printable(root.name))
        except OSError as error:
            scan.failed.append((printable(entry.path), name, f"cannot be looked at ({error.strerror}); check its permissions"))


def _stays_inside(path: Path, root: Path, scan: Scan, name: str) -> bool:
    """A link to a file of this folder is a second name; to a folder, or to anything outside, it is not followed."""
    try:
        target = Path(os.path.realpath(path, strict=True))
    except OSError as error:
        scan.skipped.append((name, f"a link that leads nowhere ({error.strerror})"))
        return False
    if target.is_dir():
        scan.skipped.append((name, "a link to a folder (links to folders are not followed)"))
        return False
    if not target.is_relative_to(root):
        scan.skipped.append((name, "a link that leaves the folder; give its target itself to ingest it"))
        return False
    return True


def _name(path: Path, root: Path) -> str:
    return printable(PurePath(os.path.relpath(path, root)).as_posix())
