"""The command line itself: errors and exit codes, help, and what is imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from channels.cli.main import COMMANDS, build_app, run
from kb.errors import AdvisorError, UsageError

HEAVY = ("torch", "chromadb", "gradio", "sentence_transformers", "llama_index", "onnxruntime", "tantivy", "numpy")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Exception]]:
    """`advisor ingest` raises what the list holds."""
    raised: list[Exception] = []

    def fail(*args: object, **options: object) -> None:
        raise raised[0]

    monkeypatch.setattr("kb.settings.get_settings", fail)
    yield raised


@pytest.mark.parametrize(("error", "code"), [(AdvisorError("one\ntwo"), 1), (UsageError("one\ntwo"), 2)])
def test_an_expected_failure_is_one_line_and_its_exit_code(
    failing: list[Exception], capsys: pytest.CaptureFixture[str], error: AdvisorError, code: int
) -> None:
    failing.append(error)
    assert run(["ingest"]) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "advisor: one two\n")


def test_debugging_shows_where_it_happened(
    failing: list[Exception], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing.append(AdvisorError("broken"))
    monkeypatch.setenv("ADVISOR_DEBUG", "1")
    assert run(["ingest"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_bug_is_not_dressed_up_as_a_failure(failing: list[Exception]) -> None:
    failing.append(KeyError("surprise"))
    with pytest.raises(KeyError):
        run(["ingest"])


def test_unknown_commands_and_options_are_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dance"]) == 2
    assert run(["ingest", "--nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_help_lists_the_commands_and_every_command_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    commands = [info.name or info.callback.__name__ for info in build_app().registered_commands if info.callback]
    assert {"ingest", "search", "ask", "doctor"} <= {*commands}
    for command in commands:
        assert command in shown


def test_help_imports_nothing_heavy() -> None:
    lines = [["--help"], *([name, "--help"] for name in COMMANDS)]
    program = (
        "import sys\n"
        "from channels.cli.main import run\n"
        f"for arguments in {lines!r}:\n"
        "    code = run(arguments)\n"
        f"    heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    if heavy or code not in (0, 2):\n"
        "        sys.exit(f'{arguments}: exit code {code}, imported {heavy}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
