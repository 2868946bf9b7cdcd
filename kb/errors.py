"""Failures of the knowledge base, named by cause. Each message says what was found, what was expected and what fixes it.

The command line turns an `AdvisorError` into one line on stderr and its `exit_code`; anything else is a bug and propagates.
"""

from __future__ import annotations


class AdvisorError(Exception):
    """Base of every expected failure. Callers at the edge (command line, page, channels) catch this one."""

    exit_code = 1


class UsageError(AdvisorError):
    """The caller asked for something that cannot be: a missing path, a bad option, a malformed line."""

    exit_code = 2


class SettingsError(UsageError):
    """An environment variable or `.env` entry has a value that cannot be used."""


class CatalogError(AdvisorError):
    """A catalog file is not valid. The message starts with `file:line`."""


class EmbedderError(AdvisorError):
    """The embedding model could not be found, unpacked or loaded."""


class IndexMissingError(AdvisorError):
    """Nothing has been ingested yet."""


class IndexMismatchError(AdvisorError):
    """The index was built with another embedder or chunker. The message names the command that rebuilds it."""


class IndexLockedError(AdvisorError):
    """Another process is writing to the index; the message says which."""


class CitationError(AdvisorError):
    """A quote does not occur in the chunk that it is attributed to."""
