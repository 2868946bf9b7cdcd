"""Office files and e-books are ZIP archives: looked at before anything is unpacked, so that a bomb is refused, not opened."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import NoReturn

from ingest.errors import DamagedFileError, EncryptedFileError, TooLargeError, UnsupportedFormatError

MAX_UNPACKED_BYTES = 256 * 1024 * 1024
MAX_MEMBER_BYTES = 64 * 1024 * 1024
"""XML grows tenfold and more as a tree in memory; this keeps the worst accepted file under 2 GiB."""
MAX_RATIO = 200
_RATIO_FROM_BYTES = 8 * 1024 * 1024
MAX_MEMBERS = 20_000

_KINDS = (("word/document.xml", "docx"), ("ppt/presentation.xml", "pptx"), ("xl/workbook.xml", "xlsx"), ("META-INF/container.xml", "epub"))


def package_kind(data: bytes, source: str) -> str:
    """`docx`, `pptx`, `xlsx` or `epub`, after the archive's directory was checked against the limits."""
    names = check_archive(data, source)
    for name, kind in _KINDS:
        if name in names:
            return kind
    if "EncryptedPackage" in names:
        raise EncryptedFileError(_locked(source))
    if "content.xml" in names and "mimetype" in names:
        raise UnsupportedFormatError(f"{source}: OpenDocument files are not read; save it as .docx, .xlsx or .pptx")
    if "xl/workbook.bin" in names:
        raise UnsupportedFormatError(f"{source}: binary workbooks (.xlsb) are not read; save it as .xlsx")
    raise UnsupportedFormatError(f"{source}: this is a ZIP archive and no office document or e-book; unpack it and ingest the files in it")


def check_archive(data: bytes, source: str) -> frozenset[str]:
    """The names in a ZIP archive whose unpacked size, ratio and number of files are within the limits."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, UnicodeDecodeError) as error:
        raise DamagedFileError(
            f"{source}: the file is cut off or damaged ({error}); expected a complete archive. Export or download it again"
        ) from None
    if len(members) > MAX_MEMBERS:
        raise TooLargeError(f"{source}: it unpacks to {len(members)} files, the limit is {MAX_MEMBERS}; this is no ordinary document")
    total = sum(member.file_size for member in members)
    largest = max((member.file_size for member in members), default=0)
    ratio = total / max(1, len(data))
    if total > MAX_UNPACKED_BYTES or largest > MAX_MEMBER_BYTES and _is_text(members) or ratio > MAX_RATIO and total > _RATIO_FROM_BYTES:
        raise TooLargeError(
            f"{source}: {len(data) / 1e6:.1f} MB unpack to {total / 1e6:.0f} MB ({ratio:.0f} times as much), beyond the limits "
            f"({MAX_UNPACKED_BYTES / 1e6:.0f} MB in all, {MAX_MEMBER_BYTES / 1e6:.0f} MB a part, {MAX_RATIO} times); "
            "it was not opened. If it is a real document, split it or remove what is embedded in it"
        )
    if any(member.flag_bits & 0x1 for member in members):
        raise EncryptedFileError(_locked(source))
    return frozenset(member.filename for member in members)


def _is_text(members: list[zipfile.ZipInfo]) -> bool:
    return any(
        member.file_size > MAX_MEMBER_BYTES and member.filename.lower().endswith((".xml", ".xhtml", ".html", ".htm", ".rels"))
        for member in members
    )


def refuse_ole(data: bytes, source: str) -> NoReturn:
    """Old binary office files and encrypted new ones share a container; neither is read, each is told what to do."""
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise EncryptedFileError(_locked(source))
    raise UnsupportedFormatError(f"{source}: old binary office files (.doc, .xls, .ppt) are not read; save it as .docx, .xlsx or .pptx")


def _locked(source: str) -> str:
    return f"{source}: the file is encrypted; expected one that opens without a password. Remove the protection and save it again"
