"""A model on loopback over the shipped corpus, or over a hostile one."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from openai_server import OpenAIServer, Script
from openai_server import Reply as Reply

from agent.events import AnswerDone, AnswerEvent
from agent.llm.advisor import LlmAdvisor
from agent.session import Conversation, open_advisor
from kb.settings import Settings

KEY = "sk-test-4f9a77c1d2e3"


class Desk:
    """An advisor with its scripted model."""

    def __init__(self, advisor: LlmAdvisor, server: OpenAIServer) -> None:
        self.advisor, self.server = advisor, server
        self.conversation = Conversation()
        self.events: list[AnswerEvent] = []

    def ask(self, question: str) -> AnswerDone:
        """The answer; `events` holds how it came."""
        self.events = list(self.advisor.answer(question, self.conversation))
        done = self.events[-1]
        assert isinstance(done, AnswerDone), done
        for event in self.events:
            assert KEY not in repr(event)
        return done

    @property
    def prompt(self) -> str:
        """What the model was told last."""
        return "\n".join(str(m["content"]) for m in self.server.asked[-1]["messages"])


Opened = Callable[..., Desk]


@pytest.fixture(scope="session")
def shared(shipped_index: Path) -> Iterator[tuple[LlmAdvisor, OpenAIServer]]:
    """One advisor and one server for all tests that need no settings of their own; opening an index takes a second."""
    with OpenAIServer(Reply("")).running() as server:
        advisor = _open(shipped_index, server)
        yield advisor, server
        advisor.close()


@pytest.fixture
def desk(shipped_index: Path, shared: tuple[LlmAdvisor, OpenAIServer]) -> Iterator[Opened]:
    """`desk(script, **settings)`: an advisor over the shipped corpus whose model says what the script tells it."""
    with ExitStack() as stack:

        def open_(script: Script | Any, home: Path = shipped_index, **settings: Any) -> Desk:
            if home == shipped_index and not settings:
                advisor, server = shared
                server.script = script
                server.asked.clear()
                server.headers.clear()
                server.first_piece_at = None
                return Desk(advisor, server)
            server = stack.enter_context(OpenAIServer(script).running())
            advisor = _open(home, server, **settings)
            stack.callback(advisor.close)
            return Desk(advisor, server)

        yield open_


def _open(home: Path, server: OpenAIServer, **settings: Any) -> LlmAdvisor:
    values: dict[str, Any] = {"llm_base_url": server.url, "llm_model": "scripted", "llm_api_key": KEY, "llm_timeout_s": 20.0}
    advisor = open_advisor(Settings(_env_file=None, home=home, **(values | settings)))
    assert isinstance(advisor, LlmAdvisor)
    return advisor


@pytest.fixture(scope="session")
def hostile_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of documents that give orders to whoever reads them."""
    root = Path(__file__).parent.parent
    spec = importlib.util.spec_from_file_location("hostile_documents", root / "agent" / "hostile_documents.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("hostile")
    module.build(folder / "documents")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_")} | {"ADVISOR_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "channels.cli.main", "ingest", str(folder / "documents")]
    done = subprocess.run(command, env=environment, cwd=root.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "home"
