"""The page in a real browser, over a scripted agent: what a visitor sees and can do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from browser import free_port, scripted_page
from scripted import QUOTE, ScriptedAdvisor, scripted_done

from agent.events import AnswerDone
from channels.state.database import open_database
from channels.state.feedback import Feedback
from kb.settings import Settings

pytestmark = pytest.mark.e2e
Visit = Callable[..., Any]
Served = tuple[str, Path]


@pytest.fixture(scope="module")
def advisor() -> ScriptedAdvisor:
    return ScriptedAdvisor(pause_s=0.12)


@pytest.fixture(scope="module")
def served(advisor: ScriptedAdvisor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    home = tmp_path_factory.mktemp("page-home")
    with scripted_page(advisor, home, free_port()) as url:
        yield url, home


@pytest.fixture(autouse=True)
def usual_answer(advisor: ScriptedAdvisor) -> None:
    advisor.done, advisor.failure, advisor.pause_s = scripted_done(), None, 0.12
    advisor.asked.clear()


def ask(page: Any, question: str, finished: int = 1) -> None:
    page.fill("#question textarea", question)
    page.keyboard.press("Enter")
    page.locator(".adv-foot").nth(finished - 1).wait_for()


def test_an_answer_is_seen_growing_with_its_steps_and_ends_with_its_sources(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    page.fill("#question textarea", "DeepSeek 多少钱？")
    page.keyboard.press("Enter")
    page.get_by_text("每月约").wait_for()
    assert page.locator(".adv-foot").count() == 0, "the text came only with the end"
    page.locator(".adv-foot").wait_for()
    assert page.locator(".adv-source").count() == 2 and page.get_by_text("步骤").first.is_visible()
    assert page.locator("#question textarea").input_value() == ""


def test_a_citation_opens_its_passage_at_the_quoted_words(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    ask(page, "DeepSeek 多少钱？")
    mark = page.locator(".adv-source mark").first
    assert not mark.is_visible()
    page.locator('#chat a[href*="#src-"]').first.click()
    mark.wait_for(state="visible")
    assert mark.inner_text() == QUOTE
    page.wait_for_function(
        "(m) => { const r = m.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; }", arg=mark.element_handle()
    )


def test_markup_and_links_in_questions_answers_and_documents_are_text(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    question = "<script>alert(1)</script> <img src=x onerror=alert(2)> [a](http://example.invalid) ![b](http://example.invalid/b.png)"
    ask(page, question)
    assert page.locator("#chat [data-testid=user]").inner_text().strip() == question
    assert page.get_by_text("<script>alert('x')</script>").count() == 1
    page.get_by_text("<img src=x onerror=alert(1)>").wait_for()
    links = page.locator("#chat a").evaluate_all("(all) => all.map((a) => a.getAttribute('href'))")
    assert links and all(link.startswith("#src-") for link in links)
    assert page.locator("#chat img, #chat script").count() == 0


def test_the_page_speaks_the_visitors_language_and_changes_it(visit: Visit, served: Served) -> None:
    page = visit(served[0], locale="en-US")
    assert page.get_by_role("heading", name="LLM Advisor").is_visible() and page.get_by_role("button", name="New chat").is_visible()
    page.locator(".adv-language").click()
    page.get_by_role("heading", name="大模型顾问").wait_for()
    page.get_by_role("button", name="新对话").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.get_by_role("heading", name="LLM Advisor").count() == 0


def test_cards_follow_the_language_of_the_answer(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    advisor.done = scripted_done(language="en", answer="It costs **$562.50** [1].")
    page = visit(served[0])
    ask(page, "How much?")
    assert page.get_by_text("The sources disagree").is_visible() and page.get_by_role("heading", name="Sources", exact=True).is_visible()


def test_stopping_keeps_the_text_so_far_and_forgets_the_turn(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    advisor.pause_s = 4.0
    page = visit(served[0])
    page.fill("#question textarea", "一")
    page.keyboard.press("Enter")
    page.get_by_text("每月约").wait_for()
    page.locator("#question .stop-button").click()
    page.get_by_text("已停止").wait_for()
    advisor.pause_s = 0.0
    ask(page, "二")
    assert advisor.asked[-1] == ("二", ())


def test_an_edited_question_replaces_the_turn(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "一")
    ask(page, "二", finished=2)
    page.get_by_role("button", name="编辑").nth(1).click()
    page.locator("#chat textarea").fill("二改")
    page.locator("#chat").get_by_role("button", name="发送").click()
    # The page shows the new words before they are asked.
    for _ in range(100):
        if len(advisor.asked) == 3:
            break
        page.wait_for_timeout(100)
    page.locator(".adv-foot").nth(1).wait_for()
    assert advisor.asked[-1] == ("二改", ("一",))
    assert page.locator("#chat [data-testid=user]").last.inner_text().strip() == "二改"


def test_retry_asks_the_same_again_from_the_same_point(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "一")
    advisor.done = scripted_done(answer="换一种说法")
    page.get_by_role("button", name="重试").click()
    page.get_by_text("换一种说法").wait_for()
    assert advisor.asked == [("一", ()), ("一", ())]


def test_a_follow_up_is_asked_by_a_click(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "一")
    page.get_by_role("button", name="换成 GLM-4 呢？").click()
    page.locator(".adv-foot").nth(1).wait_for()
    assert advisor.asked[-1] == ("换成 GLM-4 呢？", ("一",))


def test_an_example_is_asked_by_a_click(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    page.locator(".adv-examples.adv-zh button").first.click()
    page.locator(".adv-foot").wait_for()
    assert page.locator(".adv-examples.adv-zh button").count() == 0 or not page.locator(".adv-examples.adv-zh button").first.is_visible()
    assert len(advisor.asked) == 1


def test_a_thumb_and_its_reason_are_stored(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    ask(page, "反馈的问题")
    page.get_by_role("button", name="踩").first.click()
    page.locator("#reason textarea").fill("价格过时")
    page.get_by_role("button", name="发送").click()
    page.get_by_text("已记录").wait_for()
    records = list(Feedback(open_database(Settings(home=served[1]))).records())
    assert [(r["rating"], r["reason"], r["sources"][0]) for r in records if r["turns"] == ["反馈的问题"]] == [("down", "价格过时", "api-prices.md")]


def test_a_reloaded_page_keeps_its_conversation_and_citations(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "一")
    page.reload()
    page.locator(".adv-foot").wait_for()
    page.locator('#chat a[href*="#src-"]').first.click()
    page.locator(".adv-source mark").first.wait_for(state="visible")
    ask(page, "二", finished=2)
    assert advisor.asked[-1] == ("二", ("一",))


def test_a_source_stays_as_the_visitor_left_it_when_its_message_is_drawn_anew(visit: Visit, served: Served) -> None:
    redraw = "source => { const copy = source.cloneNode(true); copy.open = false; source.replaceWith(copy); }"
    page = visit(served[0])
    ask(page, "一")
    page.locator('#chat a[href*="#src-"]').first.click()
    source = page.locator(".adv-source").first
    source.evaluate(redraw)
    source.locator("mark").wait_for(state="visible")
    source.locator("summary").click()
    source.evaluate(redraw)
    source.locator("mark").wait_for(state="hidden")
    page.wait_for_timeout(300)
    assert not source.locator("mark").is_visible()


def test_two_visitors_never_see_each_other(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    first, second = visit(served[0]), visit(served[0])
    first.fill("#question textarea", "甲的问题")
    second.fill("#question textarea", "乙的问题")
    first.keyboard.press("Enter")
    second.keyboard.press("Enter")
    first.locator(".adv-foot").wait_for()
    second.locator(".adv-foot").wait_for()
    assert "乙的问题" not in first.locator("#chat").inner_text() and "甲的问题" not in second.locator("#chat").inner_text()
    assert sorted(advisor.asked) == sorted([("甲的问题", ()), ("乙的问题", ())])


def test_a_new_chat_is_empty_and_remembers_nothing(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "一")
    page.get_by_role("button", name="新对话").click()
    page.locator(".adv-welcome").wait_for()
    ask(page, "二")
    assert advisor.asked[-1] == ("二", ())


def test_a_failed_turn_says_so_and_the_next_one_works(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    from kb.errors import IndexMissingError

    advisor.failure = IndexMissingError("no index; run advisor ingest")
    page = visit(served[0])
    page.fill("#question textarea", "一")
    page.keyboard.press("Enter")
    page.get_by_text("run advisor ingest").wait_for()
    advisor.failure = None
    ask(page, "二")
    assert advisor.asked[-1] == ("二", ())


@pytest.mark.parametrize("size", [{"width": 390, "height": 844}, {"width": 1280, "height": 900}], ids=["phone", "desktop"])
def test_nothing_is_wider_than_the_screen(visit: Visit, served: Served, size: dict[str, int]) -> None:
    page = visit(served[0], viewport=size)
    ask(page, "一")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_keyboard_alone_reaches_a_citation(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    advisor.done = scripted_done()
    page = visit(served[0])
    ask(page, "一")
    page.locator('#chat a[href*="#src-"]').first.focus()
    page.keyboard.press("Enter")
    page.locator(".adv-source mark").first.wait_for(state="visible")


def test_the_answer_can_be_copied_with_its_sources(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    done: AnswerDone = advisor.done
    page = visit(served[0], permissions=["clipboard-read", "clipboard-write"])
    ask(page, "一")
    page.get_by_role("button", name="复制").click()
    page.get_by_text("已复制").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith(done.answer.splitlines()[0])


def test_a_calculator_follows_what_is_typed_draws_it_and_hands_it_to_the_chat(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    page.get_by_role("tab", name="计算器").click()
    page.get_by_role("tab", name="自建与 API").click()
    page.locator("#results-tco .adv-zh .adv-value").first.wait_for()
    assert page.locator("#results-tco .adv-zh svg.adv-svg").is_visible() and not page.locator("#results-tco .adv-en").is_visible()
    page.get_by_label("一次性投入").fill("75万")
    page.locator("#results-tco .adv-zh .adv-value", has_text="10 个月").wait_for()
    page.get_by_role("button", name="拿去对话里问").click()
    page.locator("#question textarea").wait_for(state="visible")
    assert "75万" in page.locator("#question textarea").input_value()


def test_the_catalog_is_compared_filtered_and_sorted(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    page.get_by_role("tab", name="模型目录").click()
    table = page.locator(".adv-overview:visible")
    table.wait_for()
    page.locator(".adv-filter:visible").fill("kimi k2")
    assert table.locator("tbody tr:visible th").all_inner_texts() == ["Kimi K2"]
    page.locator(".adv-filter:visible").fill("")
    table.locator(".adv-sort").first.click()
    rising = table.locator("tbody th").all_inner_texts()
    table.locator(".adv-sort").first.click()
    assert table.locator("tbody th").all_inner_texts() == rising[::-1]
    page.get_by_role("tab", name="并排对比").click()
    page.locator(".adv-compare:visible").wait_for()


def history(page: Any) -> list[str]:
    return [str(text) for text in page.locator("#history-list [data-open]").all_inner_texts()]


def test_past_conversations_are_listed_searched_opened_renamed_and_deleted(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    ask(page, "甲的价格")
    page.get_by_role("button", name="新对话").click()
    page.locator(".adv-welcome").wait_for()
    ask(page, "乙的显存")
    page.locator("#history-list [data-open]").nth(1).wait_for()
    assert history(page) == ["乙的显存", "甲的价格"]
    page.get_by_label("搜索历史对话").fill("价格")
    page.wait_for_function("document.querySelectorAll('#history-list [data-open]').length === 1")
    page.locator("#history-list [data-open]").click()
    page.locator("#chat [data-testid=user]", has_text="甲的价格").wait_for()
    assert page.locator('#chat a[href*="#src-"]').first.is_visible()
    ask(page, "那输出呢", finished=2)
    assert advisor.asked[-1] == ("那输出呢", ("甲的价格",)), "what was said before goes on"
    page.locator(".adv-menu > summary").click()
    page.get_by_label("标题").fill("采购 <b>预算</b>")
    page.get_by_role("button", name="重命名").click()
    page.locator(".adv-talk h2", has_text="采购 <b>预算</b>").wait_for()
    page.get_by_label("搜索历史对话").fill("")
    page.locator("#history-list [data-open]").nth(1).wait_for()
    assert history(page) == ["采购 <b>预算</b>", "乙的显存"]
    page.locator(".adv-menu > summary").click()
    page.locator(".adv-menu summary", has_text="删除").click()
    page.get_by_role("button", name="确认删除").click()
    page.locator(".adv-welcome").wait_for()
    page.wait_for_function("document.querySelectorAll('#history-list [data-open]').length === 1")
    assert history(page) == ["乙的显存"]


def test_a_conversation_is_exported_as_markdown_and_json(visit: Visit, served: Served, tmp_path: Path) -> None:
    page = visit(served[0])
    ask(page, "导出的问题")
    page.locator(".adv-menu > summary").click()
    for kind, name in (("md", "导出 Markdown"), ("json", "导出 JSON")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename == f"导出的问题.{kind}"
        download.value.save_as(tmp_path / kind)
    markdown = (tmp_path / "md").read_text(encoding="utf-8")
    assert "## 导出的问题" in markdown and QUOTE in markdown and "api-prices.md" in markdown
    (turn,) = json.loads((tmp_path / "json").read_text(encoding="utf-8"))["turns"]
    assert turn["question"] == "导出的问题" and turn["citations"][0]["quote"] == QUOTE


def test_another_browser_neither_lists_nor_opens_nor_exports_what_is_not_its_own(visit: Visit, served: Served) -> None:
    first, second = visit(served[0]), visit(served[0])
    ask(first, "只有我知道")
    first.locator(".adv-menu > summary").click()
    link = first.get_by_role("link", name="导出 JSON").get_attribute("href")
    assert first.request.get(urljoin(served[0] + "/", link)).status == 200 and second.request.get(urljoin(served[0] + "/", link)).status == 404
    # A browser that got hold of the other's token, too, is shown nothing.
    kept = first.evaluate("localStorage.getItem('advisor-conversation')")
    second.evaluate("(kept) => localStorage.setItem('advisor-conversation', kept)", kept)
    second.reload()
    second.locator(".adv-welcome").wait_for()
    assert history(second) == [] and "只有我知道" not in second.locator("body").inner_text()


def test_cost_against_volume_is_drawn_with_its_break_even_point(visit: Visit, served: Served) -> None:
    page = visit(served[0], locale="en-US")
    page.get_by_role("tab", name="Calculators").click()
    page.get_by_role("tab", name="Break-even volume").click()
    chart = page.locator("#results-volume .adv-en svg.adv-svg")
    chart.wait_for()
    assert chart.locator(".adv-note", has_text="break-even").is_visible() and chart.locator("polyline").count() == 2
    before = page.locator("#results-volume .adv-en .adv-value").inner_text()
    page.get_by_label("API price of 1M tokens").fill("36")
    page.wait_for_function("(before) => document.querySelector('#results-volume .adv-en .adv-value').innerText !== before", arg=before)
    page.get_by_role("tab", name="Sizing").click()
    page.locator("#results-sizing .adv-en .adv-stack").wait_for()
    assert page.locator("#results-sizing .adv-en .adv-legend li").count() == 3, "weights, KV cache and what is left"


def test_settings_are_kept_by_the_browser_and_reach_the_answers(visit: Visit, served: Served, advisor: ScriptedAdvisor) -> None:
    page = visit(served[0])
    page.get_by_role("tab", name="设置").click()
    page.locator("#weighed .adv-zh", has_text="未设权重").wait_for()
    page.get_by_label("上下文窗口").first.fill("60")
    page.keyboard.press("Tab")
    page.locator("#weighed .adv-zh", has_text="上下文窗口 60%、用途契合 40%").wait_for()
    page.locator("[data-colours=dark]").click()
    assert page.evaluate("document.body.classList.contains('dark')")
    page.reload()
    page.wait_for_function("document.body.classList.contains('dark')")
    page.locator("#question textarea").wait_for()
    ask(page, "选哪个？")
    assert advisor.weights[-1] == {"context_window": 0.6}
    page.get_by_role("tab", name="设置").click()
    page.locator("#weighed .adv-zh", has_text="上下文窗口 60%").wait_for()
    page.locator("[data-language=en]").click()
    page.get_by_role("tab", name="Settings").click()
    page.locator("#weighed .adv-en", has_text="context window 60%").wait_for()


def test_a_phone_folds_the_list_away_until_it_is_asked_for(visit: Visit, served: Served) -> None:
    page = visit(served[0], viewport={"width": 390, "height": 844})
    ask(page, "在手机上问")
    row = page.locator("#history-list [data-open]").first
    row.wait_for(state="attached")
    assert not row.is_visible()
    page.get_by_role("button", name="历史对话").click()
    row.wait_for(state="visible")
    row.click()
    row.wait_for(state="hidden")


def test_a_keyboard_alone_asks_opens_a_menu_and_changes_tabs(visit: Visit, served: Served) -> None:
    page = visit(served[0])
    page.locator("#question textarea").focus()
    page.keyboard.type("键盘问的")
    page.keyboard.press("Enter")
    page.locator(".adv-foot").wait_for()
    page.locator(".adv-menu > summary").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="重命名").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="重命名").wait_for(state="hidden")
    page.get_by_role("tab", name="对话").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("tab", name="API 费用").wait_for()
