"""The chat page under load: many visitors who ask at once, offline, beside one alone; errors, latency and the server's memory."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from itertools import cycle, islice
from pathlib import Path

from agent.session import TURN_FAILED
from eval.bench.page_visitor import Asked, LoadError, Visitor
from eval.bench.shipped import shipped_home
from eval.bench.tables import Table
from eval.stats import percentile

NAME = "page"
TURNS = 4
"""Questions of one conversation before the visitor begins another."""
_START_S = 600.0
_HEADER = ("visitors", "questions", "errors", "first text p50 s", "p50 s", "p95 s", "max s", "a second", "server CPU ms a question")
_ALONE = 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--users", type=int, default=50, metavar="N", help="visitors who ask at once (page)")
    parser.add_argument("--total", type=int, default=2000, metavar="N", help="questions they ask together (page)")
    parser.add_argument("--think-s", type=float, default=0.0, metavar="S", help="pause of a visitor between questions (page)")
    parser.add_argument("--answer-processes", type=int, default=1, metavar="N", help="as ADVISOR_ANSWER_PROCESSES (page)")
    parser.add_argument("--processors", type=int, default=2, metavar="N", help="processors of the server (page, Linux)")


def run(options: argparse.Namespace) -> list[Table]:
    """One visitor alone, then all of them; the server is a process of its own over the shipped corpus."""
    questions = suite_questions()
    with _server(shipped_home(options.work), options.processors, options.answer_processes) as (url, pid, log):
        table = Table("The page under load", _HEADER)
        memory = Table("Memory of the server", ["after questions", "page MB", "answering MB"])
        with asyncio.Runner() as runner:
            alone = runner.run(_arrive(url, 1))
            runner.run(_visits(alone, [questions[:8]], 0.0))  # loads what the first question waits for
            memory.rows.append(["8", *_resident_mb(pid)])
            began, cpu = time.perf_counter(), _cpu_s(pid)
            asked = runner.run(_visits(alone, [list(islice(cycle(questions), _ALONE))], 0.0))
            table.rows.append(_row("1", asked, time.perf_counter() - began, _cpu_s(pid) - cpu))
            memory.rows.append([str(8 + _ALONE), *_resident_mb(pid)])
            visitors = runner.run(_arrive(url, options.users))
            each = max(1, options.total // options.users // 4)
            asked = []
            began, cpu = time.perf_counter(), _cpu_s(pid)
            for part in range(4):
                begins = [7 * user + part * each for user in range(options.users)]
                plans = [list(islice(cycle(questions), begin, begin + each)) for begin in begins]
                asked += runner.run(_visits(visitors, plans, options.think_s))
                memory.rows.append([str(8 + _ALONE + len(asked)), *_resident_mb(pid)])
            table.rows.append(_row(str(options.users), asked, time.perf_counter() - began, _cpu_s(pid) - cpu))
            runner.run(_leave([*alone, *visitors]))
        failed = log.read_text(encoding="utf-8", errors="replace").count(TURN_FAILED)
    load = f"load average {os.getloadavg()[0]:.1f} at the end"
    table.notes.append(f"server on {options.processors} processor(s), offline, {options.answer_processes} answering processes")
    table.notes.append(f"visitors run on the same machine ({load})")
    table.notes.append(f"each visitor asks again {options.think_s:g} s after its answer, {TURNS} questions a conversation")
    table.notes.append("every second conversation begins on a page opened anew")
    table.notes.append(f"answers that failed on the server, in all: {failed}")
    table.notes += [f"error: {text}" for text in list(dict.fromkeys(a.error for a in asked if a.error))[:5]]
    return [table, memory]


def suite_questions() -> list[str]:
    """The questions of the shipped suite `advisor`, last turns only."""
    text = files("eval").joinpath("suites/advisor.jsonl").read_text(encoding="utf-8")
    return [json.loads(line)["turns"][-1] for line in text.splitlines() if line.strip()]


async def _arrive(url: str, count: int) -> list[Visitor]:
    return [await Visitor.arrive(url) for _ in range(count)]


async def _leave(visitors: Sequence[Visitor]) -> None:
    await asyncio.gather(*(visitor.leave() for visitor in visitors))


async def _visits(visitors: Sequence[Visitor], plans: Sequence[Sequence[str]], pause_s: float) -> list[Asked]:
    done = await asyncio.gather(*(_visit(visitor, plan, pause_s) for visitor, plan in zip(visitors, plans, strict=True)))
    return [asked for one in done for asked in one]


async def _visit(visitor: Visitor, questions: Sequence[str], pause_s: float) -> list[Asked]:
    asked = []
    for number, question in enumerate(questions):
        if number % TURNS == 0:
            visitor.start_over(new_page=number % (2 * TURNS) == 0)
        asked.append(await visitor.ask(question))
        if pause_s:
            await asyncio.sleep(pause_s)
    return asked


def _row(visitors: str, asked: Sequence[Asked], seconds: float, cpu_s: float) -> list[str]:
    good = [a for a in asked if not a.error]
    whole, first = [a.whole_s for a in good] or [0.0], [a.first_s for a in good] or [0.0]
    figures = [percentile(first, 0.5), percentile(whole, 0.5), percentile(whole, 0.95), max(whole)]
    rates = [f"{len(asked) / seconds:.1f}", f"{cpu_s / len(asked) * 1000:.0f}" if cpu_s else "-"]
    return [visitors, str(len(asked)), str(len(asked) - len(good)), *(f"{f:.2f}" for f in figures), *rates]


@contextmanager
def _server(home: Path, processors: int, answer_processes: int) -> Iterator[tuple[str, int, Path]]:
    """`advisor chat` over a data folder whose conversations start empty; its address, process id and log."""
    for path in home.glob("state.sqlite*"):
        path.unlink()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    variables = {k: v for k, v in os.environ.items() if not k.startswith("ADVISOR_LLM")} | {
        "ADVISOR_HOME": str(home),
        "ADVISOR_ANSWER_PROCESSES": str(answer_processes),
    }
    command = [sys.executable, "-m", "channels.cli.main", "chat", "--port", str(port)]
    log = home / "page-bench.log"
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=file)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:processors])
    try:
        began = time.monotonic()
        while b"is ready" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() - began > _START_S:
                raise LoadError(f"the page did not start; see {log}")
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process.pid, log
    finally:
        process.terminate()
        process.wait(timeout=60)


def _cpu_s(pid: int) -> float:
    """Processor time that a server and its answering processes have taken so far; 0 where the system does not tell."""
    ticks = 0
    for path in _processes(pid):
        with suppress(OSError):
            fields = (path / "stat").read_text(encoding="ascii", errors="replace").rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _resident_mb(pid: int) -> tuple[str, str]:
    """Memory of a server, and of its answering processes together, what they share counted in each; `-` where the system does not tell."""
    pages = []
    for path in _processes(pid):
        with suppress(OSError):
            pages.append(int((path / "statm").read_text(encoding="ascii").split()[1]))
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
    return (f"{pages[0] * page_mb:.0f}", f"{sum(pages[1:]) * page_mb:.0f}") if pages else ("-", "-")


def _processes(pid: int) -> list[Path]:
    """Where Linux tells about a process and its children."""
    found = [Path(f"/proc/{pid}")]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [Path(f"/proc/{child}") for child in path.read_text(encoding="ascii").split()]
    return found
