"""The agent's tools for a model: what they return can be cited, and amounts must come from the conversation."""

from __future__ import annotations

import inspect
import re
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any

from agent.llm.context import clean_passage
from agent.llm.facts import Facts
from agent.tools.registry import tool_functions
from agent.tools.sizing import SIZING_TOOLS
from agent.work import Work
from kb.catalog.show import claim_text
from kb.errors import AdvisorError, UsageError
from kb.quantities import find_quantities, normalise

if TYPE_CHECKING:
    from llama_index.core.tools import FunctionTool

    from agent.session import Advisor

_MOST_HITS = 5
_PASSAGE_CHARS = 500
_TEXTS = frozenset({"query", "conditions", "field", "model", "from_model", "to_model", "gpu", "dtype", "source", "target"})
"""Arguments that name things; every other one is an amount."""
_MONEY_TOOLS = frozenset({"model_api_cost", "budget_to_tokens", "hybrid_mix", "convert_currency", "market_price"})
MOST_CALLS = 8


class LoopError(AdvisorError):
    """The model calls tools without end."""


class ToolBox:
    """The tools of one turn. Every call is recorded in the turn's `Work`, and what it found becomes evidence."""

    def __init__(self, advisor: Advisor, work: Work, facts: Facts, said: Sequence[str]) -> None:
        self._advisor, self._work, self._facts = advisor, work, facts
        self._amounts = {q.value for text in said for q in find_quantities(normalise(text))}
        self._wordings = list(dict.fromkeys(q.text for text in said for q in find_quantities(normalise(text))))
        self._calls: list[tuple[str, str]] = []
        self._lock = threading.Lock()  # a model may ask for several tools at once

    def functions(self) -> dict[str, Callable[..., dict[str, Any]]]:
        """Name -> guarded function. An expected mistake comes back as `{"error": ...}`, for the model to correct its call."""
        named = dict(tool_functions(self._advisor)) | {"search": self._search, "look_up": self._look_up}
        return {name: self._guarded(name, function) for name, function in named.items()}

    def function_tools(self, *, every: bool = False) -> list[FunctionTool]:
        """The same for LlamaIndex: those that the question can need, since each description costs a model time and attention."""
        from llama_index.core.tools import FunctionTool

        question = self._work.question
        plans = question.deployment
        left_out: set[str] = set()
        if not every and not question.quantities:
            left_out |= _MONEY_TOOLS
        if not every and not (plans.gpus or plans.asks or plans.serving or plans.training):
            left_out |= {"deployment", *(f.__name__ for f in SIZING_TOOLS)}
        named = {name: f for name, f in self.functions().items() if name not in left_out}
        return [FunctionTool.from_defaults(f, name=name, description=_brief(f)) for name, f in named.items()]

    def _guarded(self, name: str, function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        wanted = inspect.signature(function).parameters

        @wraps(function)
        def call(**kwargs: Any) -> dict[str, Any]:
            started = time.perf_counter()
            given = {key: value for key, value in kwargs.items() if key in wanted and value is not None}
            with self._lock:
                self._refuse_loops(name, given)
                try:
                    missing = [p.name for p in wanted.values() if p.default is p.empty and p.name not in given]
                    if missing:
                        raise UsageError(f"{name} also needs {', '.join(missing)}")
                    self._check_amounts(given)
                    output = function(**{key: self._typed(wanted[key], value) for key, value in given.items()})
                except AdvisorError as error:
                    return {"error": str(error)}
                except (ValueError, TypeError, ArithmeticError) as error:
                    return {"error": f"{name}: {error}"}
                self._work.tool(name, given, output, started=started)
                self._as_evidence(name, given, output)
            return output

        return call

    def _as_evidence(self, name: str, given: dict[str, Any], output: dict[str, Any]) -> None:
        if name in ("search", "look_up"):
            return  # they add what they cite themselves
        about = self._advisor.reader.linker.link(normalise(" ".join(str(v) for k, v in given.items() if k in _TEXTS)))
        self._facts.add("\n".join(f"{k}: {v}" for k, v in output.items()), [i for m in about for i in m.entities], bare=True)

    def _refuse_loops(self, name: str, given: dict[str, Any]) -> None:
        key = (name, repr(sorted(given.items(), key=lambda item: item[0])))
        self._calls.append(key)
        if self._calls.count(key) > 2 or len(self._calls) > MOST_CALLS:
            raise LoopError(f"{name} was called {self._calls.count(key)} times alike, {len(self._calls)} calls in all")

    def _check_amounts(self, given: dict[str, Any]) -> None:
        """Raises `UsageError` for an amount that nobody in the conversation wrote and the evidence does not state."""
        for key, value in given.items():
            if key in _TEXTS or key == "k":
                continue
            for quantity in find_quantities(normalise(str(value))):
                known = quantity.value in self._amounts or any(f.value == quantity.value for f in self._facts.facts)
                if not known and quantity.value not in (0, 1):
                    said = ", ".join(self._wordings[:12]) or "none"
                    raise UsageError(f"{key}: nobody said {value!r}; copy an amount as it was written: {said}")

    @staticmethod
    def _typed(parameter: inspect.Parameter, value: Any) -> Any:
        """Numbers for numeric parameters, text for the rest, whatever the model wrote."""
        if parameter.annotation in ("int", "float", int, float):
            found = find_quantities(normalise(str(value)))
            number = found[0].value if len(found) == 1 else Decimal(str(value))
            return int(number) if parameter.annotation in ("int", int) else float(number)
        return value if isinstance(value, str) else str(value)

    def _search(self, query: str) -> dict[str, Any]:
        """Find passages in the documents. Returns numbered passages; cite one by its number."""
        hits = self._work.search(query, _MOST_HITS)
        if not hits:
            return {"hits": [], "note": "nothing found"}
        found = []
        for hit in hits:
            text = clean_passage(hit.chunk.text)[:_PASSAGE_CHARS]
            if text:
                found.append({"cite": self.cite_passage(hit.chunk, text), "section": hit.chunk.section, "text": text})
        return {"hits": found}

    def cite_passage(self, chunk: Any, text: str) -> str:
        """Makes a passage evidence and gives its mark."""
        mark = self._work.cite_chunk(chunk, text if text in chunk.text else _first_line(text, chunk.text))
        about = self._advisor.reader.linker.link(normalise(f"{chunk.section} {chunk.source}"))
        self._facts.add(text, [i for m in about for i in m.entities])
        return mark

    def _look_up(self, model: str, field: str) -> dict[str, Any]:
        """What the sources state about one field of a model, e.g. context_window, openness, distillation, channels, input_price."""
        catalog = self._work.catalog
        if field not in catalog.fields:
            raise UsageError(f"unknown field {field!r}; expected one of: {', '.join(catalog.fields)}")
        linked = [m for m in self._advisor.reader.linker.link(normalise(model)) if m.entities]
        if not linked:
            raise UsageError(f"unknown model {model!r}")
        claims = catalog.claims(linked[0].entities[0], field)
        found = []
        for claim in claims:
            text = claim_text(claim, catalog, self._work.language, with_source=False)
            found.append({"cite": self._work.cite(claim), "text": text})
            self._facts.add(f"{self._work.label(field)}: {text}", [claim.entity])
        return {"claims": found} if found else {"claims": [], "note": "the sources do not state it"}


def _first_line(text: str, whole: str) -> str:
    """The first line of a cleaned passage that stands in the original word for word."""
    return next((line.strip() for line in text.splitlines() if line.strip() and line.strip() in whole), whole[:1])


def _brief(function: Callable[..., Any]) -> str:
    return re.sub(r"\s+", " ", inspect.getdoc(function) or function.__name__)
