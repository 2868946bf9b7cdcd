"""One generation's search index in Milvus: vectors and words in one collection. The only module that knows pymilvus.

Milvus's BM25 function reads our own tokens (`kb.text`), written so that any of its tokenizers leaves them whole: what is indexed
and what is asked meet as in the data folder's index. A chunk also has the sources and folders that it is filtered by.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np

from kb.errors import AdvisorError, SettingsError
from kb.manifest import ALSO_IN, Matrix
from kb.settings import Settings
from kb.text import index_tokens
from kb.types import Chunk

REVISION = 1
"""Part of the collection's name: a change of the fields or of `kb.text` begins an empty one, which the manifest refills."""

BM25: Mapping[str, float] = {"bm25_k1": 1.2, "bm25_b": 0.75}
"""As tantivy has them, so that both stores rank words alike."""

_DENSE: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "HNSW": ({"M": 32, "efConstruction": 200}, {"ef": 400}),
    "HNSW_SQ": ({"M": 32, "efConstruction": 200, "sq_type": "SQ8"}, {"ef": 400}),
    "DISKANN": ({}, {"search_list": 200}),
}
"""Parameters of building and of asking; those of HNSW are Chroma's (`kb.vectors.HNSW`)."""

_MAX_BODY_BYTES = 65_000
_MAX_PLACE_BYTES = 1_024
_MAX_PLACES = 1_024
_BATCH = 500
_TIMEOUT_S = 60.0


class MilvusError(AdvisorError):
    """Milvus could not be reached, read or written."""


class MilvusIndex:
    """The collection, made when the first chunk comes: until then its dimensions are not known, and it is empty."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = name
        self._settings = settings
        self._last = ""
        with self._translated():
            self._client = _client(settings.milvus_url, settings.milvus_token.get_secret_value())
            self._exists = bool(self._client.has_collection(name))

    # -- as a cache of the manifest -------------------------------------------------------------------------------

    def add(self, chunks: Sequence[Chunk], vectors: Matrix) -> None:
        """Insert or replace chunks with their vectors."""
        with self._translated():
            if len(chunks) and not self._exists:
                self._create(int(vectors.shape[1]))
            for start in range(0, len(chunks), _BATCH):
                part = zip(chunks[start : start + _BATCH], vectors[start : start + _BATCH], strict=True)
                self._client.upsert(self.name, [_row(chunk, vector) for chunk, vector in part], timeout=_TIMEOUT_S)
        self._last = chunks[-1].id if chunks else self._last

    def delete(self, ids: Sequence[str]) -> None:
        """Take chunks out; unknown ids are ignored."""
        with self._translated():
            for start in range(0, len(ids) if self._exists else 0, _BATCH):
                self._client.delete(self.name, ids=list(ids[start : start + _BATCH]), timeout=_TIMEOUT_S)

    def commit(self) -> None:
        """Wait until what was added is found by everybody: Milvus answers searches from a state that may be seconds old."""
        if self._last and self._exists:
            with self._translated():
                where = f"id == {json.dumps(self._last)}"
                self._client.query(self.name, filter=where, output_fields=["id"], consistency_level="Strong", timeout=_TIMEOUT_S)
        self._last = ""

    def settle(self) -> None:
        """Seal what was written into indexed segments."""
        if self._refresh():
            with self._translated():
                self._client.flush(self.name, timeout=_TIMEOUT_S)

    def ids(self) -> set[str]:
        """Ids of all chunks."""
        found: set[str] = set()
        if self._refresh():
            with self._translated():
                pages = self._client.query_iterator(self.name, batch_size=2000, output_fields=["id"])
                try:
                    while page := pages.next():
                        found.update(row["id"] for row in page)
                finally:
                    pages.close()
        return found

    def count(self) -> int:
        """How many chunks it holds."""
        if not self._refresh():
            return 0
        with self._translated():
            rows = self._client.query(self.name, output_fields=["count(*)"], consistency_level="Strong", timeout=_TIMEOUT_S)
            return int(rows[0]["count(*)"])

    def drop(self) -> None:
        """Delete the collection."""
        if self._refresh():
            with self._translated():
                self._client.drop_collection(self.name)
            self._exists = False

    # -- searching ------------------------------------------------------------------------------------------------

    def nearest(self, vector: Sequence[float], k: int, where: str = "") -> list[tuple[str, float]]:
        """The `k` nearest as (id, cosine), nearest first."""
        asked = {"metric_type": "COSINE", "params": _with_reach(_DENSE[self._settings.milvus_dense_index][1], k)}
        return self._search("vector", np.asarray(vector, dtype=np.float32).tolist(), k, where, asked)

    def words(self, tokens: Sequence[str], k: int, where: str = "") -> list[tuple[str, float]]:
        """The best `k` as (id, BM25), best first."""
        hits = self._search("words", written(tokens), k, where, {"metric_type": "BM25"}) if tokens else []
        return [(id_, abs(score)) for id_, score in hits]  # the embedded one gives it as a distance, below zero

    def _search(self, field: str, asked: Any, k: int, where: str, parameters: dict[str, Any]) -> list[tuple[str, float]]:
        if k <= 0 or not self._exists and not self._refresh():
            return []
        with self._translated():
            more = {"anns_field": field, "search_params": parameters, "timeout": _TIMEOUT_S}
            hits = self._client.search(self.name, [asked], filter=where, limit=k, output_fields=["id"], **more)[0]
            return [(str(hit["id"]), float(hit["distance"])) for hit in hits]

    # -- inside ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> bool:
        """Whether there is a collection by now."""
        if not self._exists:
            with self._translated():
                self._exists = bool(self._client.has_collection(self.name))
        return self._exists

    def _create(self, dimensions: int) -> None:
        from pymilvus import DataType, Function, FunctionType

        client, chosen = self._client, self._settings.milvus_dense_index
        lite = is_lite(str(client.get_server_version()))  # it knows one tokenizer, and no index on arrays, which it scans
        analyzer = {"tokenizer": "standard" if lite else "whitespace"}
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("kind", DataType.VARCHAR, max_length=16)
        schema.add_field("places", DataType.ARRAY, element_type=DataType.VARCHAR, max_capacity=_MAX_PLACES, max_length=_MAX_PLACE_BYTES)
        schema.add_field("body", DataType.VARCHAR, max_length=65_535, enable_analyzer=True, analyzer_params=analyzer)
        schema.add_field("words", DataType.SPARSE_FLOAT_VECTOR)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimensions)
        schema.add_function(Function("bm25", FunctionType.BM25, input_field_names=["body"], output_field_names=["words"]))
        indexes = client.prepare_index_params()
        indexes.add_index("vector", index_type=chosen, metric_type="COSINE", params=_DENSE[chosen][0])
        indexes.add_index("words", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25", params=dict(BM25))
        if not lite:
            indexes.add_index("places", index_type="INVERTED")
        shards = self._settings.milvus_shards
        client.create_collection(self.name, schema=schema, index_params=indexes, num_shards=shards, consistency_level="Bounded")
        self._exists = True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except AdvisorError:
            raise
        except Exception as error:  # pymilvus, grpc and protobuf share no base class
            cause = (str(error).splitlines() or [""])[0][:300]
            raise MilvusError(
                f"Milvus at {self._settings.milvus_url} failed ({type(error).__name__}: {cause}); check ADVISOR_MILVUS_URL and that the "
                "server runs; what was lost there is refilled by `advisor ingest` without embedding again"
            ) from error


def collection_name(store_id: str, generation: int) -> str:
    """Unique among the indexes that share a server."""
    return f"advisor_{store_id}_{generation}_{REVISION}"


def is_lite(version: str) -> bool:
    """Whether the server is the embedded Milvus of small installations and tests."""
    return "lite" in version


def written(tokens: Sequence[str]) -> str:
    """Tokens as one text that every tokenizer takes apart into just them: what is no letter or digit is spelled out."""
    return " ".join(_spelled(token) for token in tokens)


def places_of(sources: Collection[str]) -> list[str]:
    """What sources can be filtered by: themselves and each folder above them, ending in `/`."""
    found: dict[str, None] = {}
    for source in sources:
        found[source] = None
        parts = source.split("/")
        found.update((("/".join(parts[:depth]) + "/"), None) for depth in range(1, len(parts)))
    return list(found)


def is_place(name: str) -> bool:
    """Whether a place of that name can have been stored."""
    return len(name.encode("utf-8", "replace")) <= _MAX_PLACE_BYTES


@lru_cache(maxsize=65_536)
def _spelled(token: str) -> str:
    return "".join(character if character.isalnum() else f"zq{ord(character):x}qz" for character in token)


def _row(chunk: Chunk, vector: Any) -> dict[str, Any]:
    sources = [chunk.source, *filter(None, chunk.metadata.get(ALSO_IN, "").split("\n"))]
    places = [place.encode("utf-8", "replace").decode() for place in places_of(sources) if is_place(place)]
    return {
        "id": chunk.id,
        "kind": chunk.kind,
        "places": places[:_MAX_PLACES],
        "body": _body(chunk.indexed_text),
        "vector": np.asarray(vector, dtype=np.float32),
    }


def _body(text: str) -> str:
    """The tokens; of a text that is too long for Milvus each only once, and then as many as there is room for."""
    tokens = index_tokens(text)
    body = written(tokens)
    if len(body.encode()) > _MAX_BODY_BYTES:
        body = written(list(dict.fromkeys(tokens))).encode()[:_MAX_BODY_BYTES].decode("utf-8", "ignore").rpartition(" ")[0]
    return body or "zq"


def _with_reach(parameters: dict[str, Any], k: int) -> dict[str, Any]:
    return {name: max(value, k) for name, value in parameters.items()}


@lru_cache(maxsize=8)
def _client(url: str, token: str) -> Any:
    """One connection a server, which is safe to share between threads."""
    try:
        from pymilvus import MilvusClient
    except ModuleNotFoundError:
        raise SettingsError(
            "ADVISOR_MILVUS_URL is set, and Milvus's client is not installed; install it with: pip install 'llm-advisor[milvus]'"
        ) from None
    for name in ("pymilvus", "grpc"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # every failure is raised, and told by who asked
    return MilvusClient(uri=url, token=token, timeout=_TIMEOUT_S)
