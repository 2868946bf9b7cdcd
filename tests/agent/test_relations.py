"""How two models stand to each other, and which ones meet a bound. List prices as in tests/agent/test_cost_questions.py, all from the
shipped catalog: Claude 4.5 is three times GPT-5.1's input price and five times its output price, DeepSeek R3's are 24 % lower."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
from agent.understand.relation import Relation, relation_of
from kb.quantities import bound_span, find_quantities, normalise
from kb.settings import Settings


@pytest.fixture(scope="module")
def buyer(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    return Advisor(Settings(home=tmp_path_factory.mktemp("home")), None)


def ask(advisor: Advisor, *turns: str) -> str:
    done = advisor.ask(list(turns))
    assert isinstance(done, AnswerDone) and done.unsupported_numbers == 0, done
    return done.answer


def stated(text: str) -> Relation | None:
    """The relation between A and B."""
    text = normalise(text)
    first, second = sorted(m.start() for m in re.finditer(r"(?<![a-z])[AB](?![a-z])", text))
    return relation_of(text, (first, first + 1), (second, second + 1), find_quantities(text))


def ratios(text: str) -> list[str]:
    found = stated(text)
    assert found is not None
    return [f"{ratio:.3f}" for ratio in found.ratios]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 比 B 贵一倍", ["2.000"]),
        ("A 比 B 便宜一半", ["0.500"]),
        ("A 比 B 贵了约 3 倍", ["3.000", "4.000"]),
        ("A 比 B 便宜 10 倍", ["0.100", "0.091"]),
        ("A 比 B 贵三成", ["1.300"]),
        ("A 比 B 便宜 67%", ["0.330"]),
        ("A 的价格是 B 的 1.5 倍", ["1.500"]),
        ("A 是 B 的三分之一", ["0.333"]),
        ("A 和 B 价格差 4 倍", ["4.000", "0.250"]),
        ("A costs half the price of B", ["0.500"]),
        ("A is twice as expensive as B", ["2.000"]),
        ("A is 3 times as expensive as B", ["3.000"]),
        ("A is 3 times more expensive than B", ["3.000", "4.000"]),
        ("A is 40% cheaper than B", ["0.600"]),
        ("A 比 B 便宜", []),
    ],
)
def test_what_a_question_says_of_two_is_read_as_ratios(text: str, expected: list[str]) -> None:
    assert ratios(text) == expected


@pytest.mark.parametrize("text", ["A 和 B 多少钱", "A 不比 B 便宜", "A 没有 B 贵", "A 和 B"])
def test_nothing_is_read_where_nothing_or_its_opposite_is_said(text: str) -> None:
    assert stated(text) is None


def test_what_comes_after_a_comparing_word_is_the_subject() -> None:
    beside = stated("相比 B A 便宜 40%")
    assert beside is not None and beside.holds(Decimal(10), Decimal(6)) and not beside.holds(Decimal(6), Decimal(10))


def test_people_round_and_more_where_they_say_so() -> None:
    exact, rough = stated("A 比 B 便宜 67%"), stated("A 比 B 便宜大概 70%")
    assert exact is not None and exact.holds(Decimal(1), Decimal(3))
    assert rough is not None and rough.holds(Decimal(1), Decimal(3))


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("GPT-5.1 比 Claude 4.5 贵一倍对吗", "**不对**"),
        ("Claude 4.5 输入价是 GPT-5.1 的三倍，对吗", "**对**"),
        ("Claude 4.5 输出是 GPT-5.1 的三倍对吧", "**不对**"),
        ("相比 Claude 4.5，GPT-5.1 便宜 67% 对吧", "**输入价对，输出价不对**"),
        ("DeepSeek 是不是比 GPT-5.1 便宜", "**对**"),
        ("is claude 4.5 cheaper than gpt-5.1?", "**No.**"),
        ("Is GPT-5.1 a third of the price of Claude 4.5?", "**Right for the input price, wrong for the output price.**"),
        ("is Claude 4.5 three times as expensive as GPT-5.1 for input?", "**Yes.**"),
        ("Does GPT-5.1 cost more than DeepSeek R3?", "**Yes.**"),
        ("is claude 4.5 cheaper than gpt-5.1 for 40M in 8M out per week? how much a year", "**No.**"),
        ("按 7.2 算豆包比 GPT-5.1 便宜吗", "**对**"),
        ("GPT-5.1 一半的价钱能买到 GLM-4 吗", "**不对**"),
        ("GPT-5.1 比 Gemini 2.5 输入贵 40% 以上吗", "**对**"),
        ("GPT-5.1 比 Gemini 2.5 输入贵 50% 以上吗", "**不对**"),
        ("GPT-5.1 输入比 Claude 4.5 便宜不到一半，对吧", "**不对**"),
        ("is doubao half price of kimi on output?", "**No.**"),
        ("豆包输出是输入的 3 倍吗", "**对**"),
        ("GPT-5.1 输出价比输入价贵一倍对吗", "**不对**"),
        ("qwen3 跟文心价格一样对吧", "**对**"),
        ("GPT-5.1 和 Claude 4.5 价格一样吗", "**不对**"),
        ("Claude 4.5 一半的价钱能买到 GPT-5.1 吗", "**对**"),
        ("Is the context of Claude 4.5 larger than that of GPT-5.1?", "**Yes.**"),
    ],
)
def test_an_assertion_about_two_models_gets_a_verdict(buyer: Advisor, question: str, verdict: str) -> None:
    assert ask(buyer, question).startswith(verdict)


@pytest.mark.parametrize("question", ["GPT-5.1 和 Claude 哪个便宜", "Claude 比 GPT-5.1 贵多少", "豆包比 GPT-5.1 便宜 10 倍吧", "Claude 4.5 不比 GPT-5.1 便宜吧"])
def test_no_verdict_where_nothing_is_asserted_or_nothing_can_be_compared(buyer: Advisor, question: str) -> None:
    answer = ask(buyer, question)
    assert not answer.startswith(("**对**", "**不对**")) and "价" in answer


def test_a_question_about_context_is_not_answered_with_a_budget_that_is_stated_wrong(buyer: Advisor) -> None:
    answer = ask(buyer, "Claude 4.5 的上下文比 Llama 4 大对吗")
    assert "100,000" in answer and "重算" not in answer


@pytest.mark.parametrize(
    ("question", "has", "lacks"),
    [
        ("如果 Claude 4.5 打八折，和 GPT-5.1 比哪个便宜", ("$12/", "$5/"), "$4/"),
        ("with 50% off Claude 4.5, is it cheaper than GPT-5.1?", ("$7.50", "$5/"), "$2.50/"),
        ("GPT-5.1 和 Claude 4.5 都打八折，哪个便宜", ("$12/", "$4/"), "$5/"),
    ],
)
def test_a_discount_on_one_of_two_models_leaves_the_other_alone(buyer: Advisor, question: str, has: tuple[str, ...], lacks: str) -> None:
    answer = ask(buyer, question)
    shown = "\n".join(line for line in answer.splitlines() if "×" not in line)
    assert all(price in shown for price in has) and lacks not in shown


def test_a_table_of_bills_says_that_its_prices_are_supposed(buyer: Advisor) -> None:
    assert ask(buyer, "GPT-5.1 和 Claude 4.5 打八折，1亿输入各多少钱").count("资料没有写这项折扣") == 2
    assert "所有单价按问题的假设乘 0.8" in ask(buyer, "所有模型打八折，1亿输入哪个最便宜")


def test_models_that_cost_the_same_are_said_to(buyer: Advisor) -> None:
    assert "一样，都是 **¥13,200**" in ask(buyer, "通义和文心 1亿输入 1千万输出分别多少钱")


@pytest.mark.parametrize(
    "question",
    [
        "which models are under $5 per million input?",
        "what models cost less than 5 dollars per 1M input tokens?",
        "models with input price below $5 per 1M",
        "输入价低于 5 美元的模型有哪些",
    ],
)
def test_a_bound_on_a_price_lists_the_models_and_those_in_another_currency(buyer: Advisor, question: str) -> None:
    first, *rest = ask(buyer, question).splitlines()
    assert all(name in first for name in ("Gemini 2.5", "DeepSeek R3", "Llama 4", "GLM-4")) and "GPT-5.1" not in first
    assert any("Doubao-1.5" in line and ("汇率" in line or "exchange rate" in line) for line in rest)


def test_a_bound_in_money_on_models_is_one_on_their_price(buyer: Advisor) -> None:
    first, *rest = ask(buyer, "低于 20 元的模型有哪些").splitlines()
    assert "Doubao-1.5" in first and "Qwen3" not in first and any("输入价" in line for line in rest)


def test_the_bound_itself_is_met_unless_the_word_leaves_it_out(buyer: Advisor) -> None:
    assert "GPT-5.1" in ask(buyer, "which models cost no more than $5 per million input").splitlines()[0]
    assert "GPT-5.1" in ask(buyer, "输入价不超过 5 美元的模型有哪些").splitlines()[0]
    assert "Doubao-1.5" in ask(buyer, "输入价低于 5 美元的模型有哪些，汇率 7.2").splitlines()[0]


@pytest.mark.parametrize(
    ("text", "word"), [("less than $5", "less than"), ("no more than 5 dollars", "no more than"), ("5 美元以内", "以内"), ("不超过 5 美元", "不超过"), ("500+300", None)]
)
def test_the_word_that_makes_a_bound_is_found(text: str, word: str | None) -> None:
    quantity = find_quantities(text)[0]
    span = bound_span(text, quantity)
    assert (text[slice(*span)] if span else None) == word


def test_a_condition_in_spoken_words_is_not_dropped(buyer: Advisor) -> None:
    answer = ask(buyer, "国产的、能本地装的、上下文最长的是哪个")
    assert answer.splitlines()[0].startswith("上下文窗口最高：**Qwen3**") and "自主部署" in answer


def test_a_volume_without_a_model_is_calculated_for_all(buyer: Advisor) -> None:
    answer = ask(buyer, "每天 1 万次请求，每次输入 1000 token 输出 300，一个季度多少")
    assert "$8,550" in answer and "一个季度" in answer
    assert "要算费用" in ask(buyer, "每天 1 万次请求，每次 3KB 文本，一个季度多少")
    assert buyer.ask(["今天美元兑人民币多少"]).refused
    assert "要算一个季度费用" in ask(buyer, "GPT-5.1 每天 1 万次请求，一个季度多少")


def test_free_is_denied_where_the_direction_of_the_volume_is_open(buyer: Advisor) -> None:
    assert ask(buyer, "豆包的输入价格是免费的吧，每月 2亿 token").startswith("**不免费**")
    assert "不免费" not in ask(buyer, "GPT-5.1 有免费额度吗")


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        (["如果输出 token 涨到 3 倍，GPT-5.1 月输入 1 亿输出 2 千万的账单涨多少"], "**$1,400**，比变化前的 $800 多 **$600**（75%）"),
        (["GPT-5.1 涨价 10%，月输入 1 亿输出 2 千万，多花多少"], "比变化前的 $800 多 **$80**（10%）"),
        (["GPT-5.1 月输入 1 亿输出 2 千万", "打八折呢，省多少"], "比变化前的 $800 少 **$160**（20%）"),
        (["if usage drops 30%, how much less do we pay for 100M in 20M out on Claude 4.5 a month?"], "**$900** less than the $3,000 before"),
        (["10 亿 token 输入给 Kimi，按 3 折算多少钱"], "**¥3,600**"),
        (["GPT-5.1 1亿输入按 7 折算人民币多少"], "**¥3,500**"),
    ],
)
def test_a_supposed_change_is_held_against_the_bill_without_it(buyer: Advisor, turns: list[str], expected: str) -> None:
    assert expected in ask(buyer, *turns).splitlines()[0]


def test_two_volumes_on_one_model_are_held_against_each_other_each_in_its_tier(buyer: Advisor) -> None:
    answer = ask(buyer, "gemini 2.5 一次 100k 输入和一次 150k 输入价钱差多少")
    assert "**$0.7**（$1.05 与 $0.35，3 倍）" in answer and "128,000" in answer
    assert "**$50**" in ask(buyer, "GPT-5.1 1亿输入和 3千万输出差多少钱").splitlines()[0]
    assert "**$950**" in ask(buyer, "GPT-5.1 1亿输入和 3千万输出一共多少钱").splitlines()[0]


@pytest.mark.parametrize(
    ("question", "within", "budget"),
    [
        ("budget is $2k/month, in:out = 3:1, which models can do 500M tokens?", "Within the budget: **Llama 4**:", "$2,000"),
        ("人均每月 2 美元预算，500 人，选哪个模型，每人每月 30 万输入 10 万输出", "预算内的是 **Llama 4、GLM-4**：", "$2 × 500 人 = $1,000"),
        ("预算每月 1000 元，每月输入 5000 万输出 1000 万，推荐哪个", "预算内的是 **Doubao-1.5、Kimi K2**：", "¥1,000"),
    ],
)
def test_a_budget_chooses_among_models_for_a_volume(buyer: Advisor, question: str, within: str, budget: str) -> None:
    answer = ask(buyer, question)
    assert answer.splitlines()[0] == within and budget in answer and "没有用到" not in answer


@pytest.mark.parametrize(
    ("question", "volume"),
    [
        ("8 张 H100 每月 2 万美元，跑 70B，输入输出 3:1，对比 GPT-5.1 每月多少 token 才回本", "**2,666,666,667 token**"),
        ("8x H100 at $20k a month running a 70B, break-even tokens versus GPT-5.1?", "between **1,333,333,334** and **4,000,000,000** tokens"),
        ("8 张 A100 买下来 80 万，跑 70B，比豆包多少 token 回本", "**617,283,951** 到 **1,851,851,852** token"),
    ],
)
def test_own_cards_against_an_api_of_unknown_volume_give_the_volume_from_which_they_pay(buyer: Advisor, question: str, volume: str) -> None:
    answer = ask(buyer, question)
    assert volume in answer and "还缺" not in answer and "Missing" not in answer


def test_without_a_rate_own_cards_in_another_currency_are_not_compared(buyer: Advisor) -> None:
    assert "汇率" in ask(buyer, "4 张 4090 每张 1.5 万，跑 32B，对比 GPT-5.1 多少量回本")
