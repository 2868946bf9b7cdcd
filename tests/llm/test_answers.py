"""Turns with a model that says right, wrong, invented and hostile things: what reaches the reader is checked."""

from __future__ import annotations

import pytest
from conftest import Opened
from openai_server import Reply

from agent.events import AnswerDone, TextDelta, ToolFinished, ToolStarted
from agent.session import open_advisor
from kb.settings import Settings

COST = "GPT-5.1 和 DeepSeek R3 每月3000万输入800万输出各多少钱"
FREE = "什么是蒸馏，对我们有什么好处"
GOOD = "DeepSeek R3 最省，每月 $205.20 [1][2]，比 GPT-5.1（$270）少 $64.80 [3]。"


def shown(desk: object) -> str:
    return "".join(e.text for e in desk.events if isinstance(e, TextDelta))  # type: ignore[attr-defined]


def test_a_right_answer_is_the_models_prose_with_the_calculation_below(desk: Opened) -> None:
    at = desk(Reply(GOOD))
    done = at.ask(COST)
    assert not done.notice
    assert done.mode == "llm" and not done.unsupported_numbers
    assert done.answer.startswith("DeepSeek R3 最省，每月 $205.20 [1][2]")
    assert "| GPT-5.1 | $150 | $120 | $270 |" in done.answer, "the table stays"
    assert done.usage == {"input_tokens": 321, "output_tokens": 45}


def test_tables_and_calculations_come_before_the_model_is_asked(desk: Opened) -> None:
    at = desk(Reply(GOOD))
    seen: list[str] = []
    for event in at.advisor.answer(COST, at.conversation):
        if isinstance(event, TextDelta) and "$91.20" in event.text or isinstance(event, ToolFinished):
            seen.append(type(event).__name__)
            assert not at.server.asked
    assert "TextDelta" in seen and "ToolFinished" in seen and len(at.server.asked) == 1


def test_text_goes_out_as_the_model_speaks_and_not_at_its_end(desk: Opened) -> None:
    """Words that need no check are sent on at once, sentences as soon as they are complete."""
    at = desk(Reply("根据资料里的价格来看，结论很清楚。" + GOOD, pieces=1))
    done_at_piece: list[int] = []
    for event in at.advisor.answer(COST, at.conversation):
        if isinstance(event, TextDelta) and "根" in event.text:
            done_at_piece.append(1)
            assert event.text == "根", "the first character is not held back"
            break
    assert done_at_piece


@pytest.mark.parametrize(
    ("wrong", "never"),
    [
        ("GPT-5.1 每月要 $999。", "999"),
        ("DeepSeek R3 每月 $270，GPT-5.1 每月 $205.20。", "DeepSeek R3 每月 $270"),
        ("DeepSeek R3 每月 ¥205.20。", "¥205.20"),
        ("DeepSeek R3 每年 $205.20。", "每年 $205.20"),
        ("GPT-5.1 最便宜。", "GPT-5.1 最便宜"),
        ("GPT-5.1 比 DeepSeek R3 便宜。", "GPT-5.1 比 DeepSeek R3 便宜"),
        ("也可以用 Claude 4.5。", "Claude"),
        ("也可以用 GPT-7。", "GPT-7"),
        ("价格自 2023年5月 起有效。", "2023"),
        ("详见 https://prices.example/list 。", "prices.example"),
    ],
)
def test_a_sentence_without_evidence_never_reaches_the_reader(desk: Opened, wrong: str, never: str) -> None:
    at = desk(Reply(GOOD + wrong + "两者都按量计费。"))
    done = at.ask(COST)
    for text in (done.answer, shown(at)):
        assert never not in text
    assert done.unsupported_numbers >= 1
    assert done.mode == "llm" and "$205.20" in done.answer


def test_an_invented_citation_is_taken_out_and_a_false_one_is_put_right(desk: Opened) -> None:
    at = desk(Reply("DeepSeek R3 的上下文窗口约 100 万 token [1][7]。"))
    done = at.ask("deepseek r3 的上下文有多长")
    assert "[7]" not in done.answer + shown(at) and "[1]" in done.answer
    assert done.unsupported_numbers == 1
    for n in range(len(done.citations) + 1, 20):
        assert f"[{n}]" not in done.answer


def test_an_answer_that_is_wrong_throughout_gives_way_to_the_offline_one(desk: Opened) -> None:
    offline = open_advisor(Settings(home=desk(Reply("")).advisor.settings.home)).ask([COST])
    assert isinstance(offline, AnswerDone)
    at = desk(Reply("GPT-5.1 要 $10。DeepSeek R3 要 $20。合计 $30。"))
    done = at.ask(COST)
    assert (done.mode, done.answer) == ("offline", offline.answer)
    assert "依据" in done.notice and done.unsupported_numbers == 0 or done.unsupported_numbers


@pytest.mark.parametrize("nonsense", ["", "   \n", "!!!", "The weather is nice today and the model is very good at many things.", "好" * 3])
def test_nonsense_gives_way_to_the_offline_answer_and_says_why(desk: Opened, nonsense: str) -> None:
    done = desk(Reply(nonsense)).ask(COST)
    assert done.mode == "offline" and "$205.20" in done.answer and done.notice.endswith("以下是不用模型的回答。")


def test_a_model_that_leaves_the_figures_out_has_them_put_first(desk: Opened) -> None:
    done = desk(Reply("两个模型都可以按量付费，差别主要在单价上。")).ask(COST)
    assert done.answer.startswith("**DeepSeek R3** 最省：$205.20")
    assert "差别主要在单价上" in done.answer


def test_an_opening_about_another_model_is_not_used(desk: Opened) -> None:
    done = desk(Reply("GPT-5.1 适合这个用量。")).ask("deepseek r3 的上下文有多长")
    assert done.mode == "offline" and "1,000,000" in done.answer


def test_a_no_for_a_yes_is_not_used(desk: Opened) -> None:
    question = "Llama 4 可以拿来做蒸馏吗"
    offline = desk(Reply("")).ask(question)
    done = desk(Reply("Llama 4 不允许做知识蒸馏 [1]。")).ask(question)
    assert done.mode == "offline" and done.answer == offline.answer


def test_a_refusal_is_not_put_to_the_model(desk: Opened) -> None:
    at = desk(Reply("GPT-9 costs $3."))
    done = at.ask("GPT-9 多少钱")
    assert done.refused and not at.server.asked and done.mode == "offline"


def test_thinking_aloud_is_not_shown(desk: Opened) -> None:
    at = desk(Reply("<think>GPT-5.1 might cost $1234, let me see.</think>" + GOOD, pieces=3))
    done = at.ask(COST)
    assert "1234" not in shown(at) + done.answer and "think" not in shown(at) and done.mode == "llm"


def test_an_english_question_gets_an_english_answer(desk: Opened) -> None:
    done = desk(Reply("DeepSeek R3 is the cheapest at $205.20 a month [1], which is $64.80 less than GPT-5.1 ($270).")).ask(
        "What do 30M input and 8M output tokens a month cost with GPT-5.1 and DeepSeek R3?"
    )
    assert done.mode == "llm" and done.answer.startswith("DeepSeek R3 is the cheapest at $205.20")


def test_the_context_is_marked_as_data_and_kept_within_its_budget(desk: Opened) -> None:
    at = desk(Reply("好。"), llm_context_tokens=600)
    at.ask(COST)
    from agent.llm.usage import estimate_tokens

    assert "<evidence>" in at.prompt and "</evidence>" in at.prompt
    evidence = at.prompt[at.prompt.index("<evidence>\n") : at.prompt.index("\n</evidence>")]
    assert estimate_tokens(evidence) <= 650


def test_tools_are_shown_with_what_they_returned(desk: Opened) -> None:
    at = desk(
        [Reply(calls=[("look_up", {"model": "glm-4", "field": "distillation"})]), Reply("资料说 GLM-4 的条款禁止蒸馏。")],
        llm_tools="always",
    )
    at.ask(FREE)
    names = [e.name for e in at.events if isinstance(e, (ToolStarted, ToolFinished))]
    assert names.count("look_up") == 2


def test_a_name_of_the_evidence_goes_out_before_its_sentence_is_complete_and_what_is_said_of_it_does_not(desk: Opened) -> None:
    at = desk(Reply("**DeepSeek R3** 每月的费用是 $999。" + GOOD * 2, pieces=1))
    done = at.ask(COST)
    deltas = [e.text for e in at.events if isinstance(e, TextDelta)]
    prose = deltas[deltas.index("\n\n---\n\n") + 1 :]
    assert prose[0] == "**" or prose[0].startswith("**DeepSeek"), prose[:5]
    assert "999" not in "".join(deltas) and "已略去" in "".join(prose)
    assert "999" not in done.answer and done.unsupported_numbers == 1
