"""The price of a model given by name: out of the catalog's claims, or the dated market snapshot of `genai-prices` when asked for."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from agent.sizing.errors import SizingError


def model_price(model: str, input_tokens: Any = None, source: str = "catalog", provider: str = "") -> dict[str, Any]:
    """`input_price`, `output_price` for 1M tokens and `currency`. Raises `SizingError` (or the catalog's error) if there is none.

    `input_tokens` of one request choose the context tier, where prices have tiers.
    """
    if source == "market":
        return _market_price(model, provider)
    if source != "catalog":
        raise SizingError(f"price_source is {source!r}; expected catalog or market")
    from agent.sizing.inputs import exact
    from agent.tools.cost import per_tokens
    from agent.tools.prices import price_of
    from kb.catalog.load import load_catalog

    catalog = load_catalog()
    found = catalog.find(model)
    if len(found) != 1:
        names = ", ".join(entity.name for entity in found) or "none"
        raise SizingError(
            f"model {model!r}: {len(found)} catalog entries go by that name ({names}); give input_price and output_price, or the exact name"
        )
    context = exact(input_tokens, "input_tokens", high=10**18, zero=True, kind="tokens") if input_tokens is not None else None
    quote = price_of(catalog, found[0].id, context_tokens=Decimal(int(context)) if context is not None else None)
    scale = Decimal(10**6) / per_tokens(quote)
    prices = {"input_price": quote.input_rate, "output_price": quote.output_rate}
    return {**{name: rate * scale for name, rate in prices.items() if rate is not None}, "currency": quote.currency}


def _market_price(model: str, provider: str) -> dict[str, Any]:
    """Rates of the snapshot shipped in genai-prices, by pricing a million tokens each way."""
    from genai_prices import Usage, calc_price

    try:
        one_in = calc_price(Usage(input_tokens=10**6), model_ref=model, provider_id=provider or None).total_price
        one_out = calc_price(Usage(output_tokens=10**6), model_ref=model, provider_id=provider or None).total_price
    except LookupError as error:
        raise SizingError(f"genai-prices has no model {model!r}{f' of {provider}' if provider else ''}: {error}") from None
    return {"input_price": one_in, "output_price": one_out, "currency": "USD"}
