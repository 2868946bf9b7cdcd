"""Settings of `advisor serve` and its HTTP interfaces, read from the environment or `.env` when first asked for."""

from __future__ import annotations

from functools import lru_cache

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import SettingsError


class ServeSettings(BaseSettings):
    """Every setting has the prefix `ADVISOR_`."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_file=".env", extra="ignore")

    api_requests_per_minute: int = Field(default=240, ge=0)
    """Requests of one key, of the API and of MCP together, whatever they ask for; 0: no limit. Questions have `ADVISOR_RATE_PER_MINUTE`."""
    api_burst: int = Field(default=60, ge=1)
    """Of these, how many at once."""
    api_max_body_bytes: int = Field(default=1_000_000, ge=10_000)
    """A larger request is refused before it is read."""
    api_body_timeout_s: float = Field(default=15.0, gt=0)
    """For a request to arrive in full."""
    answer_workers: int = Field(default=8, ge=1, le=256)
    """Answers that the API and MCP work on at the same time."""
    answer_waiting: int = Field(default=64, ge=0)
    """Questions that may wait for one of these; more are told to come back."""
    answer_timeout_s: float = Field(default=180.0, gt=0)
    """For an answer of the API or MCP, the waiting included."""
    shutdown_timeout_s: float = Field(default=30.0, ge=0)
    """For running answers when the server is told to stop."""
    allowed_hosts: str = ""
    """Names by which the API and MCP are reached, separated by commas (advisor.example.com); on loopback its own names are always
    allowed, and beyond it every name is where none is given."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """`allowed_hosts` in lower case."""
        return tuple(name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip())


@lru_cache(maxsize=1)
def get_serve_settings() -> ServeSettings:
    """The settings of this process. Tests call `get_serve_settings.cache_clear()` after changing the environment."""
    try:
        return ServeSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ADVISOR_" + str(first["loc"][0]).upper()
        raise SettingsError(f"{name}: {first['msg']} (found {first.get('input')!r}); set it in the environment or in .env") from None
