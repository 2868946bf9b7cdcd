"""The Quality tab in a real browser: a report in the visitor's language, and what an empty data folder shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import free_port, scripted_page
from scripted import ScriptedAdvisor

from tests.channels.test_page_quality import write_run

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("quality-home")
    with scripted_page(ScriptedAdvisor(), home, free_port()) as url:
        yield url, home


def test_first_there_is_an_invitation_then_the_last_run(visit: Callable[..., Any], served: tuple[str, Path]) -> None:
    url, home = served
    page = visit(url)
    page.get_by_role("tab", name="质量").click()
    page.get_by_text("还没有评测过").wait_for()
    page.locator("#quality-run").wait_for()
    assert not page.locator("#quality-stop").is_visible()
    write_run(home / "eval" / "last")
    page.get_by_role("tab", name="对话").click()
    page.get_by_role("tab", name="质量").click()
    page.locator(".adv-q-head").wait_for()
    assert "75.0%" in page.locator(".adv-q-head").inner_text()
    failure = page.locator(".adv-q-wrong details").first
    failure.locator("summary").click()
    assert failure.get_by_text("<script>x</script>").is_visible()
    page.locator(".adv-language").click()  # loads the page anew
    page.get_by_role("tab", name="Quality").click()
    page.get_by_text("Wrong answers: 1").wait_for()
    assert not page.get_by_text("答错的题").is_visible()
