"""Quantities: render -> parse round trips over values, forms, units and languages; denominators; bounds; ranges; ratios."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import quick
from written_numbers import full_width, grouped, han, plain, scaled

from kb.quantities import Quantity, find_markers, find_quantities, find_ratios, normalise

UNITS = {
    "token": [" tokens", "个token", " token", "个词元"],
    "char": ["字", "个字", "汉字", " characters"],
    "request": ["次", "次调用", "个请求", " requests", " calls", "条消息"],
    "user": ["人", "个用户", "名员工", " users", " people", " employees"],
    "gb": [" GB", "GB"],
    "percent": ["%", " percent"],
    "tokens_per_second": [" tokens/s", " tok/s"],
}
SUFFIX_MONEY = {
    "CNY": ["元", "块钱", "人民币", " RMB", " yuan"],
    "USD": ["美元", "美金", "刀", " USD", " dollars"],
    "EUR": ["欧元", " EUR", " euros"],
    "JPY": ["日元", " JPY", " yen"],
}
PREFIX_MONEY = {"CNY": ["¥", "￥"], "USD": ["$", "US$"], "EUR": ["€"], "GBP": ["£"]}
PER = {
    "day": ["每天{}", "每日{}", "{}/天", "{} per day", "{} a day"],
    "month": ["每月{}", "每个月{}", "{}/月", "{} per month", "{} a month", "{}/mo"],
    "year": ["每年{}", "一年{}", "{}/年", "{} per year", "{} a year"],
    "request": ["每次{}", "{} per request", "{}/次"],
    "user": ["每人{}", "人均{}", "{} per user"],
}

whole = st.integers(min_value=2, max_value=10**11).map(Decimal)
amounts = st.decimals(min_value="0.01", max_value="99999999", places=2, allow_nan=False, allow_infinity=False)


@st.composite
def written(draw: st.DrawFn) -> tuple[Decimal, str]:
    """A whole value and one way of writing it."""
    value = draw(whole)
    forms = [
        plain(value),
        grouped(value),
        full_width(value),
        scaled(value, 10**4, "万"),
        scaled(value, 10**8, "亿"),
        scaled(value, 10**6, "M"),
    ]
    forms += [scaled(value, 10**3, "k"), scaled(value, 10**9, "B")]
    if value % 10**4 or value >= 2 * 10**4:
        forms.append(han(int(value)))
    return value, draw(st.sampled_from(forms))


def only(text: str) -> Quantity:
    found = find_quantities(text)
    assert len(found) == 1, found
    return found[0]


@quick
@given(written(), st.sampled_from([(unit, word) for unit, words in UNITS.items() for word in words]))
def test_value_and_unit_read_back(number: tuple[Decimal, str], unit: tuple[str, str]) -> None:
    value, text = number
    # Nobody writes a Latin unit onto a Latin scale letter ("2MGB").
    glue = " " if text[-1].isascii() and text[-1].isalpha() and unit[1][0].isascii() and unit[1][0].isalpha() else ""
    quantity = only(text + glue + unit[1])
    assert (quantity.value, quantity.unit, quantity.is_money) == (value, unit[0], False)


@quick
@given(written(), st.sampled_from([(code, word) for code, words in SUFFIX_MONEY.items() for word in words]))
def test_money_with_its_currency_behind_reads_back(number: tuple[Decimal, str], money: tuple[str, str]) -> None:
    quantity = only(number[1] + money[1])
    assert (quantity.value, quantity.unit, quantity.is_money) == (number[0], money[0], True)


@quick
@given(
    amounts, st.sampled_from([plain, grouped, full_width]), st.sampled_from([(c, w) for c, words in PREFIX_MONEY.items() for w in words])
)
def test_money_with_its_sign_before_reads_back(value: Decimal, write: object, money: tuple[str, str]) -> None:
    quantity = only(money[1] + write(value))  # type: ignore[operator]
    assert (quantity.value, quantity.unit, quantity.is_money) == (value, money[0], True)


@quick
@given(written(), st.sampled_from([(per, form) for per, forms in PER.items() for form in forms]))
def test_a_denominator_reads_back_wherever_it_stands(number: tuple[Decimal, str], per: tuple[str, str]) -> None:
    value, text = number
    quantity = only(per[1].format(text + " tokens"))
    assert (quantity.value, quantity.unit, quantity.per) == (value, "token", (per[0],))


@quick
@given(
    written(), written(), st.sampled_from(["每月输入{}，输出{}", "{} input and {} output a month", "输入 {} token、输出 {} token，每月"])
)
def test_two_volumes_of_a_sentence_stay_apart_and_in_order(a: tuple[Decimal, str], b: tuple[Decimal, str], frame: str) -> None:
    assert [q.value for q in find_quantities(frame.format(a[1], b[1]))] == [a[0], b[0]]


@quick
@given(
    st.integers(min_value=1, max_value=99),
    st.integers(min_value=1, max_value=99),
    st.sampled_from(["输入输出{}:{}", "{}比{}", "比例 {} : {}", "{}：{} 的输入输出"]),
)
def test_a_ratio_reads_back_and_is_no_quantity(left: int, right: int, frame: str) -> None:
    text = normalise(frame.format(left, right))
    (ratio,) = find_ratios(text)
    assert (ratio.left, ratio.right) == (left, right)
    assert find_quantities(text) == []


@quick
@given(st.integers(min_value=1, max_value=9))
def test_tenths_and_discounts_are_percentages(tenths: int) -> None:
    word = "零一二三四五六七八九"[tenths]
    for text in (f"{word}成", f"{tenths}成", f"{word}折"):
        assert (only(text).value, only(text).unit) == (tenths * 10, "percent")
    assert only(f"百分之{word}").value == tenths
    assert only(f"{word}成半").value == tenths * 10 + 5


@quick
@given(
    st.integers(min_value=1, max_value=400),
    st.integers(min_value=1, max_value=400),
    st.sampled_from(["万元", "万token", "K tokens", " USD"]),
)
def test_both_ends_of_a_range_share_scale_and_unit(low: int, more: int, unit: str) -> None:
    scale = {"万元": 10**4, "万token": 10**4, "K tokens": 10**3, " USD": 1}[unit]
    for dash in ("-", "到", "~", "至"):
        quantity = only(f"{low}{dash}{low + more}{unit}")
        assert (quantity.value, quantity.high) == (low * scale, (low + more) * scale)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("不超过5000元", "max"),
        ("5000元以内", "max"),
        ("under $10", "max"),
        ("at most 10 USD", "max"),
        ("<= 10 USD", "max"),
        ("低于10美元", "max"),
        ("至少128K", "min"),
        ("200K以上", "min"),
        ("at least 200K tokens", "min"),
        ("over 128K", "min"),
        ("800K+", "min"),
        ("大于 200K", "min"),
        ("128K", ""),
        ("5000元", ""),
    ],
)
def test_bounds(text: str, bound: str) -> None:
    assert only(normalise(text)).bound == bound


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("每天2万次，每次800字", [("20000", "request", ("day",)), ("800", "char", ("request",))]),
        ("每人每天10次", [("10", "request", ("user", "day"))]),
        ("月活10万", [("100000", "user", ())]),
        ("¥5万/月", [("50000", "CNY", ("month",))]),
        ("$1,234.56 per month", [("1234.56", "USD", ("month",))]),
        ("半年", [("0.5", "year", ())]),
        ("五毛钱", [("0.5", "CNY", ())]),
        ("0.3美分", [("0.003", "USD", ())]),
        ("4张A100", [("4", "card", ())]),
        ("每秒5个请求", [("5", "request", ("second",))]),
        ("50并发", [("50", "concurrency", ())]),
    ],
)
def test_what_people_write(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [(q.value, q.unit, q.per) for q in find_quantities(text)] == [(Decimal(v), u, p) for v, u, p in expected]


@pytest.mark.parametrize("text", ["2025年1月3日", "1月3日", "2025-01-03", "2026/11/22"])
def test_dates_are_no_quantities(text: str) -> None:
    assert find_quantities(text) == []


ingredients = st.sampled_from(
    [
        "每",
        "天",
        "月",
        "次",
        "万",
        "亿",
        "半",
        "几",
        "百分之",
        "成",
        "折",
        "¥",
        "$",
        "元",
        "k",
        "M",
        "-",
        "~",
        ":",
        "比",
        "/",
        "per ",
        "a ",
        "千",
        ",",
        ".",
        "，",
        "。",
        " ",
        "9",
        "0",
        "e",
        "+",
        "≤",
        "token",
        "输入",
        "输出",
    ]
)


@quick
@given(st.one_of(st.text(max_size=200), st.lists(ingredients, max_size=60).map("".join)))
def test_no_text_breaks_it_and_spans_are_in_order(text: str) -> None:
    text = normalise(text)
    end = 0
    for quantity in find_quantities(text):
        assert 0 <= quantity.start < quantity.end <= len(text)
        assert quantity.start >= end
        assert quantity.value.is_finite()
        end = quantity.start
    find_ratios(text)
    find_markers(text)


@quick
@given(st.lists(ingredients, max_size=40).map("".join))
def test_reading_is_idempotent_under_normalisation(text: str) -> None:
    once = normalise(text)
    assert find_quantities(text) == find_quantities(once)
