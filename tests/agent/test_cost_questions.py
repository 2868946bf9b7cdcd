"""Bills asked for in spoken wording: every figure of the question is in the sum or named as unused. Over the shipped catalog alone.

Expected amounts are worked out by hand from the list prices: GPT-5.1 $5/$15, Claude 4.5 $15/$75, GLM-4 $2.90/$8.70,
Gemini 2.5 $3.50/$10.50 and $7/$21 above 128K, DeepSeek R3 $3.80/$11.40, Doubao-1.5 ¥12/¥36, Kimi K2 ¥12/¥12, ERNIE ¥120/¥120.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from agent.events import AnswerDone
from agent.session import Advisor, open_advisor
from agent.understand.exchange import exchange_rate
from agent.understand.growth import volume_changes
from agent.understand.tiers import price_tier
from kb.quantities import find_quantities, normalise
from kb.settings import Settings


@pytest.fixture(scope="module")
def quick_advisor(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    return open_advisor(Settings(home=tmp_path_factory.mktemp("no-index")), need_index=False)


def ask(advisor: Advisor, *turns: str) -> AnswerDone:
    answer = advisor.ask(list(turns))
    assert isinstance(answer, AnswerDone), answer
    return answer


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("汇率六块九", "6.9"),
        ("汇率七点一五", "7.15"),
        ("1美金=7块3毛", "7.3"),
        ("50刀换360块", "7.2"),
        ("355元兑50美元", "7.1"),
        ("一刀七块二毛五", "7.25"),
        ("汇率1:7.2", "7.2"),
        ("USD/CNY 7.15", "7.15"),
        ("at an exchange rate of 7.05", "7.05"),
        ("one dollar is 7.1 yuan", "7.1"),
        ("7.2 yuan to the dollar", "7.2"),
    ],
)
def test_a_rate_is_read_however_it_is_said(text: str, rate: str) -> None:
    text = normalise(text)
    assert exchange_rate(text, find_quantities(text))[0] == Decimal(rate)


@pytest.mark.parametrize(
    "text", ["按8张卡", "at 7 users", "按7.2折", "rate limit of 10", "按 100 美元算", "预算500美元，输出200", "输入输出1:7"]
)
def test_other_figures_are_no_rate(text: str) -> None:
    text = normalise(text)
    assert exchange_rate(text, find_quantities(text)) == (None, None)


@pytest.mark.parametrize(
    ("text", "factor", "which"),
    [
        ("用量砍掉一成", "0.9", ""),
        ("下个月流量涨两成半", "1.25", ""),
        ("输出腰斩", "0.5", "output"),
        ("输入降到原来的六成", "0.6", "input"),
        ("traffic grows by 15%", "1.15", ""),
        ("output drops 40%", "0.6", "output"),
        ("翻两番", "4", ""),
    ],
)
def test_a_growth_of_the_volume_is_read(text: str, factor: str, which: str) -> None:
    text = normalise(text)
    assert [(c.factor, c.which) for c in volume_changes(text, find_quantities(text))] == [(Decimal(factor), which)]


@pytest.mark.parametrize("text", ["涨价10%", "打八折", "20% off", "gpt 20%，glm 80%", "一半换成它", "A比B便宜三成", "with a 15% discount"])
def test_a_discount_a_share_or_a_comparison_is_no_growth(text: str) -> None:
    text = normalise(text)
    assert volume_changes(text, find_quantities(text)) == ()


@pytest.mark.parametrize(
    ("text", "limit", "factor", "above"),
    [
        ("超过300万的部分打七折", 3_000_000, "0.7", True),
        ("首200万token半价", 2_000_000, "0.5", False),
        ("first 5M tokens free", 5_000_000, "0", False),
        ("over 10M tokens 20% off", 10_000_000, "0.8", True),
    ],
)
def test_a_price_for_a_part_of_the_volume_is_read(text: str, limit: int, factor: str, above: bool) -> None:
    text = normalise(text)
    tier = price_tier(text, find_quantities(text))
    assert tier is not None
    assert (tier.limit, tier.factor, tier.above) == (limit, Decimal(factor), above)


@pytest.mark.parametrize(
    ("turns", "total"),
    [
        # spoken rates, scales and verbs
        (["deepseek r3 出200万token，1刀按七块一算，合人民币多少"], "¥161.88"),
        (["豆包 吃2千w吐5百w"], "¥420"),
        (["kimi 5kw进"], "¥600"),
        (["gpt5.1 喂300w吐50w 多少刀"], "$22.50"),
        # who multiplies
        (["20 developers, each burns 500k input and 100k output a day on GPT-5.1, 22 working days"], "$1,760"),
        (["8 agents, 50 calls an hour each, 10 hours a day, 2k in 500 out, GLM-4, cost per day"], "$40.60"),
        (["豆包每分钟60次，每次1k进500出，一天开12小时，一天多少钱"], "¥1,296"),
        (["kimi 每秒20 token 一天多少钱"], "¥20.74"),
        # ratios, shares, growth, parts of a volume
        (["文心月总量5000万，输出占两成，多少钱"], "¥6,000"),
        (["gpt5.1每月1亿token 进出9:1"], "$600"),
        (["glm4 2000w进400w出，下个月涨五成，多少"], "$139.20"),
        (["claude 1000w进200w出，输出砍掉一半"], "$225"),
        (["deepseek r3 2000万进，超过1000万的部分打七折"], "$64.60"),
        (["kimi 首200万免费，一共用700万多少钱"], "¥60"),
        # several models, each with a volume of its own
        (["豆包 3000万进加上 kimi 2000万进，一共多少"], "¥600"),
        (["glm4 1000万进200万出和deepseek r3 500万进100万出一共多少"], "$76.80"),
        (["GPT-5.1 takes 10M in and 1M out a month and GLM-4 takes 30M in and 10M out. Total per year?"], "$2,868"),
        # context tiers
        (["price of gemini 2.5 for a prompt of 200k tokens"], "$7"),
        (["gemini每月1亿进，每次都超过128k"], "$700"),
        # requests of several sizes, documents read one at a time
        (["gemini 2.5 每天400次，其中两成是150k，八成是20k，每次回500，一天多少钱"], "$108.92"),
        (["Gemini 2.5, 100 calls, 50% at 200k and 50% at 50k, 1k out each"], "$80.33"),
        (["GLM-4 500次，四成是30k，六成是10k，每次回1k，总共多少"], "$30.45"),
        (["8份20万token的合同，每份输出3000，gemini 2.5 多少钱"], "$11.70"),
        (["claude 500次 每次4k进1k出 每次多少钱"], "$0.135"),
        # follow-ups
        (["gemini每次10万进1千出，跑500次", "每次15万进呢"], "$535.50"),
        (["deepseek r3 每天500次，每次2k进1k出", "输出改成2000"], "$456"),
        (["豆包每天100次，每次5k进2k出", "次数改成300"], "¥1,188"),
        (["豆包每月3000万进600万出", "按季度算"], "¥1,728"),
        (["Claude 4.5 2M in 1M out per month", "per year?"], "$1,260"),
        (["gpt5.1 2000w进400w出", "glm4便宜多少"], "$67.20"),
        (["gpt5.1和claude 1000w进200w出差多少", "把glm4也算上"], "$46.40"),
        (["glm4 月3亿进1亿出", "量翻倍"], "$3,480"),
        # discounts
        (["glm4 打六折每百万多少"], "$1.74"),
        (["GPT-5.1 10M in 2M out with a 25% volume discount"], "$60"),
    ],
    ids=lambda value: " / ".join(value) if isinstance(value, list) else value,
)
def test_a_bill_comes_to(quick_advisor: Advisor, turns: list[str], total: str) -> None:
    answer = ask(quick_advisor, *turns)
    assert total in answer.answer, answer.answer
    assert "没有用到" not in answer.answer, answer.answer
    assert "Not used" not in answer.answer, answer.answer


def test_a_figure_that_the_bill_does_not_use_is_named(quick_advisor: Advisor) -> None:
    answer = ask(quick_advisor, "claude 1000w进200w出多少钱，成功率95%")
    assert "没有用到问题里的：95%" in answer.answer


def test_a_comparison_supposes_no_price(quick_advisor: Advisor) -> None:
    answer = ask(quick_advisor, "豆包是不是比deepseek贵一半")
    assert "乘" not in answer.answer
    assert "汇率" in answer.answer


@pytest.mark.parametrize(
    "text",
    ["-500元在豆包能用多少token", "预算负300刀 gpt5.1能用多少", "claude 负100万进多少钱", "GLM-4 budget of minus $50, how many tokens"],
)
def test_negative_amounts_are_refused(quick_advisor: Advisor, text: str) -> None:
    assert ask(quick_advisor, text).refused


@pytest.mark.parametrize(
    ("text", "there", "absent"),
    [
        ("美元计价的模型，500万进100万出，哪家最省", "GLM-4", "Kimi"),
        ("开源模型的输出价列表", "Llama 4", "Claude"),
        ("排名前两名的输入价各多少", "Claude 4.5", "Gemini"),
        ("便宜过5块每百万的闭源模型", "", "Claude 4.5："),
    ],
)
def test_a_table_is_of_the_models_that_the_question_names(quick_advisor: Advisor, text: str, there: str, absent: str) -> None:
    answer = ask(quick_advisor, text).answer
    assert there in answer
    assert absent not in answer


def test_the_rate_at_which_two_prices_are_equal_is_calculated(quick_advisor: Advisor) -> None:
    answer = ask(quick_advisor, "汇率到多少豆包的输出和gpt5.1一样贵").answer
    assert "**2.4**" in answer


@pytest.mark.parametrize("text", ["glm4一个月大概多少钱", "how much does GPT-5.1 cost a month", "用claude做客服每月3万单要花多少钱"])
def test_a_bill_without_a_volume_gives_prices_and_asks_for_it(quick_advisor: Advisor, text: str) -> None:
    answer = ask(quick_advisor, text)
    assert not answer.refused
    assert "还缺" in answer.answer or "needs the volume" in answer.answer


def test_a_dash_in_a_name_is_no_minus(quick_advisor: Advisor) -> None:
    assert not ask(quick_advisor, "llama3.1-8b 一个会话16384 token，kv占几个G").refused


def test_a_budget_counts_documents_at_the_price_of_their_length(quick_advisor: Advisor) -> None:
    answer = ask(quick_advisor, "gemini 2.5 200k的合同每份回2k，100刀能处理几份").answer
    assert "**69 次**" in answer


def test_weights_in_another_format_are_weights_again(quick_advisor: Advisor) -> None:
    assert "**13 GB**" in ask(quick_advisor, "13b fp16权重多大", "换成int8").answer


@pytest.mark.parametrize(
    ("text", "verdicts", "bill"),
    [
        ("GPT-5.1的输出价是8美元吧，那100M输出就是40刀，对不对", ["不是 8美元", "不是 40刀"], "$1,500"),
        ("100M输出给GPT-5.1是1500美元对吧？", ["**对**"], "$1,500"),
        ("Is it right that 10M input tokens of GPT-5.1 cost $12.5?", ["Not $12.5"], "$50"),
        ("so the GPT-5.1 output price is $15 right? 20M output would be $300?", ["**Yes.**"], "$300"),
        ("GLM-4 100M输入是1万块吧", ["无法核对 1万块"], "$290"),
    ],
)
def test_what_a_question_says_of_a_price_or_a_bill_is_called_right_or_wrong(
    quick_advisor: Advisor, text: str, verdicts: list[str], bill: str
) -> None:
    answer = ask(quick_advisor, text).answer
    assert all(verdict in answer for verdict in verdicts) and bill in answer
    assert "没有用到" not in answer and "Not used" not in answer


def test_a_bill_that_nothing_was_said_of_gets_no_verdict(quick_advisor: Advisor) -> None:
    answer = ask(quick_advisor, "GPT-5.1 100M输出多少钱").answer
    assert answer.startswith("**GPT-5.1**")


@pytest.mark.parametrize(
    ("text", "bill"),
    [
        ("GPT-5.1月输入2亿，一年多少钱", "$12,000"),
        ("Claude 4.5和GPT-5.1差价一年多少，月输入2亿输出5千万", "$60,000"),
        ("GPT-5.1 日输入300万 日输出100万 一年多少钱", "$10,950"),
        ("GPT-5.1 日输入300万日输出100万 每月多少钱", "$900"),
    ],
)
def test_a_period_right_before_what_it_counts_is_read(quick_advisor: Advisor, text: str, bill: str) -> None:
    assert bill in ask(quick_advisor, text).answer


@pytest.mark.parametrize("text", ["GLM-4的上下文和价格", "GLM-4 price and context window"])
def test_things_that_are_only_named_are_all_answered(quick_advisor: Advisor, text: str) -> None:
    answer = ask(quick_advisor, text).answer
    assert "$2.90" in answer and "800,000" in answer


@pytest.mark.parametrize(
    ("text", "said"), [("GLM-4私有化部署费用", "没有写"), ("how much is private deployment of ERNIE 4.5", "state no price")]
)
def test_a_price_that_is_not_stated_is_not_another_one(quick_advisor: Advisor, text: str, said: str) -> None:
    answer = ask(quick_advisor, text).answer
    assert said in answer and "¥120" not in answer and "$2.90" not in answer


@pytest.mark.parametrize(
    ("text", "bill"),
    [
        ("GPT-5.1 输入输出各1亿多少钱", "**$2,000**"),
        ("GPT-5.1输入和输出各一千万每月", "**$200**"),
        ("GPT-5.1 100M tokens each of input and output, cost?", "**$2,000**"),
        ("GPT-5.1 输入输出共1亿多少钱", "$500 与 $1,500 之间"),
        ("claude4.5 1亿输入输出多少钱", "$1,500 与 $7,500 之间"),
        ("一个客服坐席一天处理80个会话，每个会话6轮，每轮输入1200输出150，30个坐席，GLM-4一个月", "**$2,067.12**"),
    ],
)
def test_one_figure_for_both_directions_or_for_one_of_several_people(quick_advisor: Advisor, text: str, bill: str) -> None:
    assert bill in ask(quick_advisor, text).answer


def test_a_limit_of_the_bill_says_who_stays_within_it(quick_advisor: Advisor) -> None:
    first, *rest = ask(quick_advisor, "成本压到每月1000美元以内，每月输入8000万输出2000万，能用哪些模型").answer.splitlines()
    assert "Llama 4" in first and "Claude 4.5" not in first
    assert any("未比较" in line and "Kimi K2" in line for line in rest)


@pytest.mark.parametrize(
    "question, head, total",
    [
        ("GPT-5.1 输出是免费的吧，每月2000万输出", "**不免费**", "$300"),
        ("听说 GLM-4 不要钱，每月输入 1 亿要花多少", "**不免费**", "$290"),
        ("I heard GPT-5.1 is free. What do 20M output tokens a month cost?", "**Not free.**", "$300"),
    ],
)
def test_a_bill_says_first_that_it_is_not_free(quick_advisor: Advisor, question: str, head: str, total: str) -> None:
    answer = ask(quick_advisor, question).answer
    assert answer.startswith(head) and total in answer


def test_what_is_free_beside_the_bill_is_no_claim_about_the_price(quick_advisor: Advisor) -> None:
    assert "不免费" not in ask(quick_advisor, "GPT-5.1 免费额度用完后每月 2000 万输出多少钱，是不是 300 美元").answer


@pytest.mark.parametrize("words", ["开源情况", "开源与否", "开源状态"])
def test_the_word_of_a_value_can_name_the_field(quick_advisor: Advisor, words: str) -> None:
    answer = ask(quick_advisor, f"GPT-5.1 的上下文、{words}和价格").answer
    assert "闭源" in answer and "32K" in answer and "$15" in answer


def test_whether_prices_agree_is_answered_about_prices(quick_advisor: Advisor) -> None:
    agreed = ask(quick_advisor, "文档里 GPT-5.1 的价格一致吗").answer
    assert "没有发现互相矛盾" in agreed and "$5" in agreed and "许可" not in agreed
    absent = ask(quick_advisor, "文档里说 GPT-4o 多少钱？各处一致吗")
    assert absent.refused and "价格" in absent.answer
    one = ask(quick_advisor, "GPT-5.1 的输入价各处一致吗").answer
    assert "$5" in one and "$15" not in one
