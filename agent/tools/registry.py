"""The tools as LlamaIndex `FunctionTool`s: for the LLM mode, and for people's own LlamaIndex programs.

Arguments take text with units ("1亿", "30M", "¥800"): a small model multiplies wrongly, so code reads the numbers. Every
tool is read-only; a mistake in an argument comes back as a short message that says what is expected.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from agent.tools.cost import api_cost, budget_tokens, convert_money, mix_saving
from agent.tools.market import market_price as list_price
from agent.tools.prices import price_of
from agent.tools.query import judge
from agent.tools.sizing import SIZING_TOOLS
from agent.understand.constraints import constraints_of
from kb.catalog.show import claim_text
from kb.errors import AdvisorError, UsageError
from kb.quantities import find_quantities, normalise

if TYPE_CHECKING:
    from llama_index.core.tools import FunctionTool

    from agent.session import Advisor


def read_amount(text: str, what: str) -> Decimal:
    """The one quantity of a text argument; raises `UsageError` that shows how to write it."""
    found = find_quantities(normalise(str(text)))
    if len(found) != 1:
        raise UsageError(f"{what}: found {text!r}; expected one quantity such as 1亿, 30M or 1,500,000")
    return found[0].value


def tool_functions(advisor: Advisor) -> dict[str, Callable[..., dict[str, Any]]]:  # noqa: C901
    """Name -> plain typed function over the advisor's catalog and index."""
    catalog = advisor.reader.catalog

    def entity(model: str) -> str:
        linked = [m for m in advisor.reader.linker.link(normalise(model)) if m.entities]
        if not linked:
            raise UsageError(f"unknown model {model!r}; known: {', '.join(e.name for e in catalog.entities.values() if e.kind == 'model')}")
        return linked[0].entities[0]

    def search(query: str, k: int = 5) -> dict[str, Any]:
        """Find passages in the documents. Returns source, section and text of the best k hits."""
        if advisor.library is None:
            raise UsageError("nothing is indexed; run `advisor ingest`")
        return {
            "hits": [{"source": h.chunk.source, "section": h.chunk.section, "text": h.chunk.text} for h in advisor.library.search(query, k)]
        }

    def look_up(model: str, field: str) -> dict[str, Any]:
        """What the sources state about one field of a model, e.g. context_window, openness, distillation, channels."""
        if field not in catalog.fields:
            raise UsageError(f"unknown field {field!r}; expected one of: {', '.join(catalog.fields)}")
        return {"claims": [claim_text(c, catalog, "zh") for c in catalog.claims(entity(model), field)]}

    def model_api_cost(model: str, input_tokens: str = "0", output_tokens: str = "0", request_tokens: str = "") -> dict[str, Any]:
        """Cost of a volume on a model. Copy amounts as the user wrote them, with units. request_tokens: prompt size of one request."""
        context = read_amount(request_tokens, "request_tokens") if request_tokens else None
        quote = price_of(catalog, entity(model), context_tokens=context)
        cost = api_cost(quote, read_amount(input_tokens, "input_tokens"), read_amount(output_tokens, "output_tokens"))
        return {
            "total": str(cost.total),
            "currency": cost.currency,
            "input_cost": str(cost.input_cost),
            "output_cost": str(cost.output_cost),
            "priced_as": quote.about or quote.entity.name,
        }

    def budget_to_tokens(model: str, budget: str, input_share_percent: float = 100.0) -> dict[str, Any]:
        """Tokens that a budget (in the model's own currency) buys at a share of input tokens."""
        quote = price_of(catalog, entity(model))
        count = budget_tokens(quote, read_amount(budget, "budget"), input_share=Decimal(str(input_share_percent)) / 100)
        return {"tokens": str(count.to_integral_value(rounding="ROUND_FLOOR")), "currency": quote.currency}

    def hybrid_mix(from_model: str, to_model: str, share_percent: float, input_tokens: str, output_tokens: str) -> dict[str, Any]:
        """Cost before and after moving a share of the volume from one model to another priced in the same currency."""
        one, other = price_of(catalog, entity(from_model)), price_of(catalog, entity(to_model))
        if one.currency != other.currency:
            raise UsageError(
                f"{from_model} is priced in {one.currency} and {to_model} in {other.currency}; convert one at a stated rate first"
            )
        tokens_in, tokens_out = read_amount(input_tokens, "input_tokens"), read_amount(output_tokens, "output_tokens")
        mix = mix_saving(
            api_cost(one, tokens_in, tokens_out).total, api_cost(other, tokens_in, tokens_out).total, Decimal(str(share_percent)) / 100
        )
        return {"before": str(mix.before), "after": str(mix.after), "saved_percent": str(mix.saved_percent), "currency": one.currency}

    def convert_currency(amount: str, source: str, target: str, cny_per_usd: str) -> dict[str, Any]:
        """Convert between CNY and USD at a rate that the user stated; there is no default rate."""
        return {
            "amount": str(
                convert_money(read_amount(amount, "amount"), source.upper(), target.upper(), read_amount(cny_per_usd, "cny_per_usd"))
            ),
            "currency": target.upper(),
        }

    def select_models(conditions: str) -> dict[str, Any]:
        """Models that meet conditions in words, e.g. "国产 可自主部署 输入价低于 20 元", with what excludes the others."""
        question = advisor.reader.read(conditions)
        matches = judge(catalog, [e for e in catalog.entities.values() if e.kind == "model"], constraints_of(question, catalog))
        return {
            "meet_all": [m.entity.name for m in matches if m.meets_all],
            "excluded": {m.entity.name: [v.constraint.text for v in m.verdicts if v.met is False] for m in matches if not m.meets_all},
        }

    def market_price(model: str, input_tokens: str, output_tokens: str) -> dict[str, Any]:
        """List price by the genai-prices snapshot: a second opinion, to be labelled as such and never mixed with the documents."""
        price = list_price(model, int(read_amount(input_tokens, "input_tokens")), int(read_amount(output_tokens, "output_tokens")))
        return {"total_usd": str(price.total_usd), "source": price.source, "model": price.model}

    def deployment(question: str) -> dict[str, Any]:
        """Cards, sessions, speed, cost and break-even of running a model on own hardware, from a question in words with its amounts,
        e.g. "70B int4 on A100, 50 concurrent, 8k, 80,000 yuan a card"."""
        from agent.answers.deploy import answer_deploy

        draft = answer_deploy(advisor.work(question, None))
        if draft is None:
            raise UsageError("the question names no model or hardware to deploy; expected e.g. a size (70B), cards (8x A100) and amounts")
        return {"answer": draft.text}

    functions: tuple[Callable[..., dict[str, Any]], ...] = (
        search, look_up, model_api_cost, budget_to_tokens, hybrid_mix, convert_currency, select_models, market_price, deployment,
        *SIZING_TOOLS,
    )  # fmt: skip
    return {f.__name__: f for f in functions}


def function_tools(advisor: Advisor) -> list[FunctionTool]:
    """The same functions for LlamaIndex; an expected error becomes `{"error": ...}` so that a model can correct its call."""
    from functools import wraps

    from llama_index.core.tools import FunctionTool

    def guarded(function: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> dict[str, Any]:
            try:
                return function(*args, **kwargs)
            except AdvisorError as error:
                return {"error": str(error)}

        return call

    return [FunctionTool.from_defaults(guarded(f), name=name, description=f.__doc__ or name) for name, f in tool_functions(advisor).items()]
