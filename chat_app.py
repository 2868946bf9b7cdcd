"""The chat page: maps answer events to widgets and holds no logic. Importing this module launches nothing."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read by gradio when it is imported: it must not call home
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000")  # a summary that nothing here shows, made after every event otherwise
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "100")  # and what it would be made of

import gradio as gr  # noqa: E402
from gradio.events import api  # noqa: E402

from channels.page.accounts import Gate  # noqa: E402
from channels.page.backend import Backend, NotAllowedError, active_catalog  # noqa: E402
from channels.page.calculators_tab import calculators_tab  # noqa: E402
from channels.page.catalog_tab import catalog_tab  # noqa: E402
from channels.page.chat_events import parallel_answers  # noqa: E402
from channels.page.chat_tab import both, chat_tab  # noqa: E402
from channels.page.documents_tab import documents_tab  # noqa: E402
from channels.page.front import Front, House  # noqa: E402
from channels.page.library_job import LibraryJob  # noqa: E402
from channels.page.page import Page  # noqa: E402
from channels.page.quality_job import Controls, EvaluationJob  # noqa: E402
from channels.page.quality_tab import quality_tab  # noqa: E402
from channels.page.settings_tab import kept_settings, settings_tab  # noqa: E402
from channels.page.signin import SignIn, session_secret  # noqa: E402
from channels.page.visitors import USER_KEY, owner_of, user_of  # noqa: E402
from channels.page.words import translations, word  # noqa: E402
from kb.errors import AdvisorError  # noqa: E402

_QUEUE_LOOK_S = 0.01
"""The framework looks into its queue as often; its own millisecond keeps a processor busy beside the answers."""
PAGE_FOLDER = Path(__file__).parent / "channels" / "page"


def build_page(backend: Backend) -> gr.Blocks:
    """The page with its events. `launch` it with `launch_page`, which adds colours, words and safety settings."""
    words = gr.I18n(**translations())
    page = Page(title=f"{word('title', 'zh')} · {word('title', 'en')}", analytics_enabled=False, fill_height=True)
    with page:
        gr.HTML(_header(), padding=False)
        with gr.Tabs(selected="chat", elem_id="tabs") as tabs:
            with gr.Tab(words("tab_chat"), id="chat"):
                kept = kept_settings()
                box = chat_tab(backend, words, kept)
            with gr.Tab(words("tab_calculators"), id="calculators") as calculators:
                calculators_tab(backend.choices, words, tabs, calculators, box)
            with gr.Tab(words("tab_catalog"), id="catalog") as catalog:
                catalog_tab(active_catalog, words, catalog)
            if backend.library is not None:
                with gr.Tab(words("tab_documents"), id="documents") as documents:
                    job = LibraryJob(backend.uploads) if backend.uploads is not None else None
                    documents_tab(backend.library, words, documents, job, backend.is_maintainer)
            with gr.Tab(words("tab_quality"), id="quality") as quality:
                quality_tab(Controls(EvaluationJob(backend.home), backend.is_maintainer), words, quality)
            with gr.Tab(words("tab_settings"), id="settings") as settings:
                settings_tab(backend, words, settings, kept)
        api(_api_answer(backend), api_name="chat", concurrency_limit=parallel_answers(backend.settings), concurrency_id="answer")
    # Everybody who waits is told their place at intervals: told after each answer, all would be told so often that none were answered.
    page.queue(max_size=256, default_concurrency_limit=parallel_answers(backend.settings), api_open=False, status_update_rate=5)
    page._queue.sleep_when_free = _QUEUE_LOOK_S
    return page


def _api_answer(backend: Backend) -> Callable[..., str]:
    def chat(question: str, request: gr.Request) -> str:
        """Answer one question, in a conversation of its own, as Markdown with its sources."""
        user = user_of(request)
        try:
            backend.admit_program(user)
            wait_s = backend.wait_s(owner_of(request), user)
            if wait_s:
                raise NotAllowedError(f"Too many questions; try again in {math.ceil(wait_s)} s.")
            return backend.answer_once(question)
        except AdvisorError as error:
            raise gr.Error(str(error), print_exception=False) from None

    # The framework reads real types, and these annotations are strings.
    chat.__annotations__ = {"question": str, "request": gr.Request, "return": str}
    return chat


def house_of(backend: Backend, *, language: str = "auto", gate: Gate | None = None) -> House:
    """What stands before the page: who may come in, and the files of conversations."""
    secret = session_secret(backend.settings) if gate is not None else b""
    return House(language, SignIn(gate, backend.keys, secret), backend.exported, backend.is_maintainer, backend.uploads)


def serving_options(house: House) -> dict[str, Any]:
    """What `launch` and `mount_gradio_app` have to be told alike: safety, colours, words, and what stands before the page."""
    from starlette.middleware import Middleware

    return {
        "auth_dependency": lambda request: request.scope.get(USER_KEY, ""),
        "footer_links": [],
        "run_history": False,
        "allowed_paths": [],
        "max_file_size": "1mb",
        "enable_monitoring": False,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "show_error": False,
        "i18n": gr.I18n(**translations()),
        "theme": _theme(),
        "css_paths": [PAGE_FOLDER / "page.css"],
        "app_kwargs": {"docs_url": None, "redoc_url": None, "openapi_url": None, "middleware": [Middleware(Front, house=house)]},
    }


def launch_page(page: gr.Blocks, host: str, port: int, house: House | None = None, *, block: bool = False) -> str:
    """Serve the page and return its address. Without a gate in `house` the caller must have made sure that `host` is loopback."""
    _, url, _ = page.launch(
        server_name=host,
        server_port=port,
        share=False,
        quiet=True,
        inbrowser=False,
        strict_cors=True,
        state_session_capacity=page.state_session_capacity,
        prevent_thread_lock=not block,
        **serving_options(house or House()),
    )
    return str(url)


def mount_page(app: Any, page: gr.Blocks, host: str, port: int, house: House) -> None:
    """The same page as a part of a FastAPI application, at its root: what the application has of its own goes first."""
    gr.mount_gradio_app(app, page, path="/", server_name=host, server_port=port, **serving_options(house))


def _theme() -> gr.themes.Base:
    from gradio.themes.utils.fonts import Font

    # Fonts of the visitor's own system: a named web font would be asked of another host.
    faces = ["system-ui", "-apple-system", "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"]
    mono = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Noto Sans Mono CJK SC", "monospace"]
    return gr.themes.Soft(
        primary_hue="blue",
        secondary_hue="blue",
        neutral_hue="slate",
        radius_size="md",
        font=[Font(name) for name in faces],
        font_mono=[Font(name) for name in mono],
    ).set(
        body_background_fill="*background_fill_primary",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_title_background_fill="none",
        block_title_background_fill_dark="none",
        block_title_text_color="*body_text_color",
        block_title_text_color_dark="*body_text_color",
        block_title_text_weight="500",
        block_title_padding="0",
        block_title_border_width="0px",
        input_border_width="1px",
        input_border_width_dark="1px",
        input_shadow="none",
        block_shadow="none",
        block_padding="6px 2px",
        button_secondary_shadow="none",
        button_secondary_border_color="*border_color_primary",
        input_border_color="*neutral_300",
        button_secondary_background_fill_dark="*background_fill_secondary",
    )


def _header() -> str:
    return (
        f'<header class="adv-head"><div class="adv-grow"><h1>{both("title")}</h1><p>{both("tagline")}</p></div>'
        '<button type="button" class="adv-language" aria-label="中文 / English"><span class="adv-zh">English</span>'
        '<span class="adv-en">中文</span></button>'
        '<button type="button" class="adv-colours" aria-label="Light / dark 浅色 / 深色">◐</button></header>'
    )
