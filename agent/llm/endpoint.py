"""Where the language model is: a base URL or the name of a well-known service, a model and a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import urlsplit

import yaml

from kb.errors import SettingsError
from kb.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible service. `shown` is the URL without a password; the key is never part of a printed form."""

    base_url: str
    model: str
    api_key: str = field(repr=False, default="")
    name: str = ""
    """The preset that was named, or the host."""
    needs_key: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    """What this service wants in each request beside the standard fields."""

    @property
    def shown(self) -> str:
        return without_password(self.base_url)

    @property
    def chat_url(self) -> str:
        return f"{self.shown}/chat/completions"


@dataclass(frozen=True, slots=True)
class Preset:
    """A service whose address is known. `models` are examples for a message, never a default."""

    name: str
    base_url: str
    needs_key: bool
    models: tuple[str, ...]


def presets() -> dict[str, Preset]:
    """Name or other name -> preset, out of presets.yaml."""
    data = yaml.safe_load(files("agent.llm").joinpath("presets.yaml").read_text(encoding="utf-8"))
    found: dict[str, Preset] = {}
    for name, record in data.items():
        preset = Preset(name, record["base_url"], bool(record.get("needs_key")), tuple(record.get("models", ())))
        for key in (name, *record.get("also", ())):
            found[key] = preset
    return found


def endpoint_of(settings: Settings) -> Endpoint | None:
    """The configured endpoint; None where no address is set. Raises `SettingsError` for an address that is none, or no model."""
    given = settings.llm_base_url.strip().rstrip("/")
    if not given:
        return None
    known = presets()
    preset = known.get(given.lower())
    url = preset.base_url if preset else given
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        names = ", ".join(sorted({p.name for p in known.values()}))
        raise SettingsError(
            f"ADVISOR_LLM_BASE_URL: found {without_password(given)!r}; expected http(s)://host/v1 or one of the names {names}"
        )
    if not settings.llm_model.strip():
        examples = f", e.g. {' or '.join(preset.models)}" if preset and preset.models else ""
        raise SettingsError(
            f"ADVISOR_LLM_MODEL is not set; name a model of {without_password(url)}{examples} (`advisor doctor` lists them)"
        )
    return Endpoint(
        url,
        settings.llm_model.strip(),
        settings.llm_api_key.get_secret_value().strip(),
        preset.name if preset else parts.hostname or "",
        preset.needs_key if preset else False,
    )


def without_password(url: str) -> str:
    """A URL may carry a password before its host."""
    scheme, mark, rest = url.partition("://")
    credentials, at, host = rest.partition("@")
    return f"{scheme}://********@{host}" if mark and at and "/" not in credentials else url
