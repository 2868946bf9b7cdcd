"""Vectors that come with the shipped corpus are what the model itself gives, and are taken for nothing else."""

from __future__ import annotations

import numpy as np

from eval.shipped_vectors import shipped_texts
from kb.embed import embedder_fingerprint, get_query_embedder
from kb.settings import get_settings
from kb.shipped_vectors import shipped_vectors


def test_they_are_the_models_own_up_to_rounding() -> None:
    settings = get_settings()
    embedder = get_query_embedder(settings)
    for kind, texts in shipped_texts().items():
        made = shipped_vectors(embedder.fingerprint, kind, texts)
        sample = sorted(made, key=len)[: 12 * 8 : 12]
        again = embedder.embed_passages(sample) if kind == "passage" else embedder.embed_queries(sample)
        for text, vector in zip(sample, again, strict=True):
            assert float(made[text] @ vector) > 0.998, text
            assert abs(float(np.linalg.norm(made[text])) - 1) < 1e-5


def test_most_of_the_shipped_texts_are_there() -> None:
    """If this fails, the shipped corpus has changed: `python -m eval.shipped_vectors` makes the file anew."""
    fingerprint = embedder_fingerprint(get_settings())
    for kind, texts in shipped_texts().items():
        assert len(shipped_vectors(fingerprint, kind, texts)) > 0.7 * len(texts)


def test_another_text_kind_or_embedder_is_not_there() -> None:
    fingerprint = embedder_fingerprint(get_settings())
    texts = shipped_texts()["passage"][:3]
    assert len(shipped_vectors(fingerprint, "passage", [*texts, "a text of somebody else"])) == 3
    assert not shipped_vectors(fingerprint, "query", texts)
    assert not shipped_vectors("another-model/1", "passage", texts)
