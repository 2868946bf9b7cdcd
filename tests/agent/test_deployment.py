"""Deployment questions as a buyer asks them: figures by an independent calculation, follow-ups that change one thing, nothing invented."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
from kb.catalog.hardware import default_hardware
from kb.settings import Settings

GIB = 2**30


@pytest.fixture(scope="module")
def buyer(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    """An advisor over the catalog alone: calculations need no index."""
    return Advisor(Settings(home=tmp_path_factory.mktemp("home")), None)


def ask(advisor: Advisor, *turns: str) -> AnswerDone:
    """The answer to the last turn; every number in it must be accounted for."""
    done = advisor.ask(list(turns))
    assert isinstance(done, AnswerDone), done
    assert done.unsupported_numbers == 0, done.answer
    assert "未核实" not in done.answer and "unverified" not in done.answer
    return done


def told(done: AnswerDone) -> dict[str, Any]:
    """What the deployment calculation put out."""
    return dict(next(t for t in done.tools if t.name == "deployment").output)


def first(done: AnswerDone) -> str:
    return done.answer.split("\n")[0]


def shape(name: str) -> dict[str, Any]:
    entry = next(e for e in default_hardware().architectures.values() if e.name == name)
    return dict(entry.shape)


def visible_gib(alias: str) -> float:
    entry = next(e for e in default_hardware().gpus.values() if alias in (e.name, *e.aliases))
    return float(str(entry.shape["visible_memory_gib"]))


def cards_by_hand(weight_bytes: float, kv_token: float, visible: float, context: int, sessions: int) -> int:
    """Smallest of 1, 2, 4, 8, 16 with n * (0.9 * visible - 2 GiB) >= weights + cache; written apart from the code under test."""
    usable = 0.9 * visible * GIB - 2 * GIB
    return next(n for n in (1, 2, 4, 8, 16) if n * usable >= weight_bytes + sessions * context * kv_token)


def kv_token(name: str, width: int = 2) -> int:
    s = shape(name)
    return 2 * int(s["num_hidden_layers"]) * int(s["num_key_value_heads"]) * int(s["head_dim"]) * width


# Cards


@pytest.mark.parametrize(
    ("question", "model", "parameters", "bytes_each", "gpu", "context", "sessions"),
    [
        ("70B 要几张 A100", "Llama-3.1-70B", 70e9, 2, "A100", 4096, 1),
        ("70B fp16 并发 40 上下文 8k 要几张 H100", "Llama-3.1-70B", 70e9, 2, "H100", 8000, 40),
        ("How many 4090s for a 32B in int8 at 20 concurrent and 4k context?", "Qwen2.5-32B", 32e9, 1, "4090", 4000, 20),
        ("70B int8，昇腾910B，同时 16 人，16k 上下文，几张卡", "Llama-3.1-70B", 70e9, 1, "910B", 16000, 16),
        ("7B bf16 on L4, 8 concurrent, context 8k: how many cards?", "Qwen2.5-7B", 7e9, 2, "L4", 8000, 8),
    ],
)
def test_the_number_of_cards_is_that_of_an_independent_calculation(
    buyer: Advisor, question: str, model: str, parameters: float, bytes_each: int, gpu: str, context: int, sessions: int
) -> None:
    expected = cards_by_hand(parameters * bytes_each, kv_token(model), visible_gib(gpu), context, sessions)
    done = ask(buyer, question)
    assert told(done)["gpus"] == expected
    assert re.search(rf"\*\*{expected} (?:张|×) ", first(done)), first(done)


@pytest.mark.parametrize(
    ("question", "total_billions"),
    [
        ("mixtral 8x7b int4 显存多少", 46.7),
        ("Mistral 8x7B fp16 需要多少显存", 46.7),
        ("Mixtral 8x22B bf16 要几张 H200", 140.6),
        ("how many H100 for mixtral 8x22b?", 140.6),
    ],
)
def test_a_mixture_of_experts_is_never_read_as_one_expert(buyer: Advisor, question: str, total_billions: float) -> None:
    text = ask(buyer, question).answer
    stated = [float(m) for m in re.findall(r"([\d.]+)B (?:参数|parameters)", text)]
    assert stated and all(abs(s - total_billions) < 0.2 for s in stated), text


@pytest.mark.parametrize(
    "question",
    [
        "2x RTX 4090 enough for Qwen 72B int4?", "两张 4090 能跑 qwen 72b int4 吗", "RTX4090*2 跑千问72B int4 够不够", "4090 x 2, Qwen-72B awq, fits?",
    ],
)  # fmt: skip
def test_a_count_and_a_name_are_read_however_they_are_written(buyer: Advisor, question: str) -> None:
    done = ask(buyer, question)
    # 72.7B weights at 4 bit with scales and a 16-bit embedding are over 41 GB, two cards offer 2 x 19.2 GiB.
    assert re.match(r"\*\*(?:不够|Not enough)", first(done)), first(done)
    assert told(done)["gpus"] == 4


def test_two_machines_of_eight_are_sixteen_cards(buyer: Advisor) -> None:
    assert "16" in first(ask(buyer, "我有两台 8 卡 A800，能不能上 DeepSeek V3"))


def test_a_load_that_no_group_of_cards_holds_is_spread_over_copies(buyer: Advisor) -> None:
    done = ask(buyer, "llama 405B fp8 on H100, 32k context, 60 concurrent: how many cards?")
    copies, each = (int(n) for n in re.search(r"so (\d+) copies of (\d+) cards", done.answer).groups())  # type: ignore[union-attr]
    assert told(done)["gpus"] == copies * each and copies * each > 16


def test_eight_bit_files_are_taken_as_int8_where_a_card_has_no_fp8_units(buyer: Advisor) -> None:
    done = ask(buyer, "deepseek-v3 昇腾 910B 要多少张")
    assert "int8" in first(done) and "没有 FP8 单元" in done.answer


def test_users_are_not_concurrency_and_the_share_is_an_assumption(buyer: Advisor) -> None:
    done = ask(buyer, "我们公司 300 人，想本地部署 Qwen 72B，要买多少卡")
    assert "10%" in done.answer and "并发 30" in done.answer


# Speed and capacity


def test_a_missed_latency_target_names_the_cards_that_keep_it(buyer: Advisor) -> None:
    done = ask(buyer, "首字 1 秒内，每人 20 tokens/s，100 并发，qwen3-32b，H20 要几张")
    total, copies, each = (int(n) for n in re.search(r"需要 \*\*(\d+) 张.*?（(\d+) 套 × (\d+) 张", first(done)).groups())  # type: ignore[union-attr]
    assert total == copies * each


def test_requests_a_second_are_turned_into_copies(buyer: Advisor) -> None:
    text = first(ask(buyer, "每秒 20 个请求，每次输入 1000 输出 300，qwen2.5 14B，L40S 要几张"))
    wants, makes = (int(m.replace(",", "")) for m in re.findall(r"([\d,]+) tokens/s", text))
    copies = int(re.search(r"\*\*(\d+) 套", text)[1])  # type: ignore[index]
    assert wants == 6000 and copies == -(-wants // makes)


def test_a_daily_volume_is_held_against_what_the_cards_make_in_a_day(buyer: Advisor) -> None:
    done = ask(buyer, "8卡A100集群能不能支撑日均1000万token的70B")
    assert first(done).startswith("**够**") and int(told(done)["tokens_per_day"]) > 10_000_000
    assert first(ask(buyer, "单张 4090 能不能支撑日均 50 亿 token 的 14B int8")).startswith("**不够**")


def test_a_monthly_volume_decides_the_number_of_cards(buyer: Advisor) -> None:
    done = ask(buyer, "每月 10 亿 token 用自建 72B 要几张 A100")
    found = re.search(r"\*\*(\d+) 张.*?每天 ([\d,]+) token.*?约 ([\d,]+)", first(done))
    assert found is not None
    cards, a_day, one = (int(m.replace(",", "")) for m in found.groups())
    assert a_day == round(10**9 / 30) and cards == 2 * -(-a_day // one)


def test_a_latency_target_cannot_exceed_what_fits_in_memory(buyer: Advisor) -> None:
    done = ask(buyer, "70B 在 2 张 A100 上，首字 3 秒以内，能支撑多少并发")
    kept = int(re.search(r"最多同时 ([\d,]+) 个请求", done.answer)[1].replace(",", ""))  # type: ignore[index]
    assert kept <= told(done)["max_concurrency"]


def test_the_longest_context_is_the_cache_that_is_left(buyer: Advisor) -> None:
    done = ask(buyer, "what context can I fit on 2x4090 with qwen2.5 32b int4?")
    # 4.156 bits a weight of 31.2B linear weights and 16-bit embeddings; 0.9 x 23.6 GiB a card less 2 GiB.
    room = 2 * (0.9 * 23.6 - 2) * GIB - 19.33e9
    assert abs(told(done)["longest_context"] - room / kv_token("Qwen2.5-32B")) < 400


# Money


def test_n_cards_at_a_price_each_are_multiplied(buyer: Advisor) -> None:
    done = ask(buyer, "自建 8 卡 A100 每张 10 万，机房电费每月 2 万，替代每月 15 万的 API，几个月回本")
    assert Decimal(told(done)["break_even_months"]).quantize(Decimal("0.01")) == Decimal("6.15")
    assert "6.15" in first(done)


def test_total_cost_adds_purchase_power_staff_and_residual_value(buyer: Advisor) -> None:
    done = ask(buyer, "买 8 张 A100 花 80 万，残值 20%，用 4 年，电价 0.6，2 个工程师年薪 40 万，机房每月 5000，一共多少")
    power = 8 * 0.4 * 1.5 * 730 * 0.6 * 48
    expected = 800_000 + power + 2 * 400_000 * 4 + 5_000 * 48 - 160_000
    assert abs(float(told(done)["total"]) - expected) < 1


def test_rent_counts_the_hours_that_are_paid(buyer: Advisor) -> None:
    assert "1,936" in first(ask(buyer, "rent 4 H100 at $2.2/hr, 10 hours a day, 22 days a month?"))
    assert "105,120" in first(ask(buyer, "租 8 张 H100 每小时 18 元，一个月多少钱"))


def test_buying_and_renting_are_set_side_by_side(buyer: Advisor) -> None:
    done = ask(buyer, "买还是租？8 张 A100，买 10 万一张，租 6 元每卡每小时")
    assert abs(float(told(done)["buy_cheaper_from_month"]) - 800_000 / (8 * 6 * 730)) < 0.01


def test_the_api_side_is_priced_from_the_catalog_and_cited(buyer: Advisor) -> None:
    done = ask(buyer, "GPT-5.1 每月 2 亿输入 5000 万输出，换成 4 张 H100（每张 $28,000）自建 70B，多久回本")
    assert Decimal(told(done)["api_monthly"]) == 1750 and Decimal(told(done)["break_even_months"]) == 64
    assert done.citations


def test_it_says_never_where_it_never_pays(buyer: Advisor) -> None:
    assert "永远不回本" in first(ask(buyer, "8 张 A100 每张 10 万，每月运行 6 万，API 每月 5 万，多久回本"))
    assert "Never" in first(ask(buyer, "4x A100 at $15,000 each, staff $9k a month, API bill $8k a month, break-even?"))


def test_the_cheapest_of_several_priced_cards_is_taken_and_the_losers_say_why(buyer: Advisor) -> None:
    done = ask(buyer, "Which GPU is cheapest for a 13B at 20 concurrent, 4k context? A10 at $1,800, L40S at $8,000, 4090 at $2,200")
    assert "4 × A10" in first(done) and "$7,200" in first(done)
    assert "runner-up 4 × RTX 4090 24GB (bf16), $8,800" in done.answer and "more a month" in done.answer


def test_a_budget_without_a_price_gives_the_most_a_card_may_cost(buyer: Advisor) -> None:
    assert "250,000" in ask(buyer, "预算 50 万，私有化 70B，用 A100，够不够").answer


@pytest.mark.parametrize(
    "question",
    [
        "70B 私有化要几张卡，多少钱，多久回本，能扛多少并发?",
        "How many H100 for a 70B, what does it cost and when does it pay off?",
        "8 张 A100 跑 72B 三年总成本",
    ],
)
def test_no_price_is_ever_invented(buyer: Advisor, question: str) -> None:
    done = ask(buyer, question)
    own = "\n".join(line for line in done.answer.split("\n") if "资料里的参考" not in line and "another plan" not in line)
    assert not re.search(r"[¥$€]\s?\d", own), own
    assert re.search(r"还缺|Missing", done.answer) and re.search(r"单价|price", done.answer)


def test_every_part_of_the_question_is_answered_or_named_as_missing(buyer: Advisor) -> None:
    text = ask(buyer, "70B 私有化要几张卡，多少钱，多久回本，能扛多少并发?").answer
    for word in ("张", "个会话", "多少钱：", "多久回本：", "还缺", "假设"):
        assert word in text, word


def test_amounts_in_two_currencies_need_a_rate(buyer: Advisor) -> None:
    question = "H100 每张 $28,000，8 张，API 每月 15 万元，回本？"
    assert "汇率" in ask(buyer, question).answer
    done = ask(buyer, question, "汇率 7.2")
    assert abs(float(told(done)["break_even_months"]) - 224_000 / (150_000 / 7.2)) < 0.01


def test_a_volume_beside_the_word_api_is_no_amount_of_money(buyer: Advisor) -> None:
    done = ask(buyer, "self host 70B vs GPT-5.1 API at 500M in / 100M out a month, 8xA100 rented at $1.5/h each")
    # 500M x $5 + 100M x $15 for 1M tokens; 8 x 1.5 x 730.
    assert Decimal(told(done)["api_monthly"]) == 4000 and "$4,760" in done.answer


def test_a_model_named_as_the_api_side_is_not_the_one_to_run(buyer: Advisor) -> None:
    chain = ("8 张 A100 每张 10 万，自建 70B，多久回本", "API 用 Kimi K2，每月 20 亿输入 5 亿输出")
    done = ask(buyer, *chain)
    # 2.5 billion tokens at ¥12 for a million.
    assert Decimal(told(done)["api_monthly"]) == 30_000 and "Kimi-K2" not in first(done)
    assert Decimal(told(ask(buyer, *chain, "用量翻倍呢"))["api_monthly"]) == 60_000


def test_years_of_use_do_not_multiply_the_monthly_bill(buyer: Advisor) -> None:
    done = ask(buyer, "self-host 70B on 8 A100 at $12k each vs Claude 4.5 at 300M in and 60M out a month; power $0.1/kWh; 4 years")
    assert Decimal(told(done)["api_monthly"]) == 9_000 and told(done)["months"] == 48


def test_lengths_beside_a_concurrency_are_lengths(buyer: Advisor) -> None:
    done = ask(buyer, "How many H100 for a 70B?", "64 concurrent at 8k")
    given = next(t for t in done.tools if t.name == "deployment").input
    assert given["concurrency"] == "64" and given["context"] == "8000"


def test_a_price_in_the_colloquial_unit_is_no_count(buyer: Advisor) -> None:
    assert "35,040" in ask(buyer, "8 张 A100 每张 10 万，API 每月 15 万，多久回本", "不买了，租呢，每卡每小时 6 块").answer


def test_amounts_without_a_currency_are_not_mixed_with_the_catalogs(buyer: Advisor) -> None:
    done = ask(buyer, "自建 70B 替代 Claude 4.5，每月 5000 万输入 1000 万输出，2 张 A800 每张 8 万，汇率 7.1，多久回本")
    assert abs(float(told(done)["break_even_months"]) - 160_000 / (1500 * 7.1)) < 0.01


def test_what_a_budget_buys(buyer: Advisor) -> None:
    assert "**2 张 H100" in first(ask(buyer, "我只有 50 万，能买几张 H100，每张 22 万"))


def test_a_namesake_is_not_taken_for_a_model_of_the_sources(buyer: Advisor) -> None:
    assert "GPT-5.1" not in ask(buyer, "gpt-oss-120b 一张 H100 行吗").answer


def test_cards_are_compared_with_each_other_where_no_api_is_meant(buyer: Advisor) -> None:
    done = ask(buyer, "H20 和 4090 哪个划算，跑 32B，100 并发，H20 每张 9 万，4090 每张 1.6 万")
    assert "2 张 H20" in first(done) and "回本" not in done.answer


def test_a_load_without_a_model_is_sized_for_usual_sizes(buyer: Advisor) -> None:
    done = ask(buyer, "给全公司 2000 人用，本地部署要花多少钱")
    assert "| 70B |" in done.answer and "还缺" in done.answer


def test_own_or_api_without_figures_says_what_decides(buyer: Advisor) -> None:
    for question in ("API 贵还是自建贵", "自建和 API 怎么选，我每天 500 万 token", "self-host or API, which is cheaper?"):
        text = ask(buyer, question).answer
        assert re.search(r"取决于用量|depends on volume", text) and re.search(r"还缺|Missing", text), question


def test_a_stated_share_of_saving_is_put_into_money(buyer: Advisor) -> None:
    assert "720,000–960,000" in first(ask(buyer, "长期省 60%-80%，原来 API 一年 120 万，能省多少"))


def test_how_long_a_budget_lasts_is_no_break_even(buyer: Advisor) -> None:
    assert "14.8 days" in first(ask(buyer, "how long does $1000 last on Claude 4.5 at 2M in and 0.5M out per day"))
    zh = ask(buyer, "10 万预算用 GLM-4 能跑多久，每天 1000 万输入 200 万输出，汇率 7.2")
    assert "299.3 天" in first(zh) and "回本" not in zh.answer


# What-if


def test_the_assumption_that_moves_the_result_most_is_named(buyer: Advisor) -> None:
    done = ask(buyer, "哪个假设影响最大：8 张 A100 每张 10 万，API 每月 15 万，每月运行 3 万")
    # Months: API -20% gives 8.89, hardware +20% gives 8, running +20% gives 7.02.
    assert "API 月费" in first(done)
    assert any(c.title == "哪个假设影响最大" for c in done.charts)


def test_three_scenarios_stand_side_by_side(buyer: Advisor) -> None:
    done = ask(buyer, "三种情景对比：8 张 A100 每张 10 万，API 每月 15 万，每月运行 3 万")
    low, base, high = 640 / (180 - 24), 800 / 120, 960 / (120 - 36)
    bars = next(c for c in done.charts if c.title == "情景对比")
    assert [round(y, 2) for y in bars.series[0].y] == [round(v, 2) for v in (low, base, high)]


def test_a_mix_of_own_cards_and_api(buyer: Advisor) -> None:
    done = ask(buyer, "30% 走自建其余走 API：4 张 H100 每张 22 万，API 每月 20 万")
    assert "164,444" in first(done)


def test_charts_are_finite_and_the_page_draws_them(buyer: Advisor) -> None:
    from channels.page.charts import chart_html

    done = ask(buyer, "GPT-5.1 每月 2 亿输入 5000 万输出，换成 4 张 H100（每张 $28,000）自建 70B，多久回本")
    assert {"每张卡的显存", "累计费用", "用量与每月费用"} == {c.title for c in done.charts}
    for chart in done.charts:
        assert all(len(s.x) == len(s.y) for s in chart.series) and all(y == y and abs(y) < 1e18 for s in chart.series for y in s.y)
        assert chart.title in chart_html(chart, "zh")


# Follow-ups


def test_a_chain_of_turns_changes_one_assumption_at_a_time(buyer: Advisor) -> None:
    turns = ["70B 私有化要几张卡，多少钱，多久回本，能扛多少并发?"]
    expected: list[tuple[str, dict[str, str]]] = [
        ("int4 呢", {"model": "70B", "weight_dtype": "int4"}),
        ("换 H100", {"model": "70B", "weight_dtype": "int4", "gpu_name": "H100 SXM"}),
        ("并发 100 呢", {"gpu_name": "H100 SXM", "concurrency": "100"}),
        ("每张 22 万", {"card_price": "220000", "concurrency": "100"}),
        ("API 每月 15 万，电费按 0.8，两个运维月薪 2 万", {"api_month": "150000", "kwh": "0.8", "staff": "2", "staff_each": "20000"}),
        ("利用率 50%", {"utilization": "0.5", "card_price": "220000"}),
    ]
    done = None
    for turn, inputs in expected:
        turns.append(turn)
        done = ask(buyer, *turns)
        given = next(t for t in done.tools if t.name == "deployment").input
        for key, value in inputs.items():
            assert str(given.get(key)) == value, (turn, key, dict(given))
    assert done is not None
    months = Decimal(told(done)["break_even_months"])
    running = Decimal(4) * Decimal("0.7") * Decimal("1.5") * 730 * Decimal("0.8") + 40_000
    assert abs(months - 880_000 / (150_000 - running)) < Decimal("0.01")


def test_a_price_does_not_pass_to_another_card(buyer: Advisor) -> None:
    done = ask(buyer, "8 张 A100 每张 10 万，API 每月 15 万，多久回本", "换 H100 呢")
    assert "100,000" not in done.answer and "另一种卡" in done.answer


def test_renting_instead_drops_the_purchase_and_asks_for_the_rent(buyer: Advisor) -> None:
    chain = ("8 张 A100 每张 10 万，API 每月 15 万，多久回本", "租的话呢")
    done = ask(buyer, *chain)
    assert "采购" not in first(done) and "租金" in done.answer
    assert "35,040" in ask(buyer, *chain, "每卡每小时 6 元").answer


def test_the_api_price_may_fall_and_rise_in_later_turns(buyer: Advisor) -> None:
    chain = ("机器 60 万，api 每月 9 万，电费 1.5 万，多久回本", "api 降价一半呢")
    assert told(ask(buyer, *chain))["break_even_months"] == "20"
    assert "永远不回本" in first(ask(buyer, *chain, "再加两个运维每人月薪 1.5 万"))


def test_a_turn_about_something_else_does_not_lose_the_deployment(buyer: Advisor) -> None:
    done = ask(buyer, "70B int8 要几张 H100，并发 20", "谢谢", "上下文 16k 呢")
    given = next(t for t in done.tools if t.name == "deployment").input
    assert given["model"] == "70B" and given["concurrency"] == "20" and given["context"] == "16000"


def test_a_question_with_a_model_and_a_wish_of_its_own_starts_afresh(buyer: Advisor) -> None:
    done = ask(buyer, "70B int4 要几张 H100，并发 200", "Qwen3 32B 要几张 4090？")
    given = next(t for t in done.tools if t.name == "deployment").input
    assert "concurrency" not in given and "weight_dtype" not in given


def test_a_short_turn_keeps_the_language_of_the_conversation(buyer: Advisor) -> None:
    for turn in ("KV cache 用 fp8 呢", "H200?", "int4"):
        assert ask(buyer, "70B 要几张 A100", turn).language == "zh", turn
    assert ask(buyer, "How many A100s for a 70B?", "and int4?").language == "en"


@pytest.mark.parametrize(
    ("zh", "en"),
    [
        ("70B int8 并发 50 上下文 8k 要几张 H100", "How many H100 for a 70B in int8, 50 concurrent, 8k context?"),
        (
            "4 张 A100 每张 $15000，API 每月 $9000，每月人力 $3000，多久回本",
            "4x A100 at $15,000 each, API bill $9,000 a month, staff $3,000 a month: break-even?",
        ),
        ("8 张 H100 电价 0.12 美元/度 PUE 1.3 每月耗电多少", "how much power does an 8xH100 box draw a month at $0.12/kWh PUE 1.3"),
    ],
)
def test_both_languages_give_the_same_figures(buyer: Advisor, zh: str, en: str) -> None:
    one, other = told(ask(buyer, zh)), told(ask(buyer, en))
    keys = {"gpus", "max_concurrency", "break_even_months", "total", "kwh_per_month"} & set(one) & set(other)
    assert keys and {k: one[k] for k in keys} == {k: other[k] for k in keys}


# What cannot be


@pytest.mark.parametrize(
    "question",
    [
        "-70B 要几张卡", "70B 并发 -5 要几张 A100", "0 张卡能跑 70B 吗", "70B 3bit 要几张卡", "70B fp6 几张 A100", "用 RTX 6090 跑 32B 要几张",
        "70B 用 NaN 张卡", "并发 10^30 70B A100", "70B 上下文 0 要几张 A100", "70B 利用率 400% 8 张 A100 每张 10 万 API 每月 15 万 回本",
        "PUE 0.3，8 张 H100 每张 20 万，电价 0.8，总成本", "How many H100 for a 70B at -3 concurrent?",
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_what_is_wrong(buyer: Advisor, question: str) -> None:
    text = ask(buyer, question).answer
    assert re.match(r"这个配置算不了|This cannot be computed", text), text
    assert len(text) < 300


def test_a_context_beyond_any_memory_says_that_it_does_not_fit(buyer: Advisor) -> None:
    assert "放不下" in first(ask(buyer, "70B 上下文 10 亿 token 要几张 H100"))


def test_a_closed_model_is_not_sized_by_a_guess(buyer: Advisor) -> None:
    done = ask(buyer, "要多少张 H20 才能跑 DeepSeek R3")
    assert "参数量" in done.answer and done.citations and not done.charts


def test_a_family_without_a_size_lists_its_sizes(buyer: Advisor) -> None:
    text = ask(buyer, "部署 Qwen3 要多少显存").answer
    assert "Qwen3-8B" in text and "Qwen3-235B-A22B" in text


def test_a_config_file_in_the_question_is_a_model(buyer: Advisor) -> None:
    config = (
        '{"architectures":["LlamaForCausalLM"],"hidden_size":4096,"intermediate_size":14336,"num_attention_heads":32,'
        '"num_hidden_layers":32,"num_key_value_heads":8,"vocab_size":128256,"torch_dtype":"bfloat16","rope_scaling":{"factor":8.0}}'
    )
    done = ask(buyer, f"这个模型要几张 4090：{config}")
    assert "8.03B" in done.answer and done.language == "zh"


def test_training_is_calculated_as_far_as_the_formula_goes(buyer: Advisor) -> None:
    done = ask(buyer, "训练一个 7B 要几张卡")
    assert "112.0 GB" in first(done) and "不覆盖" in done.answer
    assert "47.3" in first(ask(buyer, "微调 70B 用 lora 要多少显存", "换 qlora 呢"))


@pytest.mark.parametrize(
    "question",
    [
        "Kimi K2 跑 90M input 加 15M output 大概几块钱",
        "Kimi K2支持多少字的上下文",
        "一年500万预算的方案配多少张A100",
        "GPT-5.1 多少钱",
        "Llama 4 70B 第三方价格",
        "Claude 4.5 每月 1 亿输入多少钱",
        "Qwen3 支持私有化吗",
    ],
)
def test_questions_about_prices_and_facts_are_left_alone(buyer: Advisor, question: str) -> None:
    done = buyer.ask([question])
    assert isinstance(done, AnswerDone) and all(t.name != "deployment" for t in done.tools)


@pytest.mark.parametrize(
    "text", ["A100 " * 400, "70B " * 600, "每张 10 万 " * 300, "{" * 3000 + '"num_hidden_layers"', "4090x" * 500, "8x" * 1500]
)
def test_long_noise_is_answered(buyer: Advisor, text: str) -> None:
    assert isinstance(buyer.ask([text]), AnswerDone)


# Tools and the command line


def test_every_sizing_tool_has_typed_arguments_and_a_description(buyer: Advisor, tmp_path: Path) -> None:
    from agent.tools.registry import function_tools

    tools = {t.metadata.name: t for t in function_tools(buyer)}
    for name in (
        "deployment",
        "gpus_needed",
        "kv_cache",
        "latency_target",
        "recommend_gpus",
        "total_cost",
        "break_even_volume",
        "training_memory",
        "calculate",
    ):
        schema = tools[name].metadata.get_parameters_dict()
        assert schema["properties"] and tools[name].metadata.description, name
    assert tools["recommend_gpus"].call(model="32B", gpu_prices={"4090": 15000}).raw_output["best"]["gpus"] >= 1
    assert "error" in tools["gpus_needed"].call(model="nothing", gpu="4090").raw_output
    assert (
        "6.15"
        in tools["deployment"].call(question="自建 8 卡 A100 每张 10 万，每月电费 2 万，API 每月 15 万，几个月回本").raw_output["answer"]
    )


def test_plan_calculators_run_their_own_examples() -> None:
    import json

    from agent.sizing.calc import calculate, kinds

    for kind in kinds().values():
        assert kind.example, kind.name
        assert calculate(kind.name, json.loads(kind.example)).calculation.steps("en"), kind.name
    assert calculate("training_memory", {"model": "7B"}).value == 112_000_000_000
    swing = calculate(
        "sensitivity", {"calculator": "break_even", "inputs": {"upfront": "60万", "api_monthly": "9万", "self_monthly": "1.5万"}}
    )
    assert swing.value == "api_monthly"


@pytest.mark.parametrize(
    "question, verdict, dtype",
    [
        ("A100 80G 两张能跑 Qwen2.5-72B 吗？要 INT4 吗", "**不必量化**：bf16 要 2 张", "bf16"),
        ("Do I need int8 for Llama 3.1 70B on two H100?", "**Not needed**: bf16 takes 2", "bf16"),
        ("一张 4090 跑 Qwen2.5-32B 必须量化到 int4 吗", "**要量化**：bf16 要 4 张", "bf16"),
        ("一张 3090 跑 Llama 3.1 70B 非要量化不可吗", "**量化到 4 位也放不下**", "bf16"),
        ("2 张 A100 80G 跑 int4 的 Qwen2.5-72B 够吗", "**够**", "int4"),
    ],
)
def test_a_format_that_is_asked_about_is_not_taken_for_granted(buyer: Advisor, question: str, verdict: str, dtype: str) -> None:
    done = ask(buyer, question)
    assert first(done).startswith(verdict), done.answer
    assert dtype in done.answer.split("\n")[1] or dtype in first(done)


@pytest.mark.parametrize(
    "question",
    [
        "自建 4 张 H100 每小时 2.5 美元，每月 50 亿 token，跟 Zorblax-V9 API 比哪个划算",
        "4 H100 at $2.5/hour each, 5 billion tokens a month, vs the Zorblax-V9 API: which pays?",
    ],
)
def test_an_api_that_no_source_knows_is_named_and_the_price_that_it_would_have_to_beat_is_given(buyer: Advisor, question: str) -> None:
    done = ask(buyer, question)
    assert "Zorblax-V9" in first(done)
    assert "$1.46" in done.answer.split("\n")[1]  # 4 x 2.5 x 730 = 7,300 a month over 5,000 million tokens
