"""Decides what ingestion will do before it does anything: compares what is there with what the manifest knows.

Unchanged files are recognised by size, modification time and inode; the content is read only where these differ, or
where the file was changed so shortly before it was last read that its time may not tell.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from ingest.errors import ParseError
from ingest.parse import read_limited
from ingest.scan import SHIPPED, Found, Scan, identity, is_url
from kb.errors import UsageError
from kb.manifest import Manifest
from kb.writer import FileState

ActionKind = Literal["added", "updated", "unchanged", "renamed", "removed", "gone"]
_CLOCK_GRAIN_NS = 2_000_000_000  # FAT keeps modification times to two seconds


@dataclass(frozen=True, slots=True)
class Known:
    """A document as the manifest has it."""

    source: str
    path: str
    corpus: str
    content: str
    title: str
    state: FileState


@dataclass(frozen=True, slots=True)
class Action:
    """One line of the plan. `old_source` is the name before a renaming; `content` is what was read, or a page's last one."""

    kind: ActionKind
    source: str
    path: str
    corpus: str = ""
    content: str = ""
    old_source: str = ""
    found: Found | None = None


@dataclass(slots=True)
class Plan:
    """What will be done, in the order in which it will be done."""

    actions: list[Action] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    """(path, source, error)"""

    def of(self, *kinds: ActionKind) -> list[Action]:
        """The actions of these kinds."""
        return [action for action in self.actions if action.kind in kinds]

    def counts(self) -> dict[str, int]:
        """How many actions there are of each kind."""
        counts = Counter(action.kind for action in self.actions)
        return {kind: counts[kind] for kind in ("added", "updated", "unchanged", "renamed", "removed", "gone") if counts[kind]}


def content_key(data: bytes, name: str) -> str:
    """Identity of a content: its bytes, and the extension, because the same bytes are read differently as another format."""
    suffix = PurePosixPath(name.split("?")[0] if is_url(name) else name).suffix.lower()
    return hashlib.sha256(data).hexdigest()[:40] + suffix


def known_documents(manifest: Manifest, generation: int) -> list[Known]:
    """All documents of a generation except the catalog's records."""
    rows = manifest.connection.execute(
        """SELECT d.source, d.path, d.corpus, d.content, c.title, d.size, d.mtime_ns, d.inode, d.checked_ns
           FROM document_rows d JOIN contents c ON c.generation = d.generation AND c.hash = d.content
           WHERE d.generation = ? AND d.corpus != 'record' ORDER BY d.source""",
        (generation,),
    )
    return [
        Known(source, path, corpus, content, title, FileState(size, mtime_ns, inode, checked_ns))
        for source, path, corpus, content, title, size, mtime_ns, inode, checked_ns in rows
    ]


def make_plan(scan: Scan, known: Sequence[Known], taken: Sequence[str] = (), *, prune: bool = False) -> Plan:
    """The plan for what was found, given what is known. `taken` are source names that belong to something else."""
    return _Planner(scan, known, taken, prune).plan


def plan_removal(targets: Sequence[str], known: Sequence[Known]) -> Plan:
    """The plan that removes documents named by source, by path, by folder or by address.

    Raises:
        UsageError: nothing indexed goes by one of the names.
    """
    plan = Plan()
    chosen: dict[str, Known] = {}
    for target in targets:
        matches = [document for document in known if _is_named(document, target)]
        if not matches:
            raise UsageError(
                f"{target}: nothing in the index has this source, path or folder; `advisor ingest status --all` lists what there is"
            )
        chosen.update((document.source, document) for document in matches)
    plan.actions = [Action("removed", document.source, document.path, document.corpus) for document in chosen.values()]
    return plan


def _is_named(document: Known, target: str) -> bool:
    if target in (document.source, document.path):
        return True
    if is_url(target):
        return False
    path = identity(Path(target).expanduser())
    folder = os.path.realpath(Path(target).expanduser()) + os.sep
    return document.path == path or document.path.startswith(folder) or document.source.startswith(target.rstrip("/") + "/")


class _Planner:
    def __init__(self, scan: Scan, known: Sequence[Known], taken: Sequence[str], prune: bool) -> None:
        self._by_path = {document.path: document for document in known}
        self._by_source = {document.source: document for document in known}
        self._taken = set(taken)
        self._here = {found.path for found in scan.found}
        self._left: dict[str, Known] = {}
        self.plan = Plan(skipped=list(scan.skipped), failed=list(scan.failed))
        self._missing = self._find_missing(scan)
        by_content: dict[str, list[Known]] = {}
        for document in self._missing.values():
            by_content.setdefault(document.content, []).append(document)
        self._missing_by_content = by_content
        for found in scan.found:
            self._decide(found)
        always = {path for path, document in self._missing.items() if document.corpus == SHIPPED}
        for path, document in sorted(self._missing.items()):
            kind: ActionKind = "removed" if prune or path in always else "gone"
            self.plan.actions.append(Action(kind, document.source, path, document.corpus, document.content))

    def _find_missing(self, scan: Scan) -> dict[str, Known]:
        """Known documents under the roots whose file is not there any more; what could not be looked at is not missing."""
        unread = tuple(path for path, _, _ in scan.failed)
        return {
            path: document
            for path, document in self._by_path.items()
            if path not in self._here
            and any(path == root or (path.startswith(root) and root.endswith((os.sep, ":"))) for root in scan.roots)
            and not any(path == failed or path.startswith(failed + os.sep) for failed in unread)
        }

    def _decide(self, found: Found) -> None:
        if found.is_url:
            old = self._by_path.get(found.path)
            kind: ActionKind = "updated" if old else "added"
            self._add(kind, found, old.source if old else self._free_name(found), old.content if old else "")
            return
        old = self._by_path.get(found.path)
        if old is not None and _looks_same(old.state, found.state):
            self._add("unchanged", found, old.source, old.content)
            return
        try:
            data, state = _read(found)
        except ParseError as error:
            self.plan.failed.append((found.path, old.source if old else found.name, str(error)))
            return
        found = replace(found, state=state)
        content = content_key(data, found.name)
        if old is not None:
            self._add("unchanged" if old.content == content else "updated", found, old.source, content)
            return
        moved = self._moved_from(found, content)
        if moved is not None:
            self._missing.pop(moved.path, None)
            self._by_source.pop(moved.source, None)
            source = self._free_name(found)
            title_was_name = moved.title == PurePosixPath(moved.source).stem
            same = moved.content == content and (source == moved.source or not title_was_name)
            kind = "renamed" if same else "updated"
            self._add(kind, found, source, content, old_source=moved.source)
            return
        self._add("added", found, self._free_name(found), content)

    def _moved_from(self, found: Found, content: str) -> Known | None:
        """The document that this file was: the same content or the same name, where the file that had it is gone."""
        for document in self._missing_by_content.get(content, []):
            if document.path in self._missing:
                return document
        namesake = self._by_source.get(found.name)
        if namesake is None or namesake.corpus != found.corpus or namesake.path in self._here or is_url(namesake.path):
            return None
        return None if os.path.lexists(namesake.path) else namesake

    def _free_name(self, found: Found) -> str:
        tries = itertools.chain((found.name, f"{found.root}/{found.name}"), (f"{found.root}~{n}/{found.name}" for n in itertools.count(2)))
        return next(name for name in tries if name not in self._by_source and name not in self._taken)

    def _add(self, kind: ActionKind, found: Found, source: str, content: str = "", old_source: str = "") -> None:
        self._taken.add(source)
        old = old_source if old_source != source else ""
        self.plan.actions.append(Action(kind, source, found.path, found.corpus, content, old, found))


def _looks_same(old: FileState, new: FileState) -> bool:
    same = (old.size, old.mtime_ns, old.inode) == (new.size, new.mtime_ns, new.inode)
    return same and new.mtime_ns + _CLOCK_GRAIN_NS < old.checked_ns


def _read(found: Found) -> tuple[bytes, FileState]:
    """Bytes and state; the moment is taken before reading, so that a change during reading is noticed the next time."""
    assert found.file is not None
    checked_ns = time.time_ns()
    data = read_limited(found.file, found.name)
    return data, replace(found.state, size=len(data), checked_ns=checked_ns)
