"""`python -m eval.bench [NAME...]`: runs benchmarks and prints their tables. Without a name, those that need no file."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

from platformdirs import user_cache_path

from kb.errors import AdvisorError

BENCHES = ("startup", "ingest", "latency", "embedding", "retrieval", "refusal", "scale", "files", "page")
"""A benchmark is a module here with `NAME`, `add_options(parser)` and `run(options) -> list[Table]`."""

DEFAULT = ("startup", "ingest", "latency", "embedding")

_MODULES = {"ingest": "ingest_speed", "files": "many_files"}
_EPILOG = """examples:
  python -m eval.bench                                              start-up, ingestion, latency, embedding, on the shipped corpus
  python -m eval.bench retrieval refusal --cmrc trial.json --rgb zh.jsonl --distractors news.txt
  python -m eval.bench files --files news.txt --sizes 200 2000
  python -m eval.bench page --users 50 --total 2000
  python -m eval.bench scale --texts news.txt --chunks 1000 100000 --fake-vectors
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs what was asked for; returns the exit code."""
    modules: dict[str, ModuleType] = {name: import_module(f"eval.bench.{_MODULES.get(name, name)}") for name in BENCHES}
    parser = argparse.ArgumentParser(
        prog="python -m eval.bench", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(BENCHES)} (default: {', '.join(DEFAULT)})")
    parser.add_argument("--work", type=Path, default=user_cache_path("llm-advisor") / "bench", help="where benchmark indexes are kept")
    parser.add_argument("--no-torch", dest="torch", action="store_false", help="leave out what needs PyTorch, the baseline among it")
    parser.add_argument("--json", action="store_true", help="one JSON object a table")
    for module in modules.values():
        module.add_options(parser)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown:
        parser.error(f"unknown benchmark {unknown[0]!r}; expected any of {', '.join(BENCHES)}")
    try:
        for name in options.names or DEFAULT:
            tables = modules[name].run(options)
            if not tables:
                print(f"{name}: nothing to measure without a file, see --help", file=sys.stderr)
            for table in tables:
                print(table.as_json() if options.json else table.markdown(), flush=True)
    except AdvisorError as error:
        print(f"bench: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
