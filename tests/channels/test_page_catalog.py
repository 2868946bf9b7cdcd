"""The catalog's tables: sources beside values, disagreements marked, nothing of it markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from channels.page.backend import active_catalog
from channels.page.catalog_view import compared, models_best_known_first, overview
from kb.catalog.load import load_catalog
from kb.settings import Settings


def test_models_stand_side_by_side_with_the_source_of_each_value() -> None:
    html = compared(active_catalog(), ["GPT-5.1", "Kimi K2"])
    chinese = html[: html.index("adv-en")]
    assert '<th scope="col">GPT-5.1</th><th scope="col">Kimi K2</th>' in chinese
    assert "$5.00/百万 token" in chinese and "gpt-5.1.md" in chinese and "资料未说明" in chinese


def test_a_disagreement_is_marked_in_its_cell_and_explained_below() -> None:
    html = compared(active_catalog(), ["Doubao-1.5"])
    assert "adv-clash" in html and "256,000" in html and "10,000,000" in html and "adv-conflict" in html


def test_at_most_five_models_are_compared_and_unknown_names_are_left_out() -> None:
    catalog = active_catalog()
    names = [entity.name for entity in models_best_known_first(catalog)]
    assert compared(catalog, names).count('<th scope="col">') == 2 * 5
    assert compared(catalog, ["no such model"]) == "" == compared(catalog, [])


def test_the_overview_has_every_model_and_sorts_numbers_within_their_unit() -> None:
    catalog = active_catalog()
    html = overview(catalog)
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', html)
    assert len(rows) == 2 * len(models_best_known_first(catalog))
    keys = re.findall(r'data-sort="(USD[^"]*)"', html)
    assert keys and sorted(keys) == sorted(keys, key=lambda key: float(key.split("|")[1]))


@pytest.mark.parametrize("field", ["strengths", "openness"])
def test_words_of_a_catalog_are_text(tmp_path: Path, field: str) -> None:
    folder = tmp_path / "home" / "catalog"
    folder.mkdir(parents=True)
    shown = "<img src=x onerror=alert(1)>"
    value = {"strengths": shown, "openness": "open"}[field]
    (folder / "own.yaml").write_text(
        "entities:\n  - id: evil\n    name: '<script>evil</script>'\n    claims:\n"
        f"      {field}:\n        - {{value: '{value}', source: own.md, section: '{shown}'}}\n",
        encoding="utf-8",
    )
    catalog = load_catalog(Settings(home=tmp_path / "home"))
    html = compared(catalog, ["<script>evil</script>"]) + overview(catalog)
    assert "evil" in html and "<script" not in html and "<img" not in html
