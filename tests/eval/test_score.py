"""The scorer itself: equivalent forms pass, near misses fail, answers without content score near zero."""

from __future__ import annotations

import pytest

from eval.figures import matches, read_figures
from eval.score import Answered, is_choice, normalise, score
from eval.suite import Expect, NumberExpected

NAMES = [["GPT-5.1", "gpt5.1"], ["GLM-4"], ["Kimi K2", "Kimi"], ["Claude 4.5"], ["Mistral-7B", "Mistral"], ["Qwen3"], ["Qwen-Max"]]
FLAT_NAMES = [name for group in NAMES for name in group]


def states(text: str, value: float, unit: str, rel_tol: float = 0.01) -> bool:
    return any(matches(f, value, unit, rel_tol) for f in read_figures(text, FLAT_NAMES))


@pytest.mark.parametrize(
    "text",
    ["1.56万", "1.56 万元",
     "15,600", "¥15600", "¥15,600.00", "15600元", "15.6k", "共 **15,600** 元/月", "1万5600元", "一万五千六百元",
     "RMB 15600",
     "CNY 15,600", "15600 yuan", "１５，６００元".replace("，", ","), "0.0156百万",
     "1.56w", "1.56e4 CNY", "￥15600",
     "约15,580元", "1万5千6百"],
)  # fmt: skip
def test_equivalent_forms_of_an_amount_pass(text: str) -> None:
    assert states(text, 15600, "CNY"), read_figures(text)


@pytest.mark.parametrize(
    "text",
    ["15.6万", "1,560", "156000元", "$15,600", "15,600 美元", "15600 tokens", "16000元", "15.6",
     "1.56", "1.56亿", "15600%", "GPT-15600", "15 600x", ""],
)
def test_near_misses_of_an_amount_fail(text: str) -> None:
    assert not states(text, 15600, "CNY"), read_figures(text)


@pytest.mark.parametrize(
    ("text", "value", "unit", "rel_tol"),
    [
        ("1.2亿 tokens", 120_000_000, "tokens", 0),
        ("120M tokens", 120_000_000, "tokens", 0),
        ("120 million tokens", 120_000_000, "tokens", 0),
        ("1亿2000万", 120_000_000, "tokens", 0),
        ("667万个 token", 6_666_666.67, "tokens", 0.01),
        ("6,666,667 tokens", 6_666_666.67, "tokens", 0.01),
        ("about 6.67M", 6_666_666.67, "tokens", 0.01),
        ("省 67.97%", 67.97037, "percent", 0.01),
        ("saves 68 percent", 67.97037, "percent", 0.01),
        ("百分之六十八", 67.97037, "percent", 0.01),
        ("六成八", 68, "percent", 0.01),
        ("8 个月", 8, "months", 0.01),
        ("八个月回本", 8, "months", 0.01),
        ("1.25 年", 15, "months", 0.01),
        ("13.04 GiB", 14, "GB", 0.01),
        ("14 GB", 14, "GB", 0),
        ("0.014 TB", 14, "GB", 0),
        ("需要 3 张卡", 3, "cards", 0),
        ("三张", 3, "cards", 0),
        ("3块卡", 3, "cards", 0),
        ("3 GPUs", 3, "cards", 0),
        ("贵 3 倍", 3, "ratio", 0.01),
        ("3x", 3, "ratio", 0.01),
        ("3:1", 3, "ratio", 0.01),
        ("三倍", 3, "ratio", 0.01),
        ("300%", 3, "ratio", 0.01),
        ("5,000 次", 5000, "requests", 0),
        ("5000 requests", 5000, "requests", 0),
        ("$0.0120", 0.012, "USD", 0),
        ("0.3秒", 300, "ms", 0),
        ("0.156 元/人/月", 0.156, "CNY", 0.01),
        ("546刀", 546, "USD", 0),
        ("US$ 546", 546, "USD", 0),
        ("3万5千元", 35000, "CNY", 0),
        ("3万5", 35000, "CNY", 0),
        ("两千块", 2000, "CNY", 0),
        ("€1,200", 1200, "EUR", 0),
        ("| 合计 | 540 |", 540, "CNY", 0),
        ("12 x 45 = 540", 540, "CNY", 0),
        ("$3.50/百万", 3.5, "USD", 0),
    ],
)
def test_a_figure_is_found_in_any_scale(text: str, value: float, unit: str, rel_tol: float) -> None:
    assert states(text, value, unit, rel_tol), read_figures(text, FLAT_NAMES)


@pytest.mark.parametrize(
    ("text", "value", "unit", "rel_tol"),
    [
        ("12亿 tokens", 120_000_000, "tokens", 0.01),
        ("120k tokens", 120_000_000, "tokens", 0.01),
        ("68 元", 67.97, "percent", 0.01),
        ("0.68 倍", 67.97, "percent", 0.01),
        ("15 GB", 14, "GB", 0.01),
        ("14 MB", 14, "GB", 0.01),
        ("8 天", 8, "months", 0.01),
        ("8 年", 8, "months", 0.01),
        ("用 GLM-4", 4, "months", 0),
        ("Claude 4.5 更合适", 4.5, "USD", 0),
        ("见 [3]", 3, "cards", 0),
        ("3. 结论", 3, "cards", 0),
        ("Qwen3 / K2", 3, "ratio", 0),
        ("Qwen3 / K2", 2, "ratio", 0),
        ("24 GB 显存", 24, "cards", 0),
        ("¥3.8", 3.8, "USD", 0.001),
        ("$3.9", 3.8, "USD", 0.001),
        ("https://example.org/540", 540, "CNY", 0),
        ("-540 元", 540, "CNY", 0),
    ],
)
def test_near_misses_of_a_figure_fail(text: str, value: float, unit: str, rel_tol: float) -> None:
    assert not states(text, value, unit, rel_tol), read_figures(text, FLAT_NAMES)


def test_text_is_compared_without_width_case_spaces_and_separators() -> None:
    assert normalise("ＬＬＡＭＡ　３ costs 1,200,000") == "llama3costs1200000"
    assert normalise("输入5，100万") == normalise("输入5,100 万").replace("5100", "5,100")


def test_every_expectation_must_hold() -> None:
    expect = Expect(numbers=[NumberExpected(value=540, unit="CNY")], all_of=[["Kimi"], ["输入", "input"]], none_of=["免费"])
    assert score(expect, Answered("Kimi 输入合计 540 元")).correct
    assert not score(expect, Answered("Kimi 输入合计 545.5 元")).correct
    assert not score(expect, Answered("Kimi 合计 540 元")).correct
    assert not score(expect, Answered("Kimi 输入免费，合计 540 元")).correct
    assert not score(expect, Answered("Kimi 输入合计 540 元", refused=True)).correct
    assert not score(expect, Answered("Kimi 输入合计 540 元", failed="timeout")).correct


def test_a_disagreement_must_be_both_reported_and_named() -> None:
    expect = Expect(conflict=True)
    assert score(expect, Answered("两处说法不一致", conflicts=1)).correct
    assert not score(expect, Answered("两处说法不一致", conflicts=0)).correct
    assert not score(expect, Answered("价格是 120 元", conflicts=1)).correct
    assert not score(Expect(conflict=False, all_of=[["120"]]), Answered("120 元", conflicts=1)).correct


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("推荐 Mistral-7B：单设备成本低于 5000 元。", True),
        ("**Mistral-7B** 最合适，GLM-4 不支持自主部署。", True),
        ("GPT-5.1 太贵，建议选 Mistral 7B。", True),
        ("与 GPT-5.1 相比，推荐 Mistral 7B。", True),
        ("GPT-5.1、GLM-4、Mistral-7B、Kimi K2 都可以。", False),
        ("推荐 GPT-5.1，其次 Mistral-7B。", False),
        ("不推荐 Mistral-7B。", False),
        ("可以看看 GLM-4。\n\n另外文中还提到 Mistral-7B。" + "说明" * 10, False),
        ("没有合适的模型。", False),
        ("GPT-5.1 更贵，比 Mistral-7B 贵 3 元（Mistral-7B 便宜 60%）。", True),
        ("最低：GLM-4、Mistral-7B，输入 1 元。\n输出最低：Mistral-7B，2 元。", True),
        ("推荐：GPT-5.1，其次 Mistral-7B。", False),
        ("Mistral-7B 更贵，比 GLM-4 贵 3 元（GLM-4 便宜 60%）。", False),
    ],
)
def test_only_the_named_choice_counts(answer: str, chosen: bool) -> None:
    assert is_choice(answer, ["Mistral 7B", "Mistral-7B", "Mistral"], NAMES) is chosen


