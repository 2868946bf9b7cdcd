"""Which kind of answer a question wants: the first that can be given, from the most specific to the most general."""

from __future__ import annotations

from collections.abc import Callable

from agent.answers.afford import answer_afford
from agent.answers.allowed import answer_allowed
from agent.answers.apart import answer_apart
from agent.answers.breakeven import answer_break_even
from agent.answers.budget import answer_budget
from agent.answers.choose import answer_choose
from agent.answers.clarify import answer_clarify
from agent.answers.compare import answer_compare
from agent.answers.conflicted import answer_conflicts
from agent.answers.cost import answer_cost
from agent.answers.deploy import answer_deploy
from agent.answers.field import answer_field
from agent.answers.fits import answer_conversion, answer_fits
from agent.answers.kv import answer_kv
from agent.answers.lasts import answer_lasts
from agent.answers.listing import answer_listing
from agent.answers.lookup import answer_lookup
from agent.answers.maker import answer_maker
from agent.answers.measured import answer_measured
from agent.answers.mix import answer_mix
from agent.answers.moved import answer_moved_bill
from agent.answers.negative import answer_negative
from agent.answers.outline import answer_outline
from agent.answers.parity import answer_parity
from agent.answers.parts import answer_parts
from agent.answers.passages import answer_passages
from agent.answers.price_questions import answer_price, answer_price_list
from agent.answers.produced import answer_produced
from agent.answers.refuse import answer_attack, answer_small_talk, answer_unknown_version, refuse
from agent.answers.rest import complete
from agent.answers.reverse import answer_reverse_figure, answer_reverse_words
from agent.answers.samename import answer_same_name
from agent.answers.saving import answer_saving
from agent.answers.section import answer_section
from agent.answers.sizes import answer_sizes
from agent.answers.sizing import answer_sizing
from agent.answers.stated import answer_stated
from agent.answers.stranger import answer_stranger
from agent.answers.suits import answer_suits
from agent.answers.table import answer_table
from agent.answers.unused import with_unused
from agent.tools.cost import CostInputError
from agent.work import Draft, Work

Handler = Callable[[Work], Draft | None]

HANDLERS: tuple[Handler, ...] = (
    answer_attack,
    answer_allowed,
    answer_negative,
    answer_produced,
    answer_kv,
    answer_negative,
    answer_deploy,
    answer_small_talk,
    answer_lasts,
    answer_break_even,
    answer_sizing,
    answer_unknown_version,
    answer_stranger,
    answer_same_name,
    answer_conflicts,
    answer_outline,
    answer_maker,
    answer_mix,
    answer_saving,
    answer_moved_bill,
    answer_parts,
    answer_parity,
    answer_afford,
    answer_budget,
    answer_stated,
    answer_conversion,
    answer_fits,
    answer_sizes,
    answer_apart,
    answer_cost,
    answer_suits,
    answer_compare,
    answer_table,
    answer_price,
    answer_price_list,
    answer_clarify,
    answer_section,
    answer_measured,
    answer_reverse_figure,
    answer_listing,
    answer_lookup,
    answer_choose,
    answer_reverse_words,
    answer_field,
    answer_passages,
)


def _cannot_be_calculated(work: Work, error: Exception) -> Draft:
    """A figure that no calculation takes ("1e9800 字"): said as such, whichever handler met it."""
    why = f" ({error})" if isinstance(error, CostInputError) else ""
    return Draft(
        work.own_words(
            work.say(
                "问题里的用量或金额超出了能计算的范围，请检查数字和单位。",
                f"A volume or an amount in the question is beyond what can be calculated; check the figure and its unit{why}.",
            )
        ),
        refused=True,
        intent="bad_input",
    )


def plan(work: Work) -> Draft:
    """The draft of the first handler that takes the question; a refusal if none does."""
    for handler in HANDLERS:
        try:
            draft = handler(work)
        except (CostInputError, ArithmeticError) as error:
            return _cannot_be_calculated(work, error)
        if draft is not None:
            return complete(work, with_unused(work, draft))
    return refuse(work)
