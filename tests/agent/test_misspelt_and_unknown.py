"""Slips of the keyboard, names that nobody knows, sizes read at once and periods told later: over the shipped corpus."""

from __future__ import annotations

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
from agent.understand.misspelt_units import mended


def ask(advisor: Advisor, *turns: str) -> AnswerDone:
    done = advisor.ask(list(turns))
    assert isinstance(done, AnswerDone), done
    assert done.unsupported_numbers == 0, done.answer
    return done


@pytest.mark.parametrize(
    ("text", "put_right"),
    [
        ("1.5亿 tokne", "1.5亿 token"),
        ("1m ouput and 3m imput", "1m output and 3m input"),
        ("the tokens taken in", "the tokens taken in"),
        ("input Output TOKENS", "input Output TOKENS"),
        ("tokyo out put outpost", "tokyo out put outpost"),
    ],
)
def test_only_slips_of_the_few_words_are_put_right(text: str, put_right: str) -> None:
    assert mended(text) == put_right


@pytest.mark.parametrize(
    ("wrong", "right"), [("gpt5.1 30m imput 8m ouput", "gpt5.1 30m input 8m output"), ("kimi 1.5亿tokne多少钱", "kimi 1.5亿token多少钱")]
)
def test_a_misspelt_unit_costs_what_the_right_one_does(advisor: Advisor, wrong: str, right: str) -> None:
    assert ask(advisor, wrong).answer == ask(advisor, right).answer


def test_a_product_that_no_source_holds_is_refused_by_name(advisor: Advisor) -> None:
    done = ask(advisor, "豆瓣酱能私有化部署吗")
    assert done.refused and "豆瓣酱" in done.answer


@pytest.mark.parametrize("question", ["我们公司能私有化部署吗", "哪些能私有化部署吗", "国产模型可以私有化部署吗"])
def test_those_who_ask_are_no_product(advisor: Advisor, question: str) -> None:
    assert not ask(advisor, question).refused


def test_the_size_of_what_is_read_at_once_decides(advisor: Advisor) -> None:
    answer = ask(advisor, "要一次读80万token的手册，选哪个").answer
    assert "Kimi K2" in answer and "Claude 4.5" not in answer


@pytest.mark.parametrize("question", ["能一次读30万token的模型里哪个最便宜", "一次处理20万token的合同，最便宜的是哪些"])
def test_the_cheapest_of_what_is_large_enough_is_named_as_such(advisor: Advisor, question: str) -> None:
    answer = ask(advisor, question).answer
    assert "最便宜的是" in answer.split("\n")[0] and "Claude" not in answer


@pytest.mark.parametrize(
    ("second", "shown"), [("per year if that is monthly?", "$4,800"), ("and if this was daily, per month?", "$12,000"), ("一年多少，如果那是每月的量", "$4,800")]
)
def test_the_period_of_figures_may_be_told_later(advisor: Advisor, second: str, shown: str) -> None:
    # 50M x $5 + 10M x $15 = $400 for the period, whichever it is.
    assert shown in ask(advisor, "GPT-5.1 50M in 10M out", second).answer
