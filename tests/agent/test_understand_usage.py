"""Volumes of use, written the ways people write them, and the tokens they come to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import quick

from agent.understand.usage import Usage, read_usage
from kb.quantities import find_quantities, normalise


def usage(text: str) -> Usage:
    text = normalise(text)
    return read_usage(text, [q for q in find_quantities(text) if not q.is_money])


def volume(text: str) -> tuple[object, object, str]:
    found = usage(text)
    return found.input_tokens, found.output_tokens, found.period


M = 10**6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4000万输入 500万输出", (40 * M, 5 * M, "")),
        ("输入4000万，输出500万", (40 * M, 5 * M, "")),
        ("7亿进1.2亿出", (700 * M, 120 * M, "")),
        ("8M input and 2M output a month", (8 * M, 2 * M, "month")),
        ("2.4M in, 0.6M out", (2_400_000, 600_000, "")),
        ("每月 2000 万输入 400 万输出", (20 * M, 4 * M, "month")),
        ("月均6亿输入1.5亿输出", (600 * M, 150 * M, "month")),
        ("每天输入 100万 token，输出 20万 token", (1 * M, 200_000, "day")),
        ("1亿输入+3000万输出", (100 * M, 30 * M, "")),
        ("input: 50k tokens, output: 10k tokens", (50_000, 10_000, "")),
        ("half a million input tokens and 100k output tokens", (500_000, 100_000, "")),
        ("一亿二千万输入、三千万输出", (120 * M, 30 * M, "")),
        ("输入１，０００万，输出２００万", (10 * M, 2 * M, "")),
    ],
)
def test_volumes_by_direction(text: str, expected: tuple[int, int, str]) -> None:
    assert volume(text) == expected


@pytest.mark.parametrize(
    ("text", "a_month"),
    [
        ("每天800次，每次输入1.5k输出500 token，一个月30天", (36 * M, 12 * M)),
        ("每天 2 万次，每次 800 输入 200 输出，一个月多少钱", (480 * M, 120 * M)),
        ("5000 users, 10 requests a day each, 1,200 tokens in and 300 out, monthly", (1800 * M, 450 * M)),
        ("月活10万用户每人每天3次，每次1000输入500输出，每月", (9000 * M, 4500 * M)),
        ("每秒 5 个请求，每个 1k 输入 200 输出，一个月", (12_960 * M, 2_592 * M)),
        ("每分钟 12 通，每通 2000 输入 800 输出，一天 8 小时，每月 26 天", (Decimal("299.52") * M, Decimal("119.808") * M)),
        ("200 employees x 30 chats/day x 22 workdays, 900 in 400 out", (Decimal("118.8") * M, Decimal("52.8") * M)),
        ("30 requests a day, 1000 tokens input and 500 tokens output per request, 22 working days a month", (660_000, 330_000)),
    ],
)
def test_requests_and_users_come_to_tokens_a_month(text: str, a_month: tuple[Decimal, Decimal]) -> None:
    found = usage(text)
    per_day = {"day": Decimal(30), "month": Decimal(1), "": Decimal(1)}[found.period] if found.asked in ("month", "") else Decimal(1)
    factor = found.days_per_month if found.period == "day" else per_day
    assert (found.input_tokens or 0) * factor == a_month[0]
    assert (found.output_tokens or 0) * factor == a_month[1]


@pytest.mark.parametrize(("text", "total"), [("输入输出 4:1，总共 5 亿 token", (400 * M, 100 * M))])
def test_a_ratio_splits_a_total(text: str, total: tuple[int, int]) -> None:
    assert volume(text)[:2] == total


FORMS = [
    "每月输入{a}，输出{b}",
    "{a}输入 {b}输出 每月",
    "{a} input and {b} output a month",
    "每月{a}进{b}出",
    "monthly: {a} input tokens, {b} output tokens",
]


@st.composite
def written_count(draw: st.DrawFn) -> tuple[Decimal, str]:
    value = Decimal(draw(st.integers(min_value=1, max_value=99_999))) * draw(st.sampled_from([10**4, 10**5, 10**6]))
    form = draw(st.sampled_from(["万", "亿", "M", "k", "plain", "grouped"]))
    scales = {"万": 10**4, "亿": 10**8, "M": 10**6, "k": 10**3}
    if form in scales:
        return value, f"{(value / scales[form]).normalize():f}{form}"
    return value, f"{value:,f}" if form == "grouped" else f"{value:f}"


@quick
@given(written_count(), written_count(), st.sampled_from(FORMS))
def test_any_pair_of_volumes_in_any_form_reads_back(a: tuple[Decimal, str], b: tuple[Decimal, str], form: str) -> None:
    assert volume(form.format(a=a[1], b=b[1])) == (a[0], b[0], "month")


@quick
@given(st.integers(2, 50_000), st.integers(1, 20_000), st.integers(1, 20_000), st.integers(1, 31))
def test_requests_times_tokens_times_days(requests: int, n: int, m: int, days: int) -> None:
    found = usage(f"每天{requests}次，每次输入{n} token、输出{m} token，一个月{days}天")
    assert (found.input_tokens, found.output_tokens, found.period) == (requests * n * days, requests * m * days, "month") or (
        found.input_tokens == requests * n and found.period == "day" and found.days_per_month == days
    )


@quick
@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    found = usage(text)
    for value in (found.input_tokens, found.output_tokens, found.total_tokens, found.users, found.requests):
        assert value is None or (value.is_finite() and value >= 0)
