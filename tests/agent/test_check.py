"""The checker: planted figures and planted citations do not get through unnoticed, and what is supported stays as it is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from conftest import MakeWork
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profiles import quick

from agent.check import check
from agent.work import Work

USD = "USD/1M token"
QUESTION = "Heron 2 处理 4000 万 token 输入要多少钱"


def claim(value: str, unit: str = USD) -> dict[str, Any]:
    return {"value": value, "unit": unit, "source": "heron.md", "section": "Prices", "quote": f"${value}"}


ENTITIES = {
    "Heron 2": {"input_price": [claim("5.00")], "output_price": [claim("15.00")], "context_window": [claim("128000", "token")]},
    "Egret 4.5": {"input_price": [claim("2.90")]},
}


@pytest.fixture
def work(make_work: MakeWork) -> Work:
    """A turn that cited both prices of Heron 2 and calculated 200."""
    turn = make_work(QUESTION, ENTITIES)
    for field in ("input_price", "output_price"):
        turn.cite(turn.entity("e0").claims[field][0])
    turn.computed(Decimal(200))
    return turn


def test_a_supported_answer_is_left_as_it_is(work: Work) -> None:
    text = "**Heron 2** 费用为 **$200**。\n\n- 输入：4,000万 token ÷ 100万 × $5 = $200 [1]\n- 输出价 $15.00 [2]"
    checked = check(text, work)
    assert checked.text == text
    assert checked.unsupported == () and checked.broken_marks == ()


def test_a_planted_figure_in_a_first_line_is_marked_and_counted(work: Work) -> None:
    checked = check("**Heron 2** 费用为 **$317.42**。", work)
    assert "317.42（未核实）" in checked.text
    assert checked.unsupported == ("317.42",)


def test_a_planted_figure_in_a_detail_line_is_removed_or_marked_and_counted(work: Work) -> None:
    checked = check("**Heron 2** 费用为 **$200**。\n- 去年的价格是 $7.77 [1]", work)
    assert "7.77" not in checked.text or "7.77（未核实）" in checked.text
    assert checked.unsupported == ("7.77",)
    assert "$200" in checked.text


def test_each_planted_figure_is_marked_once_where_it_stands(work: Work) -> None:
    checked = check("$33.10 与 $44.20 与 $33.10", work)
    assert checked.text == "$33.10（未核实） 与 $44.20（未核实） 与 $33.10（未核实）"


@pytest.mark.parametrize("figure", ["$1,000", "$1,000,000", "$12", "$2", "$100", "1万元", "10 亿"])
def test_round_figures_are_not_excused(work: Work, figure: str) -> None:
    checked = check(f"**Heron 2** 每月 {figure}。", work)
    assert checked.unsupported, checked.text


def test_the_answers_mark_speaks_the_questions_language(make_work: MakeWork) -> None:
    turn = make_work("What does Heron 2 cost?", ENTITIES)
    assert "$9.99 (unverified)" in check("It costs $9.99.", turn).text


def test_a_figure_of_a_model_that_was_not_cited_is_not_supported(work: Work) -> None:
    assert check("**Heron 2** 费用为 $2.90。", work).unsupported == ("2.90",)


def test_numbers_in_names_are_no_figures(work: Work) -> None:
    checked = check("**Heron 2** 与 **Egret 4.5**：前者 $5 [1]", work)
    assert checked.unsupported == ()


@pytest.mark.parametrize("mark", ["[3]", "[0]", "[99]"])
def test_a_mark_without_a_citation_is_taken_out_and_counted(work: Work, mark: str) -> None:
    checked = check(f"输入价 $5 [1]{mark}", work)
    assert mark not in checked.text and "[1]" in checked.text
    assert checked.broken_marks == (int(mark[1:-1]),)


def test_a_figure_cited_to_a_place_that_does_not_hold_it_is_not_left_standing(work: Work) -> None:
    checked = check("**Heron 2**：输入价 $15 [1]", work)
    assert checked.broken_marks == (1,)
    assert "[1]" not in checked.text


def test_rounding_for_display_is_supported_and_a_wrong_digit_is_not(work: Work) -> None:
    work.computed(Decimal("63.3519"))
    assert check("省 63.35%", work).unsupported == ()
    assert check("省 63.4%", work).unsupported == ()
    assert check("省 63.36%", work).unsupported == ("63.36",)


def test_scaled_writing_of_a_calculated_value_is_supported(work: Work) -> None:
    work.computed(Decimal(416_666_667))
    assert check("约 4.17 亿 token（416,666,667）", work).unsupported == ()
    assert check("约 4.27 亿 token", work).unsupported == ("4.27 亿",)


def test_nothing_is_ever_dropped_down_to_an_empty_answer(work: Work) -> None:
    checked = check("发现 1 处不一致：\n- 两者相差 1.625 倍", work)
    assert "1.625" in checked.text
    assert checked.unsupported == ("1.625",)


_planted = st.decimals(min_value="0.0001", max_value="9999999", places=4, allow_nan=False, allow_infinity=False)


@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_planted, st.sampled_from(["费用为 **${}**。", "It costs ${} [1].", "| Heron 2 | {} |", "- 合计：{} 元", "上下文 {} token [2]"]))
def test_any_planted_figure_is_noticed(make_work: MakeWork, value: Decimal, frame: str) -> None:
    turn = make_work(QUESTION, ENTITIES)
    for field in ("input_price", "output_price"):
        turn.cite(turn.entity("e0").claims[field][0])
    known = {Decimal(n) for n in (0, 1, 2, 5, 12, 15, 100, 4000, 40_000_000, 1_000_000)}
    if any(abs(value - k) < Decimal("0.0001") for k in known):
        return
    checked = check("**Heron 2**\n" + frame.format(value), turn)
    assert checked.unsupported
    assert str(value) not in checked.text or "未核实" in checked.text
