"""Makes `kb/shipped_vectors.npz`: run `python -m eval.shipped_vectors` after the shipped corpus or catalog has changed.

Takes the texts as ingestion and answering would embed them, with the built-in model, and keeps the vectors in half precision.
"""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

from kb.settings import Settings, get_settings
from kb.shipped_vectors import FILE_NAME, Kind, key_of


def shipped_texts() -> dict[Kind, list[str]]:
    """Chunks of the shipped documents and catalog records (as passages), words of the shipped claims (as questions are)."""
    from agent.similar import claim_words
    from ingest.chunk import chunk_document
    from ingest.parse import parse_file
    from ingest.records import record_documents
    from ingest.scan import scan_shipped
    from kb.catalog.load import SHIPPED_FOLDER, load_catalog

    catalog = load_catalog(folders=[SHIPPED_FOLDER])
    documents = [parse_file(found.file, found.name) for found in scan_shipped().found if found.file is not None]
    chunks = [chunk for document in documents for chunk in chunk_document(document)]
    chunks += [chunk for _, record in record_documents(catalog) for chunk in record]
    claims = [claim for entity in catalog.entities.values() for group in entity.claims.values() for claim in group]
    return {
        "passage": list(dict.fromkeys(chunk.indexed_text for chunk in chunks)),
        "query": list(dict.fromkeys(claim_words(claim, catalog) for claim in claims)),
    }


def main() -> int:
    """Embeds everything and writes the file."""
    import numpy as np

    from kb.embed import get_embedder

    settings = get_settings()
    embedder = get_embedder(Settings(home=settings.home, embed_backend=settings.embed_backend))
    keys: list[int] = []
    rows = []
    for kind, texts in shipped_texts().items():
        print(f"{len(texts)} texts as {kind} ...", file=sys.stderr, flush=True)
        vectors = embedder.embed_passages(texts) if kind == "passage" else embedder.embed_queries(texts)
        keys += [key_of(embedder.fingerprint, kind, text) for text in texts]
        rows.append(vectors)
    target = Path(str(files("kb").joinpath(FILE_NAME)))
    np.savez_compressed(target, keys=np.array(keys, dtype=np.uint64), vectors=np.concatenate(rows).astype(np.float16))
    print(f"written: {target} ({target.stat().st_size // 1024} KB)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
