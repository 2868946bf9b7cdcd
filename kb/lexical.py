"""Word search: BM25 over the tokens of `kb.text`, in tantivy on disk. The only module that knows tantivy."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kb.errors import AdvisorError
from kb.manifest import Matrix
from kb.text import index_tokens, query_characters, query_tokens
from kb.types import Chunk

ANALYSIS_REVISION = 1
"""Part of the folder's name: a change of `kb.text` or of the fields below starts an empty index, which the manifest refills."""

RARE_SHARE = 0.02
"""A character in at most this share of the chunks is looked for by itself (recall@1 of word search 0.974 -> 0.981)."""

_OVERFETCH = 20
_WRITER_BYTES = 64_000_000
_ANALYZER = "as_given"


class LexicalError(AdvisorError):
    """The lexical index could not be read or written; it can be deleted and is refilled by the next ingestion."""


class LexicalIndex:
    """One generation's lexical index. Several readers, and one writer at a time (the caller holds the write lock)."""

    def __init__(self, folder: Path) -> None:
        """Opens the index in `folder`, made if it is missing."""
        import tantivy

        self.folder = folder
        self._tantivy: Any = tantivy
        self._schema = _schema(tantivy)
        self._writer: Any = None
        self._guard = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._index: Any = tantivy.Index(self._schema, str(folder), reuse=True)
        except (ValueError, OSError) as error:
            raise LexicalError(f"cannot open the lexical index {folder} ({error}); delete the folder and run `advisor ingest`") from error
        analyzer = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
        self._index.register_tokenizer(_ANALYZER, analyzer)
        self._index.config_reader(reload_policy="manual")

    def add(self, chunks: Sequence[Chunk], vectors: Matrix | None = None) -> None:
        """Insert or replace chunks; visible after `commit`. Vectors are not used."""
        with self._guard:
            writer = self._open_writer()
            for chunk in chunks:
                writer.delete_documents_by_term("id", chunk.id)
                writer.add_document(
                    self._tantivy.Document(
                        id=chunk.id, source=_writable(chunk.source), kind=chunk.kind, body=" ".join(index_tokens(chunk.indexed_text))
                    )
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Take chunks out; unknown ids are ignored. Visible after `commit`."""
        with self._guard:
            writer = self._open_writer()
            for id_ in ids:
                writer.delete_documents_by_term("id", id_)

    def delete_source(self, source: str) -> None:
        """Take out every chunk of a source. Visible after `commit`."""
        with self._guard:
            self._open_writer().delete_documents_by_term("source", _writable(source))

    def commit(self) -> None:
        """Make all changes durable and visible, and let the writer go."""
        with self._guard:
            if self._writer is None:
                return
            try:
                self._writer.commit()
                self._writer.wait_merging_threads()
            except (ValueError, OSError) as error:
                raise LexicalError(
                    f"cannot write the lexical index {self.folder} ({error}); check the disk and run the command again"
                ) from error
            finally:
                self._writer = None
        self.reload()

    def reload(self) -> None:
        """See what other processes have committed."""
        self._index.reload()

    def search(self, query: str, k: int, accept: Callable[[str], bool] | None = None) -> list[tuple[str, float]]:
        """The best `k` chunks as (id, BM25), best first, of those whose id is accepted; only such as share a token with the query."""
        searcher = self._index.searcher()
        tokens = wanted_tokens(query, lambda token: int(searcher.doc_freq("body", token)), searcher.num_docs)
        if not tokens or k <= 0 or not searcher.num_docs:
            return []
        kinds, occur = self._tantivy.Query, self._tantivy.Occur
        wanted = kinds.boolean_query([(occur.Should, kinds.term_query(self._schema, "body", token, "freq")) for token in tokens])
        try:
            for limit in (k, _OVERFETCH * k, searcher.num_docs):
                hits = searcher.search(wanted, limit, count=False).hits
                ranked = [(searcher.doc(address).get_first("id"), float(score)) for score, address in hits]
                found = ranked if accept is None else [(id_, score) for id_, score in ranked if accept(id_)]
                if len(found) >= k or len(hits) < limit or accept is None:
                    return found[:k]
        except (ValueError, OSError) as error:
            raise LexicalError(
                f"cannot read the lexical index {self.folder} ({error}); delete the folder and run `advisor ingest`"
            ) from error
        return found


    def document_frequency(self, token: str) -> int:
        """In how many chunks a token occurs (deleted ones may still count until segments merge)."""
        return int(self._index.searcher().doc_freq("body", token))

    def count(self) -> int:
        """Committed chunks."""
        return int(self._index.searcher().num_docs)

    def ids(self) -> set[str]:
        """Ids of all committed chunks."""
        searcher = self._index.searcher()
        if not searcher.num_docs:
            return set()
        hits = searcher.search(self._tantivy.Query.all_query(), searcher.num_docs, count=False).hits
        return {searcher.doc(address).get_first("id") for _, address in hits}

    def close(self) -> None:
        """Let the writer go; what was not committed is lost."""
        with self._guard:
            self._writer = None

    def drop(self) -> None:
        """Delete the index from the disk."""
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open_writer(self) -> Any:
        if self._writer is None:
            try:
                self._writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
            except (ValueError, OSError) as error:
                raise LexicalError(f"cannot write the lexical index {self.folder} ({error}); is another process writing to it?") from error
        return self._writer


def wanted_tokens(query: str, document_frequency: Callable[[str], int], chunks: int) -> list[str]:
    """The query's tokens, with those of its characters that few chunks hold."""
    most = max(2, int(chunks * RARE_SHARE))
    rare = [character for character in query_characters(query) if 0 < document_frequency(character) <= most]
    return list(dict.fromkeys([*query_tokens(query), *rare]))


def lexical_folder(home: Path, generation: int) -> Path:
    """Where the lexical index of a generation lies."""
    return home / "lexical" / f"{generation}-{ANALYSIS_REVISION}"


def _writable(text: str) -> str:
    """A file name may hold bytes that are no text; the index takes text only."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _schema(tantivy: Any) -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("kind", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("body", tokenizer_name=_ANALYZER, index_option="freq")
    return builder.build()
