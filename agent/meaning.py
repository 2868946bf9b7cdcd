"""Meaning-based fit of claims to a question: embeddings of all claims, made once for a catalog and kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.similar import claim_words
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]


class ClaimMeaning:
    """Vectors (claims x dimensions, unit length) of the claims that can answer a need."""

    def __init__(self, catalog: Catalog, embed: Embed, cache: Path | None = None) -> None:
        import numpy as np

        self._embed = embed
        self._claims: list[Claim] = [c for e in catalog.entities.values() for claims in e.claims.values() for c in claims]
        texts = [claim_words(c, catalog) for c in self._claims]
        key = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
        path = cache / f"claims-{key}.npy" if cache else None
        if path is not None and path.exists():
            self._vectors = np.load(path)
            if len(self._vectors) == len(texts):
                return
        self._vectors = embed(texts) if texts else np.zeros((0, 1), dtype=np.float32)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part.npy")
            np.save(part, self._vectors)
            part.replace(path)

    def fit(self, text: str) -> Mapping[int, float]:
        """`id(claim)` -> 0..0.6: how far above the average claim its likeness to the text lies."""
        import numpy as np

        if len(self._vectors) < 8:
            return {}
        likeness = self._vectors @ self._embed([text])[0]
        spread = float(likeness.std()) or 1.0
        score = np.clip(((likeness - float(likeness.mean())) / spread - 1.5) / 4.0, 0.0, 0.6)
        return {id(c): float(s) for c, s in zip(self._claims, score, strict=True) if s > 0}
