"""Keys that programs ask with: `ADVISOR_API_KEYS`, separated by commas or blanks, each `KEY` or `NAME:KEY`."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kb.errors import SettingsError

MIN_KEY_CHARS = 16
_NAME = re.compile(r"[\w.-]{1,64}")


@dataclass(frozen=True, slots=True)
class ApiKeys:
    """Digest -> name. The keys themselves are not kept."""

    names: Mapping[bytes, str]

    @classmethod
    def read(cls, text: str) -> ApiKeys:
        """The keys of a setting; none for a blank one. Raises `SettingsError` for a short key, without repeating it."""
        names: dict[bytes, str] = {}
        for number, item in enumerate(re.split(r"[\s,]+", text.strip()), start=1):
            if not item:
                continue
            name, separator, key = item.rpartition(":")
            name = name if separator else f"key{number}"
            if not _NAME.fullmatch(name) or len(key) < MIN_KEY_CHARS:
                raise SettingsError(
                    f"ADVISOR_API_KEYS: key {number} cannot be used; expected KEY or NAME:KEY of {MIN_KEY_CHARS} characters or more, "
                    'e.g. from: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
                )
            names[_digest(key)] = name
        return cls(names)

    def __bool__(self) -> bool:
        return bool(self.names)

    def name_of(self, key: str) -> str | None:
        """Whose key it is. Every key is compared, in constant time."""
        given, found = _digest(key), None
        for digest, name in self.names.items():
            if hmac.compare_digest(digest, given):
                found = name
        return found

    def name_of_header(self, authorization: str) -> str | None:
        """The same for an `Authorization: Bearer KEY` header."""
        scheme, _, key = authorization.strip().partition(" ")
        return self.name_of(key.strip()) if scheme.lower() == "bearer" and key.strip() else None


def key_owner(name: str) -> str:
    """The owner that a program with that key is."""
    return f"key:{name}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
