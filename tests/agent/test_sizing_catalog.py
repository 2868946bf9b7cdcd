"""The shipped GPUs and architectures: enough of them, every field with a source, counts that agree with what publishers state."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from agent.sizing.errors import SizingError
from agent.sizing.params import split
from agent.sizing.resolve import entry_architecture, resolve_gpu, resolve_model
from kb.catalog.hardware import HARDWARE_FILES, HardwareEntry, load_hardware
from kb.errors import CatalogError

ARCHITECTURES = list(load_hardware().architectures.values())
GPUS = list(load_hardware().gpus.values())


def _stated(entry: HardwareEntry) -> int | None:
    claim = entry.claim("stated_parameters")
    return int(claim.value) if claim is not None and isinstance(claim.value, Decimal) else None


def test_there_are_enough_models_of_every_kind_of_attention_and_experts() -> None:
    kinds = Counter(entry_architecture(entry).attention_kind for entry in ARCHITECTURES)
    mixtures = [entry for entry in ARCHITECTURES if "moe" in entry.shape]
    assert len(ARCHITECTURES) >= 40
    assert all(kinds[kind] for kind in ("MHA", "GQA", "MQA", "MLA"))
    assert len(mixtures) >= 10


def test_there_are_enough_accelerators_of_every_sort() -> None:
    assert len(GPUS) >= 25
    vendors = {entry.vendor for entry in GPUS}
    assert {"NVIDIA", "AMD", "Intel", "Huawei"} <= vendors
    for name in ("H20", "昇腾910B", "4090", "L20", "A800"):
        assert resolve_gpu(name).memory() > 0


@pytest.mark.parametrize("entry", [*ARCHITECTURES, *GPUS], ids=lambda entry: entry.id)
def test_every_field_names_its_source_and_line(entry: HardwareEntry) -> None:
    assert entry.claims
    for claims in entry.claims.values():
        for claim in claims:
            assert claim.source and claim.line > 0 and claim.file in HARDWARE_FILES


@pytest.mark.parametrize("entry", [e for e in ARCHITECTURES if _stated(e)], ids=lambda entry: entry.id)
def test_the_counted_parameters_are_within_a_percent_of_the_stated(entry: HardwareEntry) -> None:
    stated = _stated(entry) or 0
    counted = split(entry_architecture(entry)).total
    # What is stated to two digits can only be met to half a unit of the last: 1.7B covers 1.65 to 1.75.
    digits = stated // 10 ** (len(str(stated)) - 2)
    rounding = 0.5 / digits if stated == digits * 10 ** (len(str(stated)) - 2) else 0.0
    vision = 871_932_416 if entry.id == "llama-4-scout" else 0  # the 109B include the vision encoder
    assert counted + vision == pytest.approx(stated, rel=max(0.01, rounding))


def test_most_models_state_their_size() -> None:
    assert sum(1 for entry in ARCHITECTURES if _stated(entry)) >= 40


def test_disagreeing_claims_are_found_by_code() -> None:
    found = {(group[0].entity, group[0].field) for group in load_hardware().disagreements()}
    assert ("b200", "memory_bandwidth_gbps") in found
    assert ("ascend-910b", "dense_bf16_tflops") in found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("qwen2.5 72b", "Qwen2.5-72B"),
        ("Qwen/Qwen2.5-72B-Instruct", "Qwen2.5-72B"),
        ("通义千问2.5 72B", "Qwen2.5-72B"),
        ("llama 3.1 8b instruct", "Llama-3.1-8B"),
        ("DeepSeek-R1满血版", "DeepSeek-R1"),
        ("mixtral 8x7b", "Mixtral-8x7B"),
        ("gpt-oss 20b", "gpt-oss-20b"),
        ("ＧＬＭ４ ９Ｂ", "GLM-4-9B"),
    ],
)
def test_models_are_found_by_the_names_people_use(text: str, name: str) -> None:
    assert resolve_model(text).name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("4090", "NVIDIA GeForce RTX 4090 24GB"),
        ("a100 80g", "NVIDIA A100 80GB SXM"),
        ("A100-80GB", "NVIDIA A100 80GB SXM"),
        ("昇腾910B", "Huawei Ascend 910B 64GB"),
        ("英伟达 H200", "NVIDIA H200 SXM"),
        ("h20", "NVIDIA H20 96GB"),
        ("4090D", "NVIDIA GeForce RTX 4090 D 24GB"),
    ],
)
def test_gpus_are_found_by_the_names_people_use(text: str, name: str) -> None:
    assert resolve_gpu(text).name == name


def test_a_checkpoint_named_with_its_format_has_that_format() -> None:
    from agent.sizing.memory import weights

    assert weights("Qwen3-8B-FP8").weight_dtype == "fp8"
    assert weights("Qwen2.5-32B-Instruct-AWQ").weight_dtype == "int4"
    assert weights("Qwen3-8B-FP8", "bf16").bytes == weights("Qwen3-8B").bytes


def test_a_card_known_by_its_memory_has_that_memory() -> None:
    assert resolve_gpu("24GB卡").memory() == 24 * 10**9
    assert resolve_gpu("80 GiB").memory() == 80 * 2**30


def test_a_bare_size_has_a_stand_in_of_about_that_size() -> None:
    for text, parameters in (("70B", 70e9), ("7b模型", 7e9), ("320亿参数", 32e9), ("671B", 671e9)):
        model = resolve_model(text)
        stand_in = getattr(model, "stand_in", None)
        assert stand_in is not None
        assert split(stand_in).total == pytest.approx(parameters, rel=0.2)


@pytest.mark.parametrize("text", ["qwen2.5", "llama 70b"])
def test_a_name_that_could_be_several_models_lists_them(text: str) -> None:
    with pytest.raises(SizingError, match="could be several models"):
        resolve_model(text)


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(SizingError, match=r"near: .*Qwen2\.5-72B|near: .*Qwen2\.5"):
        resolve_model("qwen2.7-72b")
    with pytest.raises(SizingError, match="H200|H20|H100"):
        resolve_gpu("H201")


def test_an_overlay_adds_gpus_and_dated_prices(tmp_path: Path) -> None:
    (tmp_path / "gpus.yaml").write_text(
        """
gpus:
  - id: h100-sxm
    name: NVIDIA H100 SXM
    vendor: NVIDIA
    claims:
      - {source: our contract, as_of: 2026-05-01, currency: CNY, fields: {rent_per_hour: 18}}
  - id: own-card
    name: Own Card 64GB
    vendor: Us
    claims:
      - {source: our datasheet, fields: {memory_gib: 64, memory_bandwidth_gbps: 1000}}
""",
        encoding="utf-8",
    )
    found = load_hardware(tmp_path)
    price = found.gpus["h100-sxm"].claim("rent_per_hour")
    assert price is not None and (price.value, price.unit, price.origin) == (Decimal(18), "CNY/h", "overlay")
    assert found.gpus["h100-sxm"].claim("dense_bf16_tflops") is not None
    assert "own-card" in found.gpus and "own-card" not in load_hardware().gpus


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "gpus:\n  - id: a\n    name: A\n    vendor: V\n    claims:\n      - source: s\n        fields: {memory: 1}\n",
            r"gpus\.yaml:6: a: unknown field 'memory'",
        ),
        ("gpus:\n  - id: a\n    name: A\n", r"gpus\.yaml:2: gpus\.0\.vendor"),
        (
            "gpus:\n  - {id: a, name: A, vendor: V, claims: []}\n  - {id: a, name: B, vendor: V, claims: []}\n",
            r"gpus\.yaml:\d+: the id 'a' is given twice",
        ),
        ("gpus: [\n", r"gpus\.yaml:\d+: not valid YAML"),
        (
            "gpus:\n  - {id: a, name: A, vendor: V, claims: [{source: s, fields: {rent_per_hour: 1}}]}\n",
            "a price needs `currency` and `as_of`",
        ),
        ("gpus:\n  - {id: a, name: A, vendor: V, claims: [{source: s, fields: {memory_gb: -1}}]}\n", "not negative"),
    ],
)
def test_a_faulty_file_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "gpus.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match=message):
        load_hardware(tmp_path)
