"""Break-even in two currencies and by volume, unit cost from a throughput, caches and weights of named architectures."""

from __future__ import annotations

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
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


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("自建服务器100万，gpt5.1每月账单3000刀，汇率7，运维6000，回本要几个月", "66.67"),
        ("机器70万，GPT-5.1每月5000刀，汇率7，运维5000块，多久回本", "23.33"),
        ("买服务器花了60万人民币，现在API一个月4000美金，电费加人工一个月8千块，按7.2算多久打平", "28.85"),
        ("Server costs ¥500,000, API bill is $4,000 a month, running cost ¥3,000 a month, at 7 yuan per dollar: payback?", "20"),
        ("Hardware is $90k. Our API bill is 50,000 RMB monthly, electricity $500 a month, rate 7.1. When do we break even?", "13.76"),
        ("我们每月API花6万，买机器要90万，每月电费8000人工1.2万，多久回本", "22.5"),
        ("机器50万装修5万，api每月5万，运维1万，多久回本", "13.75"),
        ("8张A100共80万，API每月1万刀，汇率7.2，电费人工每月1.2万，多久回本", "13.33"),
    ],
)  # fmt: skip
def test_every_amount_counts_in_its_own_currency(buyer: Advisor, text: str, months: str) -> None:
    head = first(ask(buyer, text))
    assert f"**{months} 个月**" in head or f"**{months} months**" in head


def test_a_bare_amount_beside_a_rate_is_said_to_be_yuan(buyer: Advisor) -> None:
    assert "100万、6000 没有写币种，按元计" in ask(buyer, "服务器100万，api每月3000刀，汇率7，运维6000，几个月回本").answer


def test_two_currencies_without_a_rate_are_asked_about(buyer: Advisor) -> None:
    done = ask(buyer, "机器70万元，api每月5000美元，多久回本")
    assert "汇率" in done.answer and "个月**回本" not in done.answer


def test_all_that_is_missing_is_asked_for_at_once(buyer: Advisor) -> None:
    answer = ask(buyer, "我们想自建，多久能回本").answer
    assert all(word in answer for word in ("一次性投入", "API 月费", "月运行费"))


@pytest.mark.parametrize(
    ("text", "volume"),
    [
        ("自建每月固定花3.6万，对比kimi api，每月用量到多少token才划算", "3,000,000,000 token"),
        ("Fixed $6,000 a month for self hosting. At a 3:1 input:output mix, how many GPT-5.1 tokens a month is the break-even?", "800,000,000 tokens"),
        ("self-host 每月 fixed $2,900，对比 GLM-4 input only，多少 tokens 才 break even", "1,000,000,000 tokens"),
        ("自建一个月2万，跟gpt5.1比，用到多少token打平，汇率7.2，输入输出4:1", "396,825,397 token"),
        ("机房每月2万加人工1.5万加电费5千，claude每月要用多少token自建才划算，3:1，汇率7", "190,476,191 token"),
        ("每月租服务器 1.8 万元，每次请求 3k 进 1k 出，和 DeepSeek R3 比多少次以上划算，汇率 7.2", "109,650 次"),
        ("We pay $9,000/month fixed for our own cluster. How many requests of 3k in / 1k out on Claude 4.5 would cost the same?", "75,000 requests"),
    ],
)  # fmt: skip
def test_the_volume_from_which_a_fixed_cost_pays(buyer: Advisor, text: str, volume: str) -> None:
    assert f"**{volume}**" in first(ask(buyer, text))


def test_without_a_ratio_the_break_even_volume_is_a_range(buyer: Advisor) -> None:
    head = first(ask(buyer, "自己部署每月花费1.5万元，豆包要用多少token以上自建才便宜"))
    assert "416,666,667" in head and "1,250,000,000" in head and "比例" in head


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("8张卡每张每小时15块，每秒出4000token，利用率四成，每百万输出token成本", "¥20.83"),
        ("4 GPUs at $2/h, 5000 tokens/s, utilisation 0.4, cost per million output tokens", "$1.11"),
        ("一张H100每小时20块，每秒吐2500token，满载，每百万token成本多少", "¥2.22"),
        ("6 张 L40S 每张每小时 7 元，合计每秒 5400 token，跑 55% ，百万 token 多少", "¥3.93"),
        ("每张4090每小时2块，每张每秒能出600 token，4张，跑满，一百万token多少钱", "¥0.9259"),
        ("We rent one H200 at $3.20 per hour and measure 4,100 tokens per second at 60% utilization. What does 1M tokens cost us?", "$0.3613"),
    ],
)  # fmt: skip
def test_unit_cost_is_rent_over_throughput_and_utilisation(buyer: Advisor, text: str, price: str) -> None:
    done = ask(buyer, text)
    assert f"**{price}**" in first(done) and "36 个月" not in done.answer and "36 months" not in done.answer


def test_a_rent_a_month_comes_without_a_total_over_years(buyer: Advisor) -> None:
    answer = ask(buyer, "2张H100，一张一小时2.5刀，一个月730小时").answer
    assert "$3,650" in answer and "36 个月" not in answer


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("每秒3000 token，全天满载，一个月30天能出多少token", "7,776,000,000"),
        ("At 2,500 tokens/s and 40% utilisation, how many tokens a month?", "2,592,000,000"),
        ("8 张 H100 的总吞吐 12000 tokens/s，一天 10 小时，一天能产出多少？", "432,000,000"),
    ],
)
def test_a_speed_makes_tokens_over_a_time(buyer: Advisor, text: str, count: str) -> None:
    assert f"**{count} token" in first(ask(buyer, text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("llama3.1 8b 每个token kv cache占多少KB（bf16）", "131.07 KB（128 KiB）"),
        ("llama3.1-8b 一个会话32768 token，kv占几个G", "4.29 GB（4 GiB）"),
        ("chatglm3-6b 4096上下文 每个会话kv多大", "117.44 MB（112 MiB）"),
        ("llama-3.1-8b KV 用 fp8，16k context 20 路 concurrency，KV 总共多少 GB", "20.97 GB（19.53 GiB）"),
        ("How much KV cache does Kimi K2 need for a 128k (131072) session?", "9.21 GB (8.58 GiB)"),
        ("20 concurrent sessions of 16k on Llama-3.1-8B, KV cache total GB?", "41.94 GB (39.06 GiB)"),
        ("yi-34b 100路并发每路2k token的kv cache总共多大", "49.15 GB（45.78 GiB）"),
        ("Qwen3-8B KV cache for 64 sessions of 4k, fp8 kv?", "18.87 GB (17.58 GiB)"),
        ("kv cache留了40GiB，qwen2.5-7b，每个会话8192token，最多并发几个", "91 个会话"),
        ("With 24 GB reserved for KV cache, how many 4096-token sessions of Qwen2.5-7B fit?", "102 sessions"),
    ],
)
def test_the_cache_of_a_named_architecture_in_any_spelling(buyer: Advisor, text: str, shown: str) -> None:
    assert f"**{shown}**" in first(ask(buyer, text))


@pytest.mark.parametrize(
    ("turns", "shown"),
    [
        (["qwen2.5-7b int8 权重"], "8.71 GB"),
        (["Qwen3_32b fp16 显存多少"], "65.52 GB"),
        (["70b fp16权重多大", "int8呢"], "70 GB"),
        (["70b fp16权重多大", "换成int4"], "35 GB"),
        (["Qwen 72B用int4量化，光权重要多大显存"], "36 GB"),
        (["gemma-3-27b 16位权重多少G"], "54.02 GB"),
    ],
)
def test_weights_are_those_of_the_architecture_not_of_its_label(buyer: Advisor, turns: list[str], shown: str) -> None:
    assert f"**{shown}**" in first(ask(buyer, *turns))


def test_whether_it_fits_is_answered_yes_or_no(buyer: Advisor) -> None:
    assert first(ask(buyer, "13b fp16 一张24G的4090装得下不")).startswith("**装不下**")
    assert first(ask(buyer, "一张80G的A100放得下Qwen3-32B吗")).startswith("**装得下**")
