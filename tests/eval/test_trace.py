"""Figures without evidence are found, figures with evidence or a shown step are left alone."""

from __future__ import annotations

import pytest

from eval.trace import untraced


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        ("输入 ¥12 [1]", ["| 输入 | ¥12.00 |"]),
        ("共 3 个：A、B、C，按 12 个月", []),
        ("1亿 × $5 = $500", ["1亿输入", "$5.00"]),
        ("A $400，B $232，省 42%，差 $168，1.72 倍，一年 $4,800", ["$400", "$232"]),
        ("上下文 256K", ["支持 256,000 token"]),
        ("省 60% 到 80%", ["降低 60%-80%"]),
        ("附加费：$987,654（未核实）", []),
        ("surcharge: $987,654 (unverified)", []),
        ("输入加输出 $11.60", ["$2.90", "$8.70"]),
        ("共 $6,264，人均 $0.3132", ["$6,264", "20,000 人"]),
    ],
)
def test_figures_with_evidence_are_traced(answer: str, evidence: list[str]) -> None:
    assert untraced(answer, evidence) == []


@pytest.mark.parametrize(
    ("answer", "evidence", "found"),
    [
        ("输入 ¥13 [1]", ["| 输入 | ¥12.00 |"], ["¥13"]),
        ("输入 $12", ["¥12.00"], ["$12"]),
        ("快 40%", ["快 30%"], ["40%"]),
        ("人均 $0.4", ["$6,264", "20,000 人"], ["$0.4"]),
        ("附加费：$987,654，税 $5（未核实）", [], ["$987654"]),
        ("上下文 2000K", ["256K"], ["2000k"]),
    ],
)
def test_figures_without_evidence_are_named(answer: str, evidence: list[str], found: list[str]) -> None:
    assert untraced(answer, evidence) == found
