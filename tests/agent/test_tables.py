"""Tables of models, words for "any other country", and questions about the documents themselves. Over the shipped catalog alone."""

from __future__ import annotations

import pytest

from agent.events import AnswerDone
from agent.session import Advisor
from kb.settings import Settings


@pytest.fixture(scope="module")
def buyer(tmp_path_factory: pytest.TempPathFactory) -> Advisor:
    return Advisor(Settings(home=tmp_path_factory.mktemp("home")), None)


def ask(advisor: Advisor, question: str) -> str:
    done = advisor.ask([question])
    assert isinstance(done, AnswerDone) and done.unsupported_numbers == 0, done
    return done.answer


def rows(answer: str) -> dict[str, list[str]]:
    """First cell -> the others, of the answer's table."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in answer.splitlines() if line.startswith("| ")]
    return {first: others for first, *others in cells}


def test_a_table_has_the_fields_that_are_asked_for_in_their_order_and_says_what_is_not_stated(buyer: Advisor) -> None:
    table = rows(ask(buyer, "把表格给我：模型、上下文、输入价、输出价、是否开源"))
    assert table["模型"] == ["上下文窗口", "输入价", "输出价", "开源/闭源"]
    assert table["Claude 4.5"][1].startswith("$15/百万 token [") and table["Claude 4.5"][3].startswith("闭源 [")
    assert table["文心一言 4.5"][0] == "资料未说" and "ERNIE 4.0" in table["文心一言 4.5"][1]
    assert "128,000" in table["Gemini 2.5"][1] and table["Llama 4"][1].startswith("约 $0.6")
    assert all(cell == "资料未说" or "[" in cell for cells in list(table.values())[1:] for cell in cells)


def test_a_condition_on_the_models_chooses_the_rows_and_is_no_column(buyer: Advisor) -> None:
    table = rows(ask(buyer, "列个表：国产模型的价格、上下文、能不能自己部署"))
    assert table["模型"] == ["输入价", "输出价", "上下文窗口", "自主部署"]
    assert "Qwen3" in table and "GPT-5.1" not in table
    english = rows(ask(buyer, "a table of open source models with country and parameters"))
    assert english["Model"] == ["country", "parameters"] and "LLaMA3" in english and "Claude 4.5" not in english


def test_prices_alone_stay_the_price_list(buyer: Advisor) -> None:
    assert "资料里有价格的 10 个模型" in ask(buyer, "列个价格表")


@pytest.mark.parametrize("question", ["国外的模型里哪个上下文最大", "非国产模型里哪个上下文最大", "which of the foreign models has the largest context"])
def test_a_word_for_all_other_countries_is_a_condition(buyer: Advisor, question: str) -> None:
    first = ask(buyer, question).splitlines()[0]
    assert "Gemini 2.5" in first and "Doubao" not in first


def test_where_somebody_is_says_nothing_of_where_the_model_is_from(buyer: Advisor) -> None:
    assert "国家" not in ask(buyer, "面向海外用户的客服选哪个")


def test_a_name_within_another_word_is_no_mention(buyer: Advisor) -> None:
    first = ask(buyer, "文档里有没有写各家的 SLA").splitlines()[0]
    assert "GLM-4" in first and "GPT-4o" not in first


def test_mistakes_are_asked_for_in_plain_words(buyer: Advisor) -> None:
    assert ask(buyer, "价格表里有没有写错的地方").startswith("发现 10 处不一致")


def test_a_plan_is_known_by_its_users(buyer: Advisor) -> None:
    answer = ask(buyer, "月活 10 万的方案费用算得对吗")
    assert "**$84**" in answer and "**¥15,600**" in answer


def test_what_is_asked_besides_and_not_stated_is_said(buyer: Advisor) -> None:
    assert "资料没有写 **Qwen3** 的许可。" in ask(buyer, "Qwen3 能商用吗，能不能私有化")
    answer = ask(buyer, "Claude 4.5 的排名和价格，还有它适合干嘛")
    assert "$15" in answer and "应用场景" in answer and "没有写" not in answer


def test_near_misses_say_what_they_fail_and_what_is_not_stated(buyer: Advisor) -> None:
    answer = ask(buyer, "价格低于 1 美元、上下文 100 万以上的国产模型")
    assert answer.startswith("以美元计价的模型里没有满足的（输入价 低于 1 美元、上下文窗口 100 万以上、国家 国产）")
    assert "- DeepSeek R3：不满足 输入价 低于 1 美元（输入价：$3.80/百万 token）" in answer and "Doubao-1.5（¥12.00" in answer
