"""Market prices of the `genai-prices` package: a dated second opinion, always labelled, never mixed with what the documents say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from importlib.metadata import version

from kb.errors import UsageError


class NoMarketPriceError(UsageError):
    """The package does not know the model."""


@dataclass(frozen=True, slots=True)
class MarketPrice:
    """USD for the given tokens at list price. `source` names the package and its version, which dates the snapshot."""

    model: str
    provider: str
    total_usd: Decimal
    input_usd: Decimal
    output_usd: Decimal
    source: str


def market_price(model: str, input_tokens: int, output_tokens: int) -> MarketPrice:
    """The list price of a model's use by the package's offline snapshot; raises `NoMarketPriceError` for an unknown model."""
    from genai_prices import Usage, calc_price

    try:
        result = calc_price(Usage(input_tokens=input_tokens, output_tokens=output_tokens), model_ref=model)
    except LookupError:
        raise NoMarketPriceError(
            f"genai-prices does not know {model!r}; it knows the vendors' own model names, e.g. gpt-4o or claude-sonnet-4-5"
        ) from None
    return MarketPrice(
        result.model.id,
        result.provider.id,
        Decimal(result.total_price),
        Decimal(result.input_price),
        Decimal(result.output_price),
        f"genai-prices {version('genai-prices')}",
    )
