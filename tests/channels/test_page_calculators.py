"""The calculators' forms: results, questions, and mistakes said in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from agent.sizing.calc import kinds
from channels.page.backend import known_names
from channels.page.calculators import Form, forms, question, results_html
from channels.page.words import translations

FORMS = {form.id: form for form in forms()}


def defaults(form: Form) -> dict[str, Any]:
    names = known_names()
    values: dict[str, Any] = {}
    for field in form.fields:
        offered = names[field.choices] if isinstance(field.choices, str) else field.choices
        values[field.name] = list(offered or [])[:3] if field.many else field.value or (offered or [""])[0]
    return values


@pytest.mark.parametrize("form", forms(), ids=lambda form: form.id)
def test_a_form_shows_a_result_as_it_stands_and_its_fields_are_known_to_its_calculators(form: Form) -> None:
    html = results_html(form, defaults(form))
    assert html.count("adv-value") >= 2 and 'role="alert"' not in html
    for field in form.fields:
        assert any(field.name in kinds()[kind].fields for kind in field.kinds or form.kinds)


def test_cost_is_requests_times_tokens_times_price_with_a_chart_of_the_models() -> None:
    html = results_html(
        FORMS["api_cost"], {"model": ["GPT-5.1", "Claude 4.5"], "requests": "30000", "input_tokens": "1000", "output_tokens": "300"}
    )
    # 30,000 x (1,000 x $5 + 300 x $15) / 1,000,000
    assert "285 USD" in html and html.count("<figure") == 2


def test_prices_in_different_currencies_are_not_drawn_on_one_scale() -> None:
    html = results_html(
        FORMS["api_cost"], {"model": ["GPT-5.1", "Kimi K2"], "requests": "1", "input_tokens": "1000000", "output_tokens": "0"}
    )
    assert "<figure" not in html and "5 USD" in html and "12 CNY" in html


def test_at_most_five_models_are_compared() -> None:
    names = known_names()["priced_models"]
    html = results_html(FORMS["api_cost"], {"model": names, "requests": "1", "input_tokens": "1000", "output_tokens": "0"})
    assert html.count("adv-value") == 2 * 5


@pytest.mark.parametrize(
    ("field", "value"), [("gpu", "no such card"), ("concurrency", "<script>viele</script>"), ("weight_dtype", "int3000")]
)
def test_an_input_that_cannot_be_used_is_explained_in_both_languages_and_escaped(field: str, value: str) -> None:
    html = results_html(FORMS["sizing"], {**defaults(FORMS["sizing"]), field: value})
    assert html.count('role="alert"') == 2 and "<script" not in html


def test_a_bill_that_never_pays_off_is_said_in_words() -> None:
    html = results_html(FORMS["tco"], {**defaults(FORMS["tco"]), "self_monthly": "100000"})
    assert "不会回本" in html and "never" in html


def test_a_form_becomes_a_question() -> None:
    values = {"model": ["GPT-5.1", "Kimi K2"], "requests": "3万", "input_tokens": "1000", "output_tokens": "300"}
    assert question(FORMS["api_cost"], values, "zh") == "每月 3万 次请求，每次输入 1000、输出 300 token，用 GPT-5.1、Kimi K2 各要多少钱？"
    assert "GPT-5.1 and Kimi K2" in question(FORMS["api_cost"], values, "en")


def test_labels_of_the_forms_are_translated() -> None:
    assert translations()["zh-CN"]["field_sizing_gpu"] == "显卡" and translations()["en"]["form_budget"] == "Budget"


def test_the_forms_own_values_have_a_break_even_volume_and_it_is_drawn() -> None:
    form = next(form for form in forms() if form.id == "volume")
    html = results_html(form, {field.name: field.value for field in form.fields})
    assert "自建更便宜的用量" in html and "token/月" in html and "盈亏平衡" in html and "break-even" in html
