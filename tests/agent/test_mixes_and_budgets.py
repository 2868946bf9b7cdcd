"""Volumes and budgets divided among models, teams and time, in wordings that name the same thing differently."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
from agent.understand.link import Mention
from agent.understand.question import Reader
from agent.understand.shares import continued_mix, read_mix
from kb.quantities import find_quantities, normalise
from kb.settings import Settings


@pytest.fixture(scope="module")
def buyer(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    """An advisor over the catalog alone: calculations need no index."""
    return Advisor(Settings(home=tmp_path_factory.mktemp("home")), None)


def ask(advisor: Advisor, *turns: str) -> AnswerDone:
    """The answer to the last turn; every number in it must be accounted for."""
    done = advisor.ask(list(turns))
    assert isinstance(done, AnswerDone), done
    assert done.unsupported_numbers == 0, done.answer
    return done


def first(done: AnswerDone) -> str:
    return done.answer.split("\n")[0]


def mix_of(text: str, *names: str) -> dict[str, Decimal]:
    """Name -> percent of the division that a text states, the names found by their places alone."""
    text = normalise(text)
    mentions = [Mention(m[0], m.start(), m.end(), (m[0],), "alias") for n in names for m in re.finditer(re.escape(n), text)]
    mentions.sort(key=lambda m: m.start)
    masked = text
    for m in mentions:
        masked = masked[: m.start] + " " * (m.end - m.start) + masked[m.end :]
    mix = read_mix(masked, mentions, find_quantities(masked))
    return {} if mix is None else {m.text: (share * 100).quantize(Decimal("0.01")) for m, share in mix.parts}


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("Foo 20%，Bar 80%，1亿进", {"Foo": 20, "Bar": 80}),
        ("20%走Foo，80%走Bar", {"Foo": 20, "Bar": 80}),
        ("70%请求走第三方Foo，剩下的走Bar", {"Foo": 70, "Bar": 30}),
        ("Foo占两成 Bar占八成", {"Foo": 20, "Bar": 80}),
        ("三成Foo七成Bar", {"Foo": 30, "Bar": 70}),
        ("Foo三成Bar七成", {"Foo": 30, "Bar": 70}),
        ("30% of traffic on Foo, the rest on Bar", {"Foo": 30, "Bar": 70}),
        ("Foo 30% and Bar 70%", {"Foo": 30, "Bar": 70}),
        ("20%走Foo，30%走Bar，50%走Baz", {"Foo": 20, "Bar": 30, "Baz": 50}),
        ("Foo, Bar and Baz split 20/30/50", {"Foo": 20, "Bar": 30, "Baz": 50}),
        ("Foo:Bar=1:4 分流", {"Foo": 20, "Bar": 80}),
        ("流量按 3:2 分给 Foo 和 Bar", {"Foo": 60, "Bar": 40}),
        ("Foo和Bar五五开", {"Foo": 50, "Bar": 50}),
        ("Foo 和 Bar 三七开", {"Foo": 30, "Bar": 70}),
        ("Foo、Bar 各一半", {"Foo": 50, "Bar": 50}),
        ("split evenly between Foo, Bar and Baz", {"Foo": "33.33", "Bar": "33.33", "Baz": "33.33"}),
        ("two thirds on Foo, one third on Bar", {"Foo": "66.67", "Bar": "33.33"}),
        ("Foo 20%，Bar 和 Baz 平分剩下的", {"Foo": 20, "Bar": 40, "Baz": 40}),
        ("Move 70% of Foo traffic to Bar", {"Foo": 30, "Bar": 70}),
        ("把Foo的40%流量换成Bar", {"Foo": 60, "Bar": 40}),
        ("把一半流量从 Foo 挪到 Bar", {"Foo": 50, "Bar": 50}),
        ("Foo 和 Bar 分别 25% 和 75%", {"Foo": 25, "Bar": 75}),
    ],
)  # fmt: skip
def test_a_share_belongs_to_the_name_beside_it(text: str, shares: dict[str, int | str]) -> None:
    assert mix_of(text, "Foo", "Bar", "Baz") == {name: Decimal(str(value)).quantize(Decimal("0.01")) for name, value in shares.items()}


@pytest.mark.parametrize(
    "text",
    [
        "Foo 输入占80%，和 Bar 比哪个便宜",
        "Foo八折，Bar原价，哪个便宜",
        "Foo 和 Bar，输入输出 3:1，各多少钱",
        "Foo 比 Bar 便宜 20% 吗",
        "Foo and Bar at a 3:1 input:output ratio",
    ],
)
def test_percentages_of_something_else_are_no_shares(text: str) -> None:
    assert mix_of(text, "Foo", "Bar") == {}


def test_a_later_share_leaves_the_rest_with_the_model_before() -> None:
    before = [Mention("Foo", 0, 3, ("foo",), "alias")]
    now = read_mix("一半换成    呢", [Mention("Bar", 4, 7, ("bar",), "alias")], find_quantities("一半换成    呢"))
    mix = continued_mix(now, before)
    assert mix is not None and mix.complete and [m.text for m, _ in mix.parts] == ["Foo", "Bar"]


@pytest.mark.parametrize(
    ("turns", "shown"),
    [
        (["gpt5.1 20%，glm4 80%，1亿进2000万出"], "$531.20"),
        (["Claude 4.5 on 25%, DeepSeek R3 on 75%: 40M in and 8M out a month"], "$482.40"),
        (["claude:gpt5.1:glm4 = 1:2:7，1亿进2000万出"], "$784.80"),
        (["豆包和kimi对半，每月6000万进1000万出多少"], "¥960"),
        (["qwen-max 和 kimi 2:8 混着用，每月2亿进5000万出，总费用"], "¥8,400"),
        (["把 DeepSeek 的流量拿出四分之一给 Kimi，总量每月 8000万进 2000万出，汇率7.1"], "¥3,132.90"),
        (["Route 15% of requests to Claude 4.5 and the other 85% to DeepSeek R3; 200M input, 40M output monthly. Bill?"], "$1,933.60"),
        (["kimi每月1亿进多少钱", "改成三成走文心"], "¥4,440"),
        (["claude 300w进100w出", "一半换成glm4呢"], "$68.70"),
        (["GPT-5.1: 100M in, 20M out a month", "and if a quarter of that went to GLM-4?"], "$716"),
        (["deepseek 60%，kimi 40%，1亿进1亿出，汇率7.2"], "¥7,526.40"),
    ],
)  # fmt: skip
def test_a_divided_volume_costs_the_sum_of_its_shares(buyer: Advisor, turns: list[str], shown: str) -> None:
    assert f"**{shown}**" in first(ask(buyer, *turns))


def test_shares_that_make_no_whole_are_asked_about(buyer: Advisor) -> None:
    assert "还有 50%" in ask(buyer, "20%走claude，30%走gpt5.1，1亿进2000万出多少钱").answer
    assert "120%" in ask(buyer, "claude 60%，glm4 60%，1亿进1亿出").answer


def test_undirected_tokens_of_a_mix_are_asked_about(buyer: Advisor) -> None:
    answer = ask(buyer, "豆包和kimi三七开，一个月2亿token").answer
    assert "30%" in answer and "输入和输出各多少" in answer


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("gpt5.1 1亿进加kimi 1亿进，一共多少钱", ("$500", "¥1,200")),
        ("gpt5.1 1亿进，kimi 2亿进，一共多少钱，汇率7.2", ("¥6,000",)),
        ("GPT-5.1 100M input plus Claude 4.5 20M output, total?", ("$2,000",)),
    ],
)
def test_amounts_of_different_models_are_kept_apart(buyer: Advisor, text: str, total: tuple[str, ...]) -> None:
    assert all(f"**{t}**" in first(ask(buyer, text)) for t in total)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("账户里还剩3000块，kimi一天烧800w token，还能撑几天", "31.3 天"),
        ("$500 on GPT-5.1, 2M in and 400k out a day, how many days", "31.3 days"),
        ("we have 12k RMB left and Doubao costs us 400 RMB a day, how long will it last", "30 days"),
        ("豆包每周花2000元，账上1万5够几周", "7.5 周"),
        ("剩5000美元，GPT-5.1 一个月要花 800 刀，能用几个月", "6.25 个月"),
        ("$2,000 in the account, GLM-4 at 5M in / 1M out per day: how many weeks does that cover?", "12.32 weeks"),
        ("账户余额6000，gpt5.1每天花50刀，汇率7.2，还能用几天", "16.7 天"),
        ("预算每月300刀，每天花20刀，够用几天", "15 天"),
        ("我们充了2万块，豆包一天1000次每次2k进500出，多久用完", "476.2 天"),
    ],
)
def test_how_long_money_lasts_whatever_the_wording(buyer: Advisor, text: str, shown: str) -> None:
    assert f"**{shown}**" in first(ask(buyer, text))


def test_how_long_money_lasts_needs_a_use_and_one_currency(buyer: Advisor) -> None:
    assert "a day" in ask(buyer, "$500 on GPT-5.1, how many days").answer
    assert "汇率" in ask(buyer, "500块在gpt5.1每天100万进20万出能用几天").answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100个人分摊每月1500块的kimi，每人每天（按30天）能用多少token", "41,666"),
        ("5个团队平分每月2万元预算，豆包，输入输出4:1，每个团队能用多少token", "238,095,238"),
        ("$3,000 a month shared by 12 people on GPT-5.1, 3:1 in:out. How many tokens does each get?", "33,333,333"),
        ("$400/month on Claude 4.5, 2k in, 600 out per chat. How many chats a day (30 days)?", "177.8 requests"),
        ("30人共用每月900刀的gpt5.1，每次2k进1k出，每人每天能问多少次", "40 次"),
        ("$20 的 Llama 4 third-party，input:output=4:1，total 多少 token", "31,250,000"),
        ("glm4账单每月1000刀，全是输出的话是多少token", "114,942,528"),
    ],
)
def test_a_budget_is_answered_for_whom_and_what_time_is_asked(buyer: Advisor, text: str, shown: str) -> None:
    assert f"**{shown}" in first(ask(buyer, text))


def test_a_budget_divided_among_models_buys_each_ones_share(buyer: Advisor) -> None:
    answer = ask(buyer, "1000刀预算，claude花六成glm4花四成，3:1，各能用多少token").answer
    assert "$600 能用约 **20,000,000** token" in answer and "$400 能用约 **91,954,022** token" in answer


@pytest.mark.parametrize("text", ["-200块能在kimi用多少", "预算是负的200块，kimi能用多少", "-$50 on GPT-5.1, how many tokens"])
def test_a_negative_budget_buys_nothing(buyer: Advisor, text: str) -> None:
    done = ask(buyer, text)
    assert done.refused and ("负数" in done.answer or "negative" in done.answer)


def test_a_name_and_a_count_are_no_version(buyer: Advisor) -> None:
    reader: Reader = buyer.reader
    assert [q.value for q in reader.read("kimi 2亿进").quantities] == [Decimal(2 * 10**8)]
    assert [m.text for m in reader.read("Gemini 2.5: 200 calls").mentions] == ["Gemini 2.5"]
