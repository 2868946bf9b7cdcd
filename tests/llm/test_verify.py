"""True sentences pass and corrupted ones do not, over the advisor's own answers to suite questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import Opened
from openai_server import Reply

from agent.llm.advisor import LlmAdvisor
from agent.llm.facts import Line
from agent.llm.gather import gather
from agent.llm.verify import Verifier
from agent.session import Advisor, Conversation
from eval.suite import load_suite
from kb.text import sentences

SUITE = Path(__file__).parent.parent.parent / "eval" / "suites" / "advisor.jsonl"
SAMPLE = 30


def told(advisor: LlmAdvisor) -> Iterator[tuple[Verifier, str, Line]]:
    """Every sentence of the offline answers to a sample of the suite, with a verifier of its turn."""
    cases = load_suite(SUITE)
    for case in cases[:: max(1, len(cases) // SAMPLE)]:
        conversation = Conversation()
        for turn in case.turns:
            advisor._seen.work = None
            done = list(Advisor.answer(advisor, turn, conversation))[-1]
        work = advisor._seen.work
        if work is None or done.refused or not (work.citations or work.claims or work.tools):  # type: ignore[union-attr]
            continue
        facts = gather(case.turns[-1], done, work, conversation.turns[:-1])  # type: ignore[arg-type]
        for raw in done.answer.splitlines():  # type: ignore[union-attr]
            for sentence in sentences(raw):
                if not raw.lstrip().startswith("|") and re.search(r"[^\W_]{2,}", sentence):
                    yield Verifier(facts, work.citations), sentence, facts.reader.line(sentence)


def test_true_sentences_pass_and_corrupted_ones_do_not(desk: Opened) -> None:
    advisor = desk(Reply("")).advisor
    found: Counter[tuple[str, bool]] = Counter()
    let_through: list[str] = []

    def corrupted(kind: str, verifier: Verifier, text: str) -> None:
        caught = bool(Verifier(verifier.facts, verifier.citations).problems(verifier.facts.reader.line(text)))
        found[kind, caught] += 1
        if not caught:
            let_through.append(f"{kind}: {text}")

    for verifier, sentence, line in told(advisor):
        found["true", not verifier.problems(line)] += 1
        for figure in line.figures[:3]:
            number = re.search(r"\d[\d,]*(?:\.\d+)?", figure.written)
            if number is not None and len(number[0]) > 1:
                other = str(Decimal(number[0].replace(",", "")) * 3 + 7)
                corrupted("number", verifier, line.plain.replace(number[0], other, 1))
            if figure.quantity.is_money and "$" in line.plain:
                corrupted("currency", verifier, line.plain.replace("$", "¥"))
        assert sentence
    assert found["true", True] > 60 and found["number", True] > 60 and found["currency", True] > 10
    assert found["true", False] <= found["true", True] * 0.02
    assert let_through == []


@pytest.mark.parametrize(
    ("question", "true", "false"),
    [
        ("GLM-4 可以蒸馏吗", "GLM-4 的服务条款禁止蒸馏。", "GLM-4 的服务条款允许蒸馏。"),
        ("deepseek r3 的上下文有多长", "它的上下文约一百万 token。", "它的上下文约两百万 token。"),
        ("deepseek r3 的上下文有多长", "上下文是百万级 Tokens。", "上下文超过 Grok 的。"),
        ("GPT-5.1 和 Qwen3 输入价哪个低", "两者都按 token 计费。", "Qwen3 的输入价是每百万 token $5。"),
    ],
)
def test_what_is_said_of_a_model_must_stand_in_its_evidence(desk: Opened, question: str, true: str, false: str) -> None:
    advisor = desk(Reply("")).advisor
    advisor._seen.work = None
    done = list(Advisor.answer(advisor, question, Conversation()))[-1]
    work = advisor._seen.work
    facts = gather(question, done, work, [])  # type: ignore[arg-type]
    assert Verifier(facts, work.citations).verify(true).text == true
    assert false not in Verifier(facts, work.citations).verify(false).text
