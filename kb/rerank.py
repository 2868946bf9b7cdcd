"""An optional second look at the best hits: any cross-encoder that sentence-transformers loads. Import this module lazily."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from kb.embed import clean, cpu_count, say
from kb.errors import EmbedderError
from kb.settings import Settings

_BATCH = 8


class Reranker(Protocol):
    """Scores how well each text answers a question; only the order of the scores means something."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, higher is better."""


class CrossEncoderReranker:
    """A sentence-transformers `CrossEncoder`."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, higher is better."""
        pairs = [(clean(query), clean(text)) for text in texts]
        found = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)
        return [float(score) for score in np.asarray(found, dtype=np.float64).reshape(len(texts), -1)[:, 0]]


def get_reranker(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, None if they name none.

    Raises:
        EmbedderError: the model cannot be found, downloaded or loaded.
    """
    name = settings.rerank_model.strip()
    if not name:
        return None
    if settings.hf_endpoint:
        os.environ.setdefault("HF_ENDPOINT", settings.hf_endpoint)
    say(f"loading the reranker {name} with sentence-transformers ...")
    import torch
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(settings.embed_threads or cpu_count())
    try:
        return CrossEncoderReranker(CrossEncoder(name, device="cpu"))
    except Exception as error:  # the hub, safetensors and model code each raise their own types
        raise EmbedderError(
            f"cannot load the reranker {name!r} ({type(error).__name__}: {(str(error).splitlines() or [''])[0]}); "
            "ADVISOR_RERANK_MODEL must be a cross-encoder's folder or name, or empty"
        ) from error
