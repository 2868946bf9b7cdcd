"""A browser for each module, a page for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import FLAGS, chromium

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A browser on a busy machine now and then loses a click; a second failure is a failure, and the first is in the report.
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="module")
def chrome() -> Iterator[Any]:
    # Not for the run: the driver keeps an event loop running in this thread, and other tests need the thread without one.
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        pytest.fail("no Chromium found: apt-get install chromium, or set ADVISOR_CHROMIUM to an executable")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chrome: Any) -> Iterator[Callable[..., Any]]:
    """Open an address as a visitor with a language of their own; a request to any other host, or an alert, fails the test."""
    contexts: list[Any] = []
    strangers: list[str] = []
    alerts: list[str] = []

    def open_page(url: str, locale: str = "zh-CN", **options: Any) -> Any:
        context = chrome.new_context(locale=locale, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)  # a busy machine is slow, not wrong
        page.on("request", lambda r: strangers.append(r.url) if not r.url.startswith((url, "data:", "blob:")) else None)
        page.on("dialog", lambda d: (alerts.append(d.message), d.dismiss()))
        page.goto(url)
        page.wait_for_selector("#question textarea")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert (strangers, alerts) == ([], [])
