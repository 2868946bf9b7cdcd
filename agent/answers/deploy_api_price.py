"""An own deployment against an API whose price is known and whose volume is not: the tokens a month from which owning is cheaper."""

from __future__ import annotations

from decimal import Decimal

from agent.answers.breakeven_volume import break_even_tokens
from agent.answers.deploy_case import Case
from agent.answers.price import converted, usable_quotes


def volume_by_price(case: Case, own: Decimal) -> bool:
    """Says from which volume `own` a month pays against each model that is named beside the one to deploy; False where that cannot be said."""
    if case.d.usage is not None or not own:
        return False
    said = False
    for entity_id in case.d.priced:
        quotes = usable_quotes(case.work, entity_id)
        if not quotes:
            continue
        quote, amount = quotes[0], own
        if case.currency and quote.currency != case.currency:
            change = converted(case.work, own, case.currency, quote.currency)
            if change is None:
                case.miss("汇率（两边币种不同）", "an exchange rate (the currencies differ)")
                continue
            amount, line = change
            case.step(line, line)
        case.work.computed(amount)
        steps: list[str] = []
        heads = break_even_tokens(case.work, quote, amount, steps)
        case.heads += heads
        case.steps += steps
        said = True
    return said
