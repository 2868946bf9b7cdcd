"""What a conversation costs: tokens as the service reports them, else estimated; money where a price list knows the model."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from agent.events import Language

_HAN = re.compile(r"[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]")
HAN_TOKENS, OTHER_TOKENS = 0.6, 0.3
"""Tokens of a Chinese and of a Latin character, the rule of thumb in DeepSeek's API guide ("Token & Token Usage")."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one or more requests. `estimated`: at least one of them came without figures of the service."""

    input_tokens: int = 0
    output_tokens: int = 0
    estimated: bool = False

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens, self.estimated or other.estimated)

    def as_dict(self) -> dict[str, int]:
        return {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}


def estimate_tokens(text: str) -> int:
    """Tokens of a text by its characters; no tokenizer is loaded, since each service has its own."""
    han = len(_HAN.findall(text))
    return math.ceil(han * HAN_TOKENS + (len(text) - han) * OTHER_TOKENS)


def cut_to_tokens(text: str, tokens: int) -> str:
    """The beginning of a text that is estimated to have at most so many tokens, whole lines where there are several."""
    if estimate_tokens(text) <= tokens:
        return text
    kept, used = [], 0
    for line in text.splitlines():
        used += estimate_tokens(line) + 1
        if used > tokens:
            break
        kept.append(line)
    return "\n".join(kept) if kept else text[: max(1, int(tokens / HAN_TOKENS))]


def price_usd(model: str, spent: Spent) -> tuple[Decimal, str] | None:
    """(USD at list price, name and version of the price list); None for a model that the list does not have."""
    from agent.tools.market import NoMarketPriceError, market_price

    try:
        price = market_price(model, spent.input_tokens, spent.output_tokens)
    except NoMarketPriceError:
        return None
    return price.total_usd, price.source


def spent_text(model: str, turn: Spent, conversation: Spent, language: Language) -> str:
    """One line for people: tokens of the turn and of the conversation, and the price where one is known."""
    zh = language == "zh"
    about = ("约 " if zh else "about ") if turn.estimated or conversation.estimated else ""
    note = ("（估算）" if zh else " (estimated)") if about else ""
    if zh:
        text = f"本轮 {about}{turn.input_tokens:,} + {turn.output_tokens:,} token"
        text += f"，本次对话 {about}{conversation.input_tokens:,} + {conversation.output_tokens:,}{note}"
    else:
        text = f"this turn {about}{turn.input_tokens:,} in + {turn.output_tokens:,} out tokens"
        text += f", conversation {about}{conversation.input_tokens:,} + {conversation.output_tokens:,}{note}"
    priced = price_usd(model, conversation)
    if priced is None:
        return text
    amount, source = priced
    shown = f"${amount:.6f}".rstrip("0").rstrip(".") if amount < Decimal("0.01") else f"${amount:.2f}"
    return f"{text}{'，' if zh else ', '}{about}{shown} ({source})"
