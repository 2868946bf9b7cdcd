"""The load benchmark's visitors use the page as a browser does."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from browser import free_port, scripted_page
from scripted import ScriptedAdvisor

from eval.bench.page import _arrive, _leave, _row, _visits, suite_questions
from eval.bench.page_visitor import Asked
from kb.errors import IndexMissingError

pytestmark = [
    pytest.mark.e2e,
    # Gradio leaves the event loops that it builds a page with to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
_T = TypeVar("_T")


def run(work: Coroutine[object, object, _T]) -> _T:
    # A loop of our own: the framework keeps one in this thread, which `asyncio.run` would push out unclosed.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


async def visit(url: str, plans: list[list[str]]) -> list[Asked]:
    visitors = await _arrive(url, len(plans))
    asked = await _visits(visitors, plans, 0.0)
    await _leave(visitors)
    return asked


def test_visitors_ask_at_once_each_in_a_conversation_of_its_own_and_errors_are_counted(tmp_path: Path) -> None:
    advisor = ScriptedAdvisor(pause_s=0.01)
    with scripted_page(advisor, tmp_path, free_port()) as url:
        asked = run(visit(url, [["甲一", "甲二"], ["乙一", "乙二"]]))
        assert [one.error for one in asked] == [""] * 4 and all(0 < one.first_s <= one.whole_s for one in asked)
        assert sorted(advisor.asked) == sorted([("甲一", ()), ("甲二", ("甲一",)), ("乙一", ()), ("乙二", ("乙一",))])
    row = _row("2", asked, 2.0, 0.4)
    assert row[:3] == ["2", "4", "0"] and row[-2:] == ["2.0", "100"]
    assert len(suite_questions()) > 100


def test_a_failed_answer_is_still_an_answer_of_the_page(tmp_path: Path) -> None:
    with scripted_page(ScriptedAdvisor(failure=IndexMissingError("no index")), tmp_path, free_port()) as url:
        (one,) = run(visit(url, [["一"]]))
    assert one.error == ""


def test_what_is_kept_of_an_open_page_does_not_grow_with_its_questions(tmp_path: Path) -> None:
    pages: list[Any] = []
    with scripted_page(ScriptedAdvisor(), tmp_path, free_port(), pages.append) as url:
        asked = run(visit(url, [["一", "二", "三"], ["四", "五", "六"]]))
        kept = [state.blocks_config.blocks for state in pages[0].state_holder.session_data.values()]
        assert [one.error for one in asked] == [""] * 6
        assert [len(blocks) for blocks in kept] == [len(pages[0].blocks)] * 2
        assert all(number == block._id for blocks in kept for number, block in blocks.items())


def test_a_page_that_had_to_make_room_goes_on_where_it_was(tmp_path: Path) -> None:
    advisor, pages = ScriptedAdvisor(), []

    def small(page: Any) -> None:
        page.state_session_capacity = 2
        pages.append(page)

    async def visits(url: str) -> list[str]:
        visitors = await _arrive(url, 4)
        asked = [await visitor.ask(question) for visitor, question in zip([*visitors, visitors[0]], "一二三四五", strict=True)]
        held = pages[0].state_holder.session_data
        assert list(held) == [visitors[3].session, visitors[0].session]
        await _leave(visitors)
        return [one.error for one in asked]

    with scripted_page(advisor, tmp_path, free_port(), small) as url:
        assert run(visits(url)) == [""] * 5
    assert advisor.asked[-1] == ("五", ("一",))
