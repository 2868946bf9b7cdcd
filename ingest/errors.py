"""Failures of reading one source. Ingestion reports each and goes on with the rest; none of them is ever an empty document."""

from __future__ import annotations

from kb.errors import AdvisorError


class ParseError(AdvisorError):
    """A file could not be read as what it claims to be. The message names the cause, what was expected and what fixes it."""


class UnsupportedFormatError(ParseError):
    """No parser reads this kind of file."""


class DamagedFileError(ParseError):
    """The file is cut off, empty or not what its name says."""


class EncryptedFileError(ParseError):
    """The file asks for a password."""


class TooLargeError(ParseError):
    """The file, or what it unpacks to, is beyond the limit that keeps memory bounded."""


class ParseTimeoutError(ParseError):
    """Reading took longer than the limit for one file."""


class EmptyTextError(ParseError):
    """The file was read, but there is no text in it (a scan without a text layer, a page of pictures)."""


class FetchError(AdvisorError):
    """A page could not be fetched; the message names the address and the cause."""


class ForbiddenAddressError(FetchError):
    """The address is not http(s), or leads to this machine or a private network."""
