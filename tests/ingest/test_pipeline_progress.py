"""What people see while documents are ingested."""

from __future__ import annotations

import io

from ingest.progress import BarReporter, LineReporter, Reporter, named, one_line, reporter_for


class Terminal(io.StringIO):
    """A stream somebody watches."""

    def isatty(self) -> bool:
        return True


def tell(reporter: Reporter) -> None:
    reporter.message("waiting for another writer")
    reporter.start(3)
    reporter.working("a.md", 0.5)
    reporter.finished("a.md", "added", 4)
    reporter.failed("b\nc.md", "the file is empty; expected text")
    reporter.stop()


def test_a_pipe_gets_one_line_a_document() -> None:
    stream = io.StringIO()
    reporter = reporter_for(stream)
    assert isinstance(reporter, LineReporter)
    tell(reporter)
    assert stream.getvalue() == (
        "waiting for another writer\n[1/3] added a.md (4 chunks)\n[2/3] failed b\\nc.md: the file is empty; expected text\n"
    )


def test_a_terminal_gets_a_bar_with_the_file_and_the_rate() -> None:
    stream = Terminal()
    reporter = reporter_for(stream)
    assert isinstance(reporter, BarReporter)
    tell(reporter)
    shown = stream.getvalue()
    assert "2/3" in shown and "docs/s" in shown
    assert "failed b\\nc.md: the file is empty" in shown


def test_names_cannot_write_to_the_terminal() -> None:
    assert one_line("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert named("a\x1b.md", "a\x1b.md: broken\nbadly") == "a\\x1b.md: broken\\nbadly"
