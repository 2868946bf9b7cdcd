"""Builds suites (JSONL) from their authored form (YAML): expected figures are formulas, computed here from the fact table.

`python -m eval.build` rewrites the shipped suites; a test checks that they are what this makes of their sources.
"""

from __future__ import annotations

import ast
import math
import operator
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from eval.suite import Case, write_suite
from kb.errors import UsageError

SUITES = Path(__file__).parent / "suites"
_SCALES = {"K": 10**3, "M": 10**6, "B": 10**9, "万": 10**4, "千万": 10**7, "亿": 10**8}
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class Formulas:
    """Evaluates a formula: arithmetic, scales (万, 亿, M ...) and the functions below, all in `Decimal`.

    price(model, in|out) and cost(model, input tokens, output tokens): in the model's currency;
    tokens(money, model, in|out); weights(parameters, bits): GB (10^9 bytes); ceil(x).
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.prices = facts["prices"]
        self.sections: list[str] = []
        self.functions: dict[str, Callable[..., Any]] = {
            "price": self._price,
            "cost": lambda m, i, o: (i * self._price(m, "in") + o * self._price(m, "out")) / 10**6,
            "tokens": lambda money, m, side: money / self._price(m, side) * 10**6,
            "weights": lambda parameters, bits: parameters * bits / 8 / 10**9,
            "ceil": lambda x: Decimal(math.ceil(x)),
        }

    def _price(self, model: str, side: str) -> Decimal:
        entry = self.prices[model]
        if entry["section"] not in self.sections:
            self.sections.append(entry["section"])
        return Decimal(entry["input" if side == "in" else "output"])

    def value(self, formula: str) -> Decimal:
        # "in" is a keyword of the expression grammar, not of formulas.
        return Decimal(self._node(ast.parse(formula.replace(", in)", ", input)"), mode="eval").body))

    def _node(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int() | float() as number):
                return Decimal(str(number))
            case ast.Name(id=name) if name in _SCALES:
                return Decimal(_SCALES[name])
            case ast.Name(id="input" | "out" as side):
                return "in" if side == "input" else "out"
            case ast.Name(id=name) if name in self.prices:
                return name
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._node(left), self._node(right))
            case ast.Call(func=ast.Name(id=name), args=args) if name in self.functions:
                return self.functions[name](*(self._node(a) for a in args))
        known = ", ".join(self.functions)
        raise UsageError(f"cannot evaluate {ast.unparse(node)!r}; a formula holds arithmetic, scales, models and {known}")


def build(source: Path, facts_path: Path = SUITES / "facts.yaml", prefix: str = "a") -> list[Case]:
    """The cases of one authored suite, ids `prefix-category-NN` in file order."""
    facts = yaml.safe_load(facts_path.read_text(encoding="utf-8"))
    cases = []
    for category, entries in yaml.safe_load(source.read_text(encoding="utf-8")).items():
        for number, entry in enumerate(entries, start=1):
            case_id = f"{prefix}-{category}-{number:02d}"
            if isinstance(corpora := entry.get("corpus", ""), list):
                cases += [_case(f"{case_id}-{corpus}", corpus, entry | {"corpus": corpus}, facts) for corpus in corpora]
            else:
                cases.append(_case(case_id, category, entry, facts))
    return cases


def _case(case_id: str, category: str, entry: dict[str, Any], facts: dict[str, Any]) -> Case:
    formulas = Formulas(facts)
    expect: dict[str, Any] = {}
    numbers = [_number(formulas, text) for text in entry.get("num", [])]
    if numbers:
        expect["numbers"] = numbers
    for ours, theirs in (("none", "none_of"), ("pick", "models"), ("refuse", "refuse"), ("conflict", "conflict")):
        if ours in entry:
            expect[theirs] = entry[ours]
    if "all" in entry:
        expect["all_of"] = [facts["words"][group] if isinstance(group, str) else group for group in entry["all"]]
    sources = entry.get("src", []) + [s for s in formulas.sections if s not in entry.get("src", [])]
    if sources and not entry.get("corpus"):
        expect["sources"] = sources
    if set(expect) == {"sources"}:
        expect["refuse"] = None  # of search alone nothing else is expected
    turns = entry["q"] if isinstance(entry["q"], list) else [entry["q"]]
    why = entry.get("why") or "; ".join(entry.get("num", []))
    record = {"id": case_id, "lang": entry.get("lang", "zh"), "category": category, "turns": turns, "expect": expect, "why": why}
    if entry.get("corpus"):
        record["corpus"] = entry["corpus"]
    try:
        return Case.model_validate(record)
    except ValueError as error:
        raise UsageError(f"{case_id}: {error}") from None


def _number(formulas: Formulas, text: str) -> dict[str, Any]:
    formula, unit, *tolerance = (part.strip() for part in text.split("|"))
    return {"value": float(round(formulas.value(formula), 9)), "unit": unit, "rel_tol": float(tolerance[0]) if tolerance else 0.01}


SHIPPED = {"advisor": "a", "fresh": "f", "dialogues": "d", "robustness": "r", "retrieval": "s"}
"""Suites authored as YAML, with the prefix of their ids."""


def main() -> int:
    for name, prefix in SHIPPED.items():
        cases = build(SUITES / f"{name}.yaml", prefix=prefix)
        write_suite(SUITES / f"{name}.jsonl", cases)
        print(f"{name}: {len(cases)} cases", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
