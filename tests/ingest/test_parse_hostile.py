"""Files that are broken, locked, huge or malicious: each is one clear error that names the file and what to do."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from made_corpus import build

from ingest import parse
from ingest.errors import (
    DamagedFileError,
    EmptyTextError,
    EncryptedFileError,
    ParseError,
    ParseTimeoutError,
    TooLargeError,
    UnsupportedFormatError,
)
from ingest.parse import parse_bytes, parse_file
from ingest.parse_pdf import parse_pdf


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    build(folder)
    return folder


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf", b"\x00" * 100])
@pytest.mark.parametrize("name", ["a.md", "a.pdf", "a.docx", "a.csv"])
def test_an_empty_file_says_so(data: bytes, name: str) -> None:
    with pytest.raises(DamagedFileError, match=f"{name}: the file is empty"):
        parse_bytes(data, name)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", ["redwood.pdf", "fir.docx", "cedar.pptx", "hemlock.xlsx", "cypress.epub"])
def test_a_truncated_file_is_reported_as_damaged(corpus: Path, name: str, share: float) -> None:
    data = (corpus / name).read_bytes()
    with pytest.raises(DamagedFileError, match=name):
        parse_bytes(data[: int(len(data) * share)], name)


@pytest.mark.parametrize("name", ["fir.docx", "cedar.pptx", "hemlock.xlsx", "cypress.epub"])
def test_a_package_with_a_broken_part_is_reported_as_damaged(corpus: Path, name: str) -> None:
    source, broken = zipfile.ZipFile(corpus / name), io.BytesIO()
    with zipfile.ZipFile(broken, "w") as archive:
        for member in source.namelist():
            main = member.endswith(("document.xml", "presentation.xml", "workbook.xml", "p.opf"))
            archive.writestr(member, b"<broken" if main else source.read(member))
    with pytest.raises(ParseError, match=name):
        parse_bytes(broken.getvalue(), name)


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.pptx", "a.epub"])
def test_text_under_the_name_of_another_format_is_refused(name: str) -> None:
    with pytest.raises(DamagedFileError, match="It may be cut off or have the wrong extension"):
        parse_bytes("这不是那种文件。".encode(), name)


def test_an_encrypted_pdf_asks_for_one_without_password(corpus: Path) -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(corpus / "redwood.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    locked = io.BytesIO()
    writer.write(locked)
    with pytest.raises(EncryptedFileError, match="asks for a password"):
        parse_bytes(locked.getvalue(), "a.pdf")


def test_an_encrypted_office_file_and_an_old_one_are_told_apart() -> None:
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600
    with pytest.raises(EncryptedFileError):
        parse_bytes(ole + "EncryptedPackage".encode("utf-16-le"), "a.docx")
    with pytest.raises(UnsupportedFormatError, match="save it as .docx"):
        parse_bytes(ole, "a.doc")


@pytest.mark.parametrize(
    ("name", "part"), [("a.docx", "word/document.xml"), ("a.xlsx", "xl/workbook.xml"), ("a.pptx", "ppt/presentation.xml")]
)
def test_a_zip_bomb_is_not_opened(name: str, part: str) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(part, "w") as stream:
            for _ in range(80):
                stream.write(b" " * (1 << 20))
    with pytest.raises(TooLargeError, match="it was not opened"):
        parse_bytes(bomb.getvalue(), name)


def test_an_archive_of_many_files_or_of_another_kind_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "文")
    with pytest.raises(UnsupportedFormatError, match="unpack it"):
        parse_bytes(packed.getvalue(), "a.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(20_001):
            archive.writestr(str(number), "")
    with pytest.raises(TooLargeError):
        parse_bytes(packed.getvalue(), "a.docx")


def test_entities_that_explode_are_not_expanded(corpus: Path) -> None:
    bomb = (
        '<!DOCTYPE l [<!ENTITY a "'
        + "x" * 1000
        + '">'
        + "".join(
            f'<!ENTITY {new} "{"&" + old + ";" * 1}{("&" + old + ";") * 9}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
    )
    chapter = bomb + "]><html><body><p>&i;</p></body></html>"
    broken = io.BytesIO()
    source = zipfile.ZipFile(corpus / "cypress.epub")
    with zipfile.ZipFile(broken, "w") as archive:
        for member in source.namelist():
            archive.writestr(member, chapter if member.endswith("c1.xhtml") else source.read(member))
    try:
        document = parse_bytes(broken.getvalue(), "a.epub")
    except ParseError:
        return
    assert sum(len(block.text) for block in document.blocks) < 100_000


def test_a_scan_without_text_layer_asks_for_ocr() -> None:
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.rect(10, 10, 100, 100)
    canvas.save()
    with pytest.raises(EmptyTextError, match="OCR"):
        parse_bytes(target.getvalue(), "scan.pdf")


def test_reading_a_pdf_ends_at_the_time_limit(corpus: Path) -> None:
    with pytest.raises(ParseTimeoutError, match="split the PDF"):
        parse_pdf((corpus / "redwood.pdf").read_bytes(), "a.pdf", time_limit_s=0.01)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as stream:
        stream.truncate(200 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TooLargeError, match="210 MB is more than the limit"):
        parse_file(path, "large.txt")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50 * 1024


def test_a_file_that_grows_past_the_limit_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 100)
    monkeypatch.setattr(parse, "MAX_TEXT_BYTES", 50)
    monkeypatch.setattr(os, "fstat", lambda number: os.stat_result((0,) * 6 + (10, 0, 0, 0)))
    with pytest.raises(TooLargeError):
        parse_file(path, "a.txt")


def test_a_missing_file_a_folder_and_an_unreadable_file_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParseError, match="gone.md: the file is gone"):
        parse_file(tmp_path / "gone.md", "gone.md")
    with pytest.raises(ParseError, match="this is a folder"):
        parse_file(tmp_path, "folder")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ParseError, match="may not be read by this user"):
        parse_file(tmp_path / "a.md", "a.md")


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnsupportedFormatError, match=r"\.md.*\.pdf"):
        parse_bytes(b"text that is not the point", "a.rtf")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"a": [1, 2', "a.json"),
        (b'{"a": 1}\n{"b": ', "a.jsonl"),
        (b"[" * 100_000, "deep.json"),
        (b'{"a":' * 200 + b"1" + b"}" * 200, "nested.json"),
    ],
)
def test_broken_json_names_its_line_or_depth(data: bytes, name: str) -> None:
    with pytest.raises(DamagedFileError, match=name):
        parse_bytes(data, name)


def test_a_deeply_nested_page_is_read_without_recursion_failure() -> None:
    page = "<!doctype html><html><body>" + "<div>" * 1_500 + "最里面的一句话，它应该还在。" + "</div>" * 1_500
    assert "最里面的一句话" in parse_bytes(page.encode(), "a.html").blocks[-1].text


def test_plain_text_is_parsed_without_loading_any_heavy_parser() -> None:
    code = (
        "import sys\nfrom ingest.parse import parse_bytes\nfrom ingest.chunk import chunk_document\n"
        "chunk_document(parse_bytes('# 题\\n\\n正文**粗**。'.encode(), 'a.md'))\n"
        "heavy = {'lxml', 'trafilatura', 'pdfplumber', 'docx', 'pptx', 'openpyxl', 'charset_normalizer', 'pypdfium2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = Path(parse.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "[]"
