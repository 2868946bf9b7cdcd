"""Settings from the environment or a `.env` file, read when first asked for and never at import."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kb.errors import SettingsError


class Settings(BaseSettings):
    """Every setting has the prefix `ADVISOR_`. Secrets are `SecretStr`, so that printing the settings masks them."""

    model_config = SettingsConfigDict(env_prefix="ADVISOR_", env_file=".env", extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("llm-advisor"))
    """Data folder: manifest, index, model cache, own catalog. Processes with different homes never meet."""
    lang: Literal["zh", "en", "auto"] = "auto"
    embed_model: str = "builtin"
    """`builtin` (multilingual-e5-small out of a package, no download) or any name or folder that sentence-transformers loads."""
    embed_backend: Literal["auto", "torch", "onnx"] = "auto"
    """What ingestion runs the bundled model in; `auto` takes what is fastest on this processor. The vectors are the same."""
    embed_threads: int = Field(default=0, ge=0)
    """Threads of the embedder; 0: all processors of this process."""
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("llm-advisor"))
    """Prepared models, which can be made again at any time; several data folders may share it."""
    hf_endpoint: str = ""
    """A mirror of the model hub, for models named by `embed_model` and `rerank_model`."""
    rerank_model: str = ""
    """A cross-encoder that sentence-transformers loads, to reorder the best hits; empty: none."""
    chroma_url: str = ""
    milvus_url: str = ""
    """Milvus as search index (http://host:19530), with the manifest in the PostgreSQL of `database_url`: for several machines.
    Empty: the data folder holds everything."""
    milvus_token: SecretStr = SecretStr("")
    """`user:password` or an API key of Milvus."""
    milvus_dense_index: Literal["HNSW", "HNSW_SQ", "DISKANN"] = "HNSW"
    """Index of the vectors in Milvus: HNSW_SQ keeps a quarter of their bytes in memory, DISKANN a small part, both slower to ask."""
    milvus_shards: int = Field(default=1, ge=1, le=16)
    """Shards of a new collection: about one for every 20 million chunks."""
    store_name: str = Field(default="main", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """Name of the index on shared servers: processes with the same name and servers share it, others never meet."""
    database_url: SecretStr = SecretStr("")
    """Where conversations, feedback, deliveries and limits are kept: `postgresql://...`; empty: a SQLite file in the data folder."""
    llm_base_url: str = ""
    """An OpenAI-compatible service: its address (http://host/v1) or a name of agent/llm/presets.yaml (deepseek, ollama ...)."""
    llm_model: str = ""
    llm_api_key: SecretStr = SecretStr("")
    llm_timeout_s: float = Field(default=60.0, gt=0)
    """For the whole of a model's answer, its tool calls included; after that the offline answer is shown."""
    llm_tools: Literal["auto", "always", "never"] = "auto"
    """Whether the model may call tools; `auto`: where the planner itself found no figure or fact that answers."""
    llm_max_steps: int = Field(default=4, ge=1, le=20)
    """Times that the model may speak in one turn: its answer, and before it rounds of tool calls."""
    llm_max_tokens: int = Field(default=800, ge=50)
    """Of one reply of the model."""
    llm_context_tokens: int = Field(default=3000, ge=500)
    """Of evidence and conversation that a model is given; small local models answer sooner with less."""
    llm_log: Path | None = None
    """A JSONL file that each turn with a model is appended to, secrets removed; none: nothing is logged."""
    otlp_endpoint: str = ""
    """Where OpenTelemetry traces of turns with a model go (http://host:4318/v1/traces); empty: nowhere."""
    answer_processes: int = Field(default=0, ge=0, le=64)
    """Processes that work out answers where no language model is set, each with the index open; 0: the asking process does it itself."""
    auth_file: Path | None = None
    api_keys: SecretStr = SecretStr("")
    rate_per_minute: int = Field(default=30, ge=0)
    """Questions that one account or key may ask in a minute; 0: as many as it likes."""
    session_secret: SecretStr = SecretStr("")
    """Signs the cookies of who is signed in; replicas need the same. Empty: one is made and kept in the data folder."""
    exchange_rate_cny_per_usd: str = ""
    """A dated rate such as `7.1@2026-11-01`. Empty: money is never converted unless the question gives a rate."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with changes. Another data folder is another installation, so its index has another name on shared servers too."""
        changes = dict(update or {})
        home = changes.get("home", self.home)
        if home != self.home and "store_name" not in changes:
            changes["store_name"] = "home_" + hashlib.blake2b(str(home).encode("utf-8", "replace"), digest_size=10).hexdigest()
        return super().model_copy(update=changes, deep=deep)


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process. Tests call `get_settings.cache_clear()` after changing the environment."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "ADVISOR_" + str(first["loc"][0]).upper()
        raise SettingsError(f"{name}: {first['msg']} (found {first.get('input')!r}); set it in the environment or in .env") from None


def without_secrets(settings: Settings) -> Settings:
    """A copy that may be sent to other machines."""
    blank = {name: SecretStr("") for name, value in settings if isinstance(value, SecretStr)}
    return settings.model_copy(update=blank)
