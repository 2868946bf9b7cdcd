"""What a calculator refuses: the message names the field, what was found and what would do."""

from __future__ import annotations

from kb.errors import UsageError


class SizingError(UsageError):
    """An input that cannot be calculated with, or a question the inputs cannot answer. `zh` is the same in Chinese."""

    def __init__(self, message: str, zh: str = "") -> None:
        super().__init__(message)
        self.zh = zh or message

    def text(self, language: str) -> str:
        """The message in `zh` or `en`."""
        return self.zh if language == "zh" else str(self)


class DoesNotFitError(SizingError):
    """No allowed configuration holds the model and its requests; the message says by how much."""
