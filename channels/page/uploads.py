"""Documents that maintainers send: checked and streamed to a waiting room in the data folder, before ingestion looks at them."""

from __future__ import annotations

import re
import secrets
import shutil
import time
import unicodedata
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from kb.errors import UsageError

MAX_BYTES = 25 * 2**20
MAX_FILES = 20
"""In one go."""
MAX_DOCUMENTS = 2000
"""In the folder of what was uploaded."""
_STALE_S = 3600.0
_TICKET = re.compile(r"[A-Za-z0-9_-]{20,40}")
_MAX_NAME_CHARS = 120


class UploadError(UsageError):
    """A document that is not taken. `key` and `values` are its wording in words.yaml."""

    def __init__(self, key: str, *values: object) -> None:
        super().__init__(f"{key}: {', '.join(map(str, values))}")
        self.key = key
        self.values = tuple(str(value) for value in values)


@dataclass(frozen=True)
class Uploads:
    """`folder` holds what was uploaded, under the names it was given; `suffixes` are the kinds of files that are read."""

    home: Path
    suffixes: Collection[str]
    max_bytes: int = MAX_BYTES
    max_documents: int = MAX_DOCUMENTS
    folder: Path = field(init=False)
    waiting: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", self.home / "documents")
        object.__setattr__(self, "waiting", self.home / "uploads")

    def name_of(self, given: str) -> str:
        """The file name that a document is kept under. Raises `UploadError` for a kind that is not read, or no name at all."""
        name = unicodedata.normalize("NFC", PurePath(given.replace("\\", "/")).name)
        name = "".join(c if c.isprintable() and c not in '/:*?"<>|' else "_" for c in name).strip().lstrip(".-")
        suffix = PurePath(name).suffix.lower()
        if suffix not in self.suffixes:
            raise UploadError("upload_kind", suffix or "–", " ".join(sorted(self.suffixes)))
        stem = name[: -len(suffix)].strip()
        if not stem:
            raise UploadError("upload_name")
        return stem[: _MAX_NAME_CHARS - len(suffix)] + suffix

    async def receive(self, given: str, content: AsyncIterator[bytes], declared_bytes: int | None = None) -> str:
        """Take a document in and return the ticket that `collect` needs. Nothing is kept of one that breaks a limit.

        Raises:
            UploadError: its kind is not read, it is empty or too large, or there are too many already.
        """
        name = self.name_of(given)
        if declared_bytes is not None and declared_bytes > self.max_bytes:
            raise UploadError("upload_size", _mb(self.max_bytes))
        if not (self.folder / name).exists() and self.count() >= self.max_documents:
            raise UploadError("upload_many", self.max_documents)
        self._sweep()
        ticket = secrets.token_urlsafe(18)
        place = self.waiting / ticket
        place.mkdir(parents=True)
        size = 0
        try:
            with (place / name).open("xb") as file:
                async for piece in content:
                    size += len(piece)
                    if size > self.max_bytes:
                        raise UploadError("upload_size", _mb(self.max_bytes))
                    file.write(piece)
            if size == 0:
                raise UploadError("upload_empty")
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        return ticket

    def collect(self, ticket: object) -> Path | None:
        """The document that waits under a ticket; None if there is none."""
        if not isinstance(ticket, str) or not _TICKET.fullmatch(ticket):
            return None
        place = self.waiting / ticket
        return next((path for path in place.iterdir() if path.is_file()), None) if place.is_dir() else None

    def count(self) -> int:
        """Documents in the folder."""
        return sum(1 for path in self.folder.iterdir() if path.is_file()) if self.folder.is_dir() else 0

    def _sweep(self) -> None:
        """Documents that nobody came for."""
        if self.waiting.is_dir():
            for place in self.waiting.iterdir():
                if time.time() - place.stat().st_mtime > _STALE_S:
                    shutil.rmtree(place, ignore_errors=True)


def _mb(size: int) -> str:
    return f"{size / 2**20:g}"
