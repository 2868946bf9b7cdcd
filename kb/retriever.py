"""The hybrid search as a LlamaIndex retriever, for use inside anyone's LlamaIndex program. Import this module lazily."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks.base import CallbackManager
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from kb.index import Index
from kb.types import Chunk, SearchHit


class HybridRetriever(BaseRetriever):
    """Words and meaning, fused; nodes carry source, section, lines and both legs' scores in their metadata."""

    def __init__(
        self,
        index: Index | None = None,
        *,
        similarity_top_k: int = 10,
        sources: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
        callback_manager: CallbackManager | None = None,
        verbose: bool = False,
    ) -> None:
        """`index` defaults to the one of the settings; `sources` and `kinds` filter as in `Index.search`."""
        self.index = index or Index.open()
        self.similarity_top_k = similarity_top_k
        self.sources = sources
        self.kinds = kinds
        super().__init__(callback_manager=callback_manager, verbose=verbose)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self.index.search(query_bundle.query_str, self.similarity_top_k, sources=self.sources, kinds=self.kinds)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]


def _node(hit: SearchHit) -> TextNode:
    chunk = hit.chunk
    metadata: dict[str, Any] = {
        "source": chunk.source,
        "title": chunk.title,
        "section": chunk.section,
        "kind": chunk.kind,
        "first_line": chunk.place.lines[0],
        "last_line": chunk.place.lines[1],
        "dense_score": hit.dense_score,
        "lexical_score": hit.lexical_score,
    }
    if chunk.place.page is not None:
        metadata["page"] = chunk.place.page
    return TextNode(
        id_=chunk.id,
        text=chunk.text,
        metadata=metadata,
        excluded_embed_metadata_keys=list(metadata),
        excluded_llm_metadata_keys=[key for key in metadata if key not in ("source", "section")],
        relationships=_relationships(chunk),
    )


def _relationships(chunk: Chunk) -> dict[NodeRelationship, Any]:
    related: dict[NodeRelationship, Any] = {NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.source)}
    if chunk.parent:
        related[NodeRelationship.PARENT] = RelatedNodeInfo(node_id=chunk.parent)
    return related
