"""A folder of hostile files: each is reported, none stops the rest, nothing indexed is lost, memory stays bounded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from store_fakes import HashEmbedder, file_caches

from ingest import session
from ingest.progress import SilentReporter
from ingest.session import Request
from kb.manifest import Manifest
from kb.settings import Settings

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
MEMORY_LIMIT_BYTES = 2 * 1024**3

PROGRAM = """
import json, re, resource, sys
from pathlib import Path
from ingest import session
from ingest.progress import SilentReporter
from ingest.session import Request
from kb.settings import Settings
from store_fakes import HashEmbedder, file_caches
home = Path(sys.argv[1])
request = Request((sys.argv[2],))
report = session.ingest(Settings(home=home), request, SilentReporter(), embedder=HashEmbedder(), make_caches=file_caches(home))
status = Path("/proc/self/status")  # `ru_maxrss` of this process would count the memory of the test run that started it
own = re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
peak = max(int(own), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024
print(json.dumps({"exit": report.exit_code, "failed": {f.source: f.error for f in report.failed}, "peak": peak,
                  "skipped": [source for source, _ in report.plan.skipped]}))
"""


def ingest(home: Path, docs: Path) -> dict[str, object]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(HERE)])}
    command = [sys.executable, "-c", PROGRAM, str(home), str(docs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def zip_bomb(path: Path, member: str, megabytes: int) -> None:
    """A small office file that unpacks to something huge."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        with archive.open(member, "w", force_zip64=True) as stream:
            for _ in range(megabytes):
                stream.write(b"\0" * 1024 * 1024)


def locked_pdf(path: Path) -> None:
    """A PDF of one empty page that asks for a password."""
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(path)


def test_hostile_files_are_each_reported_and_cost_nothing_else(tmp_path: Path) -> None:
    docs, home = tmp_path / "docs", tmp_path / "home"
    docs.mkdir()
    (docs / "good.md").write_text("# Falcon\n\nThe Falcon model costs 3 yuan.\n", encoding="utf-8")
    (docs / "line\nbreak 🚀.md").write_text("# Heron\n\nThe Heron model is free.\n", encoding="utf-8")
    (docs / "later.md").write_text("# Crane\n\nThe Crane model costs 9 yuan.\n", encoding="utf-8")
    assert ingest(home, docs)["exit"] == 0

    (docs / "later.md").write_bytes(b"")
    (docs / "empty.txt").write_bytes(b"")
    (docs / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\nstream")
    (docs / "not.pdf").write_bytes(b"hello")
    (docs / "noise.md").write_bytes(os.urandom(200_000))
    locked_pdf(docs / "locked.pdf")
    zip_bomb(docs / "bomb.docx", "word/document.xml", 600)
    zip_bomb(docs / "bomb.xlsx", "xl/workbook.xml", 600)
    with (docs / "huge.txt").open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    (docs / "loop").symlink_to(docs)
    (docs / "good2.md").write_text("# Egret\n\nThe Egret model costs 4 yuan.\n", encoding="utf-8")
    result = ingest(home, docs)
    assert result["exit"] == 3
    hostile = {"later.md", "empty.txt", "cut.pdf", "not.pdf", "noise.md", "locked.pdf", "bomb.docx", "bomb.xlsx", "huge.txt"}
    assert result["failed"].keys() == hostile  # type: ignore[attr-defined]
    assert result["skipped"] == ["loop"]
    assert isinstance(result["peak"], int) and result["peak"] < MEMORY_LIMIT_BYTES
    manifest = Manifest.open(home)
    assert [document.source for document in manifest.documents()] == ["good.md", "good2.md", "later.md", "line\nbreak 🚀.md"]
    assert "9 yuan" in manifest.chunks_of("later.md")[0].text
    manifest.close()


def test_an_unreadable_file_and_folder_are_reported(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "closed").mkdir(parents=True)
    (docs / "good.md").write_text("# Falcon\n\nThe Falcon model costs 3 yuan.\n", encoding="utf-8")
    (docs / "secret.md").write_text("# Secret\n\nText.\n", encoding="utf-8")
    (docs / "secret.md").chmod(0)
    if os.access(docs / "secret.md", os.R_OK):
        pytest.skip("nothing is unreadable to this user")
    (docs / "closed").chmod(0)
    try:
        result = ingest(tmp_path / "home", docs)
    finally:
        (docs / "closed").chmod(0o700)
    assert result["exit"] == 3
    assert result["failed"].keys() == {"secret.md", "closed"}  # type: ignore[attr-defined]


def test_a_file_that_goes_while_others_are_read_is_reported(tmp_path: Path) -> None:
    docs, settings = tmp_path / "docs", Settings(home=tmp_path / "home")
    docs.mkdir()
    for name in ("a.md", "b.md", "c.md"):
        (docs / name).write_text(f"# {name}\n\nText of {name}.\n", encoding="utf-8")
    report = session.ingest(
        settings, Request((str(docs),)), SilentReporter(), embedder=HashEmbedder(), make_caches=file_caches(settings.home),
        on_plan=lambda plan: (docs / "b.md").unlink(),
    )  # fmt: skip
    assert report.exit_code == 3 and report.done["added"] == 2
    assert [(failure.source, "gone" in failure.error) for failure in report.failed] == [("b.md", True)]


def test_two_writers_at_once_both_finish(tmp_path: Path) -> None:
    docs, home = tmp_path / "docs", tmp_path / "home"
    docs.mkdir()
    for number in range(40):
        (docs / f"d{number}.md").write_text(f"# D{number}\n\nText of document {number}.\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(HERE)])}
    command = [sys.executable, "-c", PROGRAM, str(home), str(docs)]
    writers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [json.loads(writer.communicate(timeout=120)[0].splitlines()[-1]) for writer in writers]
    assert [result["exit"] for result in results] == [0, 0]
    manifest = Manifest.open(home)
    assert manifest.document_count() == 40
    assert manifest.chunk_count() == 40
    manifest.close()
