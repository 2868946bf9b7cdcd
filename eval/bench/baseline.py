"""What one writes first: LlamaIndex's reader-splitter-embedding pipeline with its defaults, into a Chroma collection with its
defaults, the same weights in sentence-transformers. Import this module lazily."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core import SimpleDirectoryReader
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from pydantic import PrivateAttr

from kb.embed import BUILTIN, model_name
from kb.settings import Settings


class _PlainEmbedding(BaseEmbedding):
    """`SentenceTransformer.encode` as it comes, ten texts at a time as LlamaIndex asks for them."""

    _model: Any = PrivateAttr()

    def __init__(self, model: Any) -> None:
        super().__init__(model_name="baseline")
        self._model = model

    def _get_query_embedding(self, query: str) -> list[float]:
        return [float(value) for value in self._model.encode("query: " + query, normalize_embeddings=True, show_progress_bar=False)]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        found: list[list[float]] = self._model.encode(
            ["passage: " + text for text in texts], normalize_embeddings=True, show_progress_bar=False
        ).tolist()
        return found

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


class Baseline:
    """Ingests files and answers questions with the nearest nodes."""

    def __init__(self, settings: Settings) -> None:
        """Loads the model; `load_s` says how long that took, imports included."""
        began = time.perf_counter()
        from sentence_transformers import SentenceTransformer

        from kb.embed_torch import builtin_folder

        name = model_name(settings)
        self._embedding = _PlainEmbedding(SentenceTransformer(str(builtin_folder(settings)) if name == BUILTIN else name, device="cpu"))
        self._embedding.get_query_embedding("warm up")
        self.load_s = time.perf_counter() - began
        self._collection: Any = None

    def ingest(self, files: Sequence[Path], folder: Path) -> int:
        """Read, split, embed, store; returns the number of nodes."""
        import chromadb
        import chromadb.config

        documents = SimpleDirectoryReader(input_files=[str(file) for file in files]).load_data()
        nodes = IngestionPipeline(transformations=[SentenceSplitter(), self._embedding]).run(documents=documents)
        client = chromadb.PersistentClient(str(folder), settings=chromadb.config.Settings(anonymized_telemetry=False))
        self._collection = client.create_collection("baseline", embedding_function=None)
        self._collection.add(
            ids=[node.node_id for node in nodes],
            embeddings=[node.get_embedding() for node in nodes],
            documents=[node.get_content() for node in nodes],
        )
        return len(nodes)

    def search(self, question: str, k: int = 10) -> list[str]:
        """The texts of the nearest nodes."""
        found = self._collection.query(query_embeddings=[self._embedding.get_query_embedding(question)], n_results=k, include=["documents"])
        return [str(text) for text in found["documents"][0]]
