"""The calculators' forms as data, and their results as HTML: the same functions that answer questions, nothing of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from agent.events import Chart, ChartSeries, Language
from agent.sizing.break_even import BreakEvenMonths, BreakEvenVolume
from agent.sizing.calc import Outcome, calculate
from agent.sizing.capacity import GpusNeeded
from agent.sizing.charts import cost_by_month, cost_by_volume, memory_split
from agent.sizing.errors import SizingError
from agent.sizing.steps import plain
from channels.page.charts import chart_html
from channels.page.safe import escape
from channels.page.words import LOCALES, both_languages, word
from kb.errors import AdvisorError

MAX_MODELS = 5
ChoiceList = Literal["priced_models", "architectures", "gpus"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FormField(_Model):
    """One input. `kinds` limits it to some of the form's calculators; `choices` are values or a list of the catalog's."""

    name: str
    label: dict[Language, str]
    value: str = ""
    choices: ChoiceList | list[str] | None = None
    many: bool = False
    kinds: list[str] | None = None


class Form(_Model):
    """One calculator of the page. `carry` feeds one calculator's result to another; `fixed` are inputs nobody is asked for."""

    id: str
    kinds: list[str]
    title: dict[Language, str]
    fields: list[FormField]
    ask: dict[Language, str]
    carry: dict[str, dict[str, str]] = Field(default_factory=dict)
    fixed: dict[str, dict[str, str]] = Field(default_factory=dict)


@lru_cache(maxsize=1)
def forms() -> tuple[Form, ...]:
    """The shipped forms."""
    text = Path(__file__).with_name("calculators.yaml").read_text(encoding="utf-8")
    return tuple(Form.model_validate(item) for item in yaml.safe_load(text))


def question(form: Form, values: Mapping[str, Any], language: Language) -> str:
    """The calculation as a question for the chat."""
    between = "、" if language == "zh" else " and "
    said = {name: between.join(value) if isinstance(value, list) else str(value or "").strip() for name, value in values.items()}
    return form.ask[language].format(**said)


def results_html(form: Form, values: Mapping[str, Any]) -> str:
    """The results in both languages; the style sheet shows the visitor's."""
    try:
        runs = _runs(form, values)
    except AdvisorError as error:
        said = {language: _message(error, language) for language in LOCALES}
        return both_languages(lambda language: f'<p class="adv-notice" role="alert">{escape(said[language])}</p>')
    return both_languages(
        lambda language: "".join([*_charts(runs, language), *(_result(name, outcome, language) for name, outcome in runs)])
    )


def _runs(form: Form, values: Mapping[str, Any]) -> list[tuple[str, Outcome]]:
    """(what it is about, outcome) of each calculator, or of each choice of a field that takes many."""
    many = next((field for field in form.fields if field.many), None)
    if many is not None:
        chosen = list(values.get(many.name) or [])[:MAX_MODELS]
        return [(str(choice), _calculate(form, form.kinds[0], {**values, many.name: choice}, {})) for choice in chosen]
    done: dict[str, Outcome] = {}
    for kind in form.kinds:
        done[kind] = _calculate(form, kind, values, done)
    return list(done.items())


def _calculate(form: Form, kind: str, values: Mapping[str, Any], done: Mapping[str, Outcome]) -> Outcome:
    fields = [field.name for field in form.fields if field.kinds is None or kind in field.kinds]
    inputs: dict[str, Any] = {name: values[name] for name in fields if str(values.get(name) or "").strip()}
    inputs |= form.fixed.get(kind, {})
    inputs |= {name: plain(done[earlier].value) for name, earlier in form.carry.get(kind, {}).items()}
    return calculate(kind, inputs)


def _charts(runs: Sequence[tuple[str, Outcome]], language: Language) -> list[str]:
    """Cost by model where several are compared in one currency; else the chart that belongs to the calculation."""
    charts: list[Chart] = []
    units = {outcome.unit for _, outcome in runs}
    if len(runs) > 1 and len(units) == 1:
        series = ChartSeries(word("calc_cost", language), tuple(name for name, _ in runs), tuple(_number(o) for _, o in runs))
        unit = units.pop()
        charts.append(Chart("bar", word("calc_cost", language), word("calc_model", language), word("calc_cost", language), unit, (series,)))
    for _, outcome in runs:
        if isinstance(outcome.calculation, GpusNeeded):
            charts.append(memory_split(outcome.calculation, language))
        elif isinstance(outcome.calculation, BreakEvenMonths):
            charts.append(cost_by_month(outcome.calculation, language))
        elif isinstance(outcome.calculation, BreakEvenVolume):
            charts.append(cost_by_volume(outcome.calculation, language))
    return [chart_html(chart, language) for chart in charts]


def _number(outcome: Outcome) -> float:
    value = plain(outcome.value)
    return float(value) if isinstance(value, (int, float)) else 0.0


def _result(name: str, outcome: Outcome, language: Language) -> str:
    title = word(f"calc_{name}", language) if any(name in form.kinds for form in forms()) else name
    if isinstance(outcome.calculation, BreakEvenVolume):
        title = word("calc_volume", language)
    rows = "".join(
        f'<tr><th scope="row">{i}</th><td>{escape(step)}</td></tr>' for i, step in enumerate(outcome.calculation.steps(language), 1)
    )
    working = escape(word("calculation", language))
    return (
        f'<section class="adv-result"><h2>{escape(title)}</h2><p class="adv-value">{escape(_shown(outcome, language))}</p>'
        f'<details class="adv-calc" open><summary>{working}</summary><table><tbody>{rows}</tbody></table></details></section>'
    )


def _shown(outcome: Outcome, language: Language) -> str:
    value = plain(outcome.value)
    if value == "never":
        return word("calc_never", language)
    if isinstance(value, (int, float)):
        text = f"{value:,.2f}" if abs(value) < 1e15 else f"{value:,.4g}"
        value = text.rstrip("0").rstrip(".") if "." in text else text
    units = {"months": "calc_unit_months", "GPUs": "calc_unit_gpus", "tokens/month": "calc_unit_tokens_a_month"}
    unit = word(units[outcome.unit], language) if outcome.unit in units else outcome.unit
    return f"{value} {unit}".strip()


def _message(error: AdvisorError, language: Language) -> str:
    return error.text(language) if isinstance(error, SizingError) else str(error)
