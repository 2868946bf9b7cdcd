"""Vectors of the shipped corpus and catalog, made beforehand: the first start of a new installation waits for no embedding.

Looked up by text and embedder. A text that has changed since, or another embedder, is simply not there and embedded as any
other; `python -m eval.shipped_vectors` makes the file anew after the shipped texts have changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["passage", "query"]
"""How a text was embedded: models put different words before passages and questions."""
FILE_NAME = "shipped_vectors.npz"


def key_of(fingerprint: str, kind: Kind, text: str) -> int:
    """Under which the vector of a text is stored."""
    return int.from_bytes(hashlib.blake2b(f"{fingerprint}\0{kind}\0{text}".encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def shipped_vectors(fingerprint: str, kind: Kind, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """Unit vectors of those of the texts that were embedded beforehand with this embedder."""
    rows = _rows()
    if not rows:
        return {}
    import numpy as np

    found = {}
    for text in texts:
        row = rows.get(key_of(fingerprint, kind, text))
        if row is not None:
            vector = row.astype(np.float32)
            found[text] = vector / np.float32(np.linalg.norm(vector))
    return found


@lru_cache(maxsize=1)
def _rows() -> dict[int, NDArray[np.float16]]:
    import numpy as np

    file = files("kb").joinpath(FILE_NAME)
    if not file.is_file():
        return {}
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        return dict(zip((int(key) for key in data["keys"]), data["vectors"], strict=True))
