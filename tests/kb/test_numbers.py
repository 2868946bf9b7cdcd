"""Numerals: what is written is read back exactly, and what is not a number is not read as one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from profiles import quick
from written_numbers import full_width, grouped, han, plain, scaled

from kb.numbers import find_numbers, parse_han
from kb.quantities import normalise

CHINESE_SCALES = {"千": 10**3, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "十亿": 10**9, "百亿": 10**10}
LATIN_SCALES = {"k": 10**3, "K": 10**3, "w": 10**4, "M": 10**6, "B": 10**9, "bn": 10**9}
LATIN_SCALES |= {" thousand": 10**3, " million": 10**6, " billion": 10**9}

amounts = st.decimals(min_value="0.001", max_value="999999999999", places=3, allow_nan=False, allow_infinity=False)
mantissas = st.decimals(min_value="0.01", max_value="9999", places=2, allow_nan=False, allow_infinity=False)
around = st.sampled_from([("", ""), ("输入", "个token"), ("about ", " tokens"), ("一共要 ", "，对吗"), ("用量：", "。"), ("(", ")")])


def values(text: str) -> list[Decimal]:
    return [number.value for number in find_numbers(normalise(text))]


@quick
@given(amounts, around)
def test_a_plain_number_reads_back(value: Decimal, frame: tuple[str, str]) -> None:
    assert value in values(frame[0] + plain(value) + frame[1])


@quick
@given(amounts, around)
def test_thousands_separators_change_nothing(value: Decimal, frame: tuple[str, str]) -> None:
    assert value in values(frame[0] + grouped(value) + frame[1])


@quick
@given(amounts)
def test_full_width_digits_change_nothing(value: Decimal) -> None:
    assert values(full_width(value)) == [value]


@quick
@given(mantissas, st.sampled_from(sorted(CHINESE_SCALES)), around)
def test_a_chinese_scale_multiplies(mantissa: Decimal, word: str, frame: tuple[str, str]) -> None:
    assert mantissa * CHINESE_SCALES[word] in values(frame[0] + plain(mantissa) + word + frame[1])


@quick
@given(mantissas, st.sampled_from(sorted(LATIN_SCALES)), around)
def test_a_latin_scale_multiplies(mantissa: Decimal, word: str, frame: tuple[str, str]) -> None:
    text = plain(mantissa) + word
    joined = f"{frame[0]}{text} {frame[1].strip()}" if frame[1][:1].isalpha() else frame[0] + text + frame[1]
    assert mantissa * LATIN_SCALES[word] in values(joined)


@quick
@given(mantissas, st.sampled_from([(10**4, "万"), (10**8, "亿"), (10**6, "M"), (10**9, "B")]))
def test_one_value_is_the_same_in_every_scale(value: Decimal, scale: tuple[int, str]) -> None:
    amount = value * 10**6
    assert values(scaled(amount, *scale)) == [amount]


@quick
@given(st.integers(min_value=1, max_value=10**12 - 1))
@example(10)
@example(105)
@example(10_005)
@example(100_000_000)
@example(200_030_004)
def test_a_chinese_numeral_reads_back(value: int) -> None:
    assert parse_han(han(value)) == value


@quick
@given(st.integers(min_value=2, max_value=10**10))
def test_a_chinese_numeral_is_found_in_a_sentence(value: int) -> None:
    assume(value % 10**4 != 0 or value >= 2 * 10**4)
    assert value in values(f"每月输入{han(value)}个token")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十二", 12),
        ("一百二", 120),
        ("一万二", 12_000),
        ("3万5", 35_000),
        ("3万5千", 35_000),
        ("两百", 200),
        ("两千五", 2_500),
        ("一亿二千万", 120_000_000),
        ("一点五亿", 150_000_000),
        ("1亿2000万", 120_000_000),
        ("一百零二", 102),
        ("半", "0.5"),
        ("二〇二五", 2025),
        ("一千零二十", 1_020),
        ("三十个亿", 3_000_000_000),
        ("五百万", 5_000_000),
        ("十亿", 10**9),
    ],
)
def test_spoken_chinese_numerals(text: str, value: int | str) -> None:
    assert parse_han(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9 tokens", 10**9),
        ("2.5e8", 250_000_000),
        ("half a million tokens", 500_000),
        ("two hundred thousand", 200_000),
        ("a million", 10**6),
        ("10mil tokens", 10**7),
        ("500k", 500_000),
        ("3W", 30_000),
        (".5M", 500_000),
        ("20多万", 200_000),
    ],
)
def test_other_ways_of_writing(text: str, value: int) -> None:
    assert values(text) == [Decimal(value)]


@pytest.mark.parametrize(
    "text", ["gpt5.1", "GPT-4o", "A100", "fp16", "int8", "H20", "qwen2.5", "bge-m3", "mp3", "第三方", "数万", "几千", "上万"]
)
def test_names_and_vague_words_are_no_numbers(text: str) -> None:
    assert find_numbers(text) == []


@quick
@given(st.text(max_size=120))
def test_no_text_breaks_it_and_spans_hold_what_they_say(text: str) -> None:
    text = normalise(text)
    end = 0
    for number in find_numbers(text):
        assert text[number.start : number.end] == number.text
        assert number.start >= end
        assert number.value.is_finite() and number.value >= 0
        end = number.end


@quick
@given(st.text(alphabet="零〇一二两三四五六七八九十百千万亿半点个 0123456789.,", max_size=40))
def test_any_run_of_numeral_characters_is_a_finite_number_or_none(text: str) -> None:
    value = parse_han(text)
    assert value is None or value.is_finite()
    for number in find_numbers(text):
        assert number.value.is_finite()


@pytest.mark.parametrize("text", ["1e93000万", "1e-93000元", "1e99", "9e31亿", "一" + "万" * 40, "7" * 32])
def test_a_figure_too_large_to_count_anything_is_no_number(text: str) -> None:
    assert all(-31 < number.value.adjusted() < 31 for number in find_numbers(normalise(text)))
