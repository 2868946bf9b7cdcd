"""The house's structure: imports point one way, importing is light, and what is packaged is what is there."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("kb", "ingest", "agent", "channels", "eval")
MAY_IMPORT = {
    "kb": {"kb"},
    "ingest": {"kb", "ingest"},
    "agent": {"kb", "agent"},
    "chat_app": {"kb", "agent", "channels"},
    "channels": {"kb", "agent", "channels", "chat_app"},
    # The command line and the suites reach every room.
    "channels/cli": {"kb", "agent", "channels", "chat_app", "ingest", "eval"},
    "eval": {"kb", "agent", "ingest", "eval"},
}
HEAVY = {
    "chromadb",
    "gradio",
    "llama_index",
    "nltk",
    "numpy",
    "onnx",
    "onnxruntime",
    "openai",
    "pandas",
    "pdfplumber",
    "psycopg",
    "pymilvus",
    "ray",
    "sentence_transformers",
    "tantivy",
    "torch",
    "transformers",
}


def modules() -> list[Path]:
    return [ROOT / "chat_app.py", *(path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))]


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    if relative.parts[:2] == ("channels", "cli"):
        return "channels/cli"
    return relative.parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """Our own packages that a module imports anywhere in it, also inside functions and as strings of `import_module`."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            rooms |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            rooms.add(node.module.split(".")[0])
    return rooms & {*PACKAGES, "chat_app", "tests"}


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_only_from_below(path: Path) -> None:
    assert imported_rooms(path) <= MAY_IMPORT[room_of(path)]


def test_folders_are_two_levels_deep_at_most() -> None:
    deep = [path for path in modules() if len(path.relative_to(ROOT).parts) > 3]
    assert deep == []


def test_packages_listed_are_the_packages_that_exist() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    found = {".".join(path.relative_to(ROOT).parent.parts) for path in modules() if len(path.relative_to(ROOT).parts) > 1}
    assert listed == found


def test_every_package_folder_has_an_init_file() -> None:
    assert [path for path in modules() if path.name != "chat_app.py" and not (path.parent / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    "statement", ["import channels.cli.main as m; m.build_app()", "import agent.session", "import kb.catalog.load", "import agent.events"]
)
def test_importing_does_not_drag_in_anything_heavy(statement: str) -> None:
    code = f"import sys; {statement}; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_constraints_pin_every_direct_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(item for group in project["optional-dependencies"].values() for item in group)]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    missing = []
    for requirement in wanted:
        name = requirement.split(";")[0]
        for sign in "<>=!~[ ":
            name = name.split(sign)[0]
        if name.lower().replace("_", "-") not in pinned and name != "llm-advisor":
            missing.append(name)
    assert missing == []


def test_constraints_name_no_machine() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert not any(word in text for word in ("://", " @ ", "+cpu", "file:"))
