"""Documents sent to the page: what is taken, under which name, and what becomes of the index and of the files."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from channels.page.documents_tab import _refused
from channels.page.documents_view import change_html, documents_html, passages_html
from channels.page.library_job import Change, LibraryJob, Refused
from channels.page.upload_view import ERRORS, uploader_html
from channels.page.uploads import UploadError, Uploads
from channels.page.words import word
from kb.manifest import DocumentRow
from kb.types import Chunk, Place

SUFFIXES = (".md", ".pdf")


def uploads_in(home: Path, **limits: int) -> Uploads:
    return Uploads(home, SUFFIXES, **limits)


def send(uploads: Uploads, name: str, *pieces: bytes, declared: int | None = None) -> Path:
    async def content() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    # A loop of our own: others may be kept in this thread.
    loop = asyncio.new_event_loop()
    try:
        path = uploads.collect(loop.run_until_complete(uploads.receive(name, content(), declared)))
    finally:
        loop.close()
    assert path is not None
    return path


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("价目.pdf", "价目.pdf"),
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\Users\\li\\plan.MD", "plan.md"),
        ("--remove=x.md", "remove=x.md"),
        (".hidden.md", "hidden.md"),
        ("a\n<b>\x1b.md", "a__b__.md"),
        ("长" * 500 + ".md", "长" * 117 + ".md"),
    ],
)
def test_a_name_is_made_safe_and_stays_readable(tmp_path: Path, given: str, kept: str) -> None:
    assert uploads_in(tmp_path).name_of(given) == kept


@pytest.mark.parametrize(("given", "key"), [("tool.exe", "upload_kind"), ("noending", "upload_kind"), ("...md", "upload_kind"), (" .md", "upload_kind")])
def test_what_is_not_read_is_not_taken(tmp_path: Path, given: str, key: str) -> None:
    with pytest.raises(UploadError) as caught:
        uploads_in(tmp_path).name_of(given)
    assert caught.value.key == key and word(key, "zh", *caught.value.values) and word(key, "en", *caught.value.values)


def test_a_document_that_breaks_a_limit_leaves_nothing_behind(tmp_path: Path) -> None:
    uploads = uploads_in(tmp_path, max_bytes=10, max_documents=1)
    for pieces, declared, key in (((b"12345", b"678901"), None, "upload_size"), ((b"",), None, "upload_empty"), ((b"1",), 11, "upload_size")):
        with pytest.raises(UploadError) as caught:
            send(uploads, "a.md", *pieces, declared=declared)
        assert caught.value.key == key
    uploads.folder.mkdir()
    (uploads.folder / "one.md").write_text("x")
    with pytest.raises(UploadError) as caught:
        send(uploads, "two.md", b"x")
    assert caught.value.key == "upload_many" and not list(tmp_path.rglob("a.md")) and not list(uploads.waiting.iterdir())
    assert send(uploads, "one.md", b"newer").name == "one.md"


def test_a_ticket_leads_to_its_document_and_nothing_else_does(tmp_path: Path) -> None:
    uploads = uploads_in(tmp_path)
    path = send(uploads, "a.md", b"text")
    assert path.read_bytes() == b"text" and uploads.collect(path.parent.name) == path
    assert [uploads.collect(ticket) for ticket in ("", None, "../documents", "x" * 24, 7)] == [None] * 5


def job_with(home: Path, script: str) -> LibraryJob:
    """A job whose command is a few lines of Python that see its arguments as `args`."""
    code = f"import sys, json; args = sys.argv[1:]\n{script}"
    return LibraryJob(uploads_in(home), (sys.executable, "-c", code))


REPORT = """
print('[1/2] added a.md (3 chunks)', file=sys.stderr)
print('[2/2] failed b.md: the file is damaged', file=sys.stderr)
print(json.dumps({"documents": {"added": 1, "updated": 0, "unchanged": 0, "removed": 0,
                                "failed": [{"source": "documents/b.md", "error": "documents/b.md: the file is damaged"}]}}))
sys.exit(3)
"""


def finish(change: Change) -> Change:
    assert change.finished.wait(30)
    return change


def test_a_change_reports_what_was_indexed_and_what_failed_and_keeps_only_good_files(tmp_path: Path) -> None:
    job = job_with(tmp_path, REPORT)
    job.uploads.folder.mkdir()
    (job.uploads.folder / "b.md").write_text("as it was")
    waiting = [send(job.uploads, "a.md", b"good"), send(job.uploads, "b.md", b"bad")]
    change = finish(job.add(waiting, [Refused("c.exe", "upload_kind", (".exe", ".md"))]))
    assert (change.done, change.total, change.counts["added"], change.error) == (2, 2, 1, "")
    assert change.failed[1] == Refused("documents/b.md", text="the file is damaged")
    assert (job.uploads.folder / "a.md").read_text() == "good" and (job.uploads.folder / "b.md").read_text() == "as it was"
    assert list(job.uploads.waiting.iterdir()) == []
    html = change_html(change)
    assert all(text in html for text in ("新增 1 个", "1 added", "c.exe", "the file is damaged", "不能读取 .exe"))


def test_a_command_that_breaks_is_an_error_with_its_last_line(tmp_path: Path) -> None:
    job = job_with(tmp_path, "print('advisor: the disk is full', file=sys.stderr); sys.exit(1)")
    change = finish(job.add([send(job.uploads, "a.md", b"x")]))
    assert change.error == "the disk is full" and not (job.uploads.folder / "a.md").exists()
    assert "the disk is full" in change_html(change) and "没有完成" in change_html(change)


def test_removal_takes_the_uploaded_file_along_and_leaves_others_alone(tmp_path: Path) -> None:
    job = job_with(tmp_path, "print(json.dumps({'documents': {'added': 0, 'updated': 0, 'unchanged': 0, 'removed': len(args) - 1, 'failed': []}}))")
    job.uploads.folder.mkdir()
    own, other = job.uploads.folder / "a.md", tmp_path / "theirs.md"
    own.write_text("x")
    other.write_text("x")
    for path in (own, other):
        assert finish(job.remove(path.name, os.path.realpath(path))).counts["removed"] == 1
    assert not own.exists() and other.exists()


def test_changes_wait_for_each_other(tmp_path: Path) -> None:
    job = job_with(tmp_path, "import os, time\nopen(os.environ['ADVISOR_HOME'] + '/seen', 'a').write('b')\ntime.sleep(.2)\nopen(os.environ['ADVISOR_HOME'] + '/seen', 'a').write('e')")
    changes = [job.remove(str(n), f"/nowhere/{n}.md") for n in range(3)]
    for change in changes:
        finish(change)
    assert (tmp_path / "seen").read_text() == "bebebe"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"name": "a.exe", "key": "upload_kind", "values": [".exe", ".md"]}, Refused("a.exe", "upload_kind", (".exe", ".md"))),
        ({"name": "a", "key": "title", "values": []}, Refused("a", "upload_broken")),
        ({"name": "a", "key": "upload_kind", "values": []}, Refused("a", "upload_broken")),
        ({}, Refused("None", "upload_broken")),
    ],
)
def test_only_our_own_wordings_are_taken_from_the_browser(item: dict[str, Sequence[str]], expected: Refused) -> None:
    assert _refused(item) == expected


def test_every_reason_has_its_words_with_as_many_values() -> None:
    for key, count in ERRORS.items():
        for language in ("zh", "en"):
            text = word(key, language, *(f"<{n}>" for n in range(count)))  # type: ignore[arg-type]
            assert all(f"<{n}>" in text for n in range(count))


def test_lists_offer_changes_only_to_those_who_may_and_show_names_as_text() -> None:
    row = DocumentRow("a<b>.md", "/d/a.md", "user", "h", "标题", 10, "2026-11-22T06:00:00", {}, 7)
    failures = [("bad<x>.pdf", "bad<x>.pdf: is cut off", "2026-11-22T06:00:00")]
    reader, maintainer = documents_html([row]), documents_html([row], failures, may_change=True)
    assert "data-remove" not in reader and 'data-remove="a&lt;b&gt;.md"' in maintainer
    assert "bad&lt;x&gt;.pdf</b> <span lang=\"en\">is cut off" in maintainer and "<x>" not in maintainer
    chunk = Chunk("c", "a<b>.md", 0, "text", "<script>x</script>", "", ("价格",), Place((3, 4)))
    assert "&lt;script&gt;" in passages_html("a<b>.md", [chunk]) and "第 3–4 行" in passages_html("a<b>.md", [chunk])
    assert "25 MB" in uploader_html(25 * 2**20, 20, SUFFIXES) and json.dumps(".md,.pdf") in uploader_html(1, 1, SUFFIXES)
