"""Small corpora for robustness suites: real documents, invented noise among them, documents written out in the suite.

Each is written to a folder and ingested into a data folder of its own, kept under a name that changes with its content.
"""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kb.errors import UsageError

_HERE = Path(__file__).parent
SHIPPED_DOCUMENTS = _HERE.parent / "kb" / "sources"


class Corpus(BaseModel):
    """`documents` are file names looked up in the shipped corpus or beside the suite; `noise` is the share of invented documents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    documents: list[str] = Field(default_factory=list)
    texts: dict[str, str] = Field(default_factory=dict)
    noise: float = Field(default=0.0, ge=0, lt=1)

    def files(self, beside: Path) -> dict[str, str]:
        """File name -> text of the whole corpus, noise included; the same every time."""
        files = {}
        for name in self.documents:
            path = next((folder / name for folder in (beside, SHIPPED_DOCUMENTS) if (folder / name).is_file()), None)
            if path is None:
                raise UsageError(f"{name}: no such document beside the suite ({beside}) or in the shipped corpus")
            files[name] = path.read_text(encoding="utf-8")
        files |= self.texts
        wanted = round(self.noise / (1 - self.noise) * len(files))
        return files | dict(noise_document(number) for number in range(wanted))


def load_corpora(suite: Path) -> dict[str, Corpus]:
    """The corpora of `NAME.corpora.yaml` beside a suite `NAME.jsonl`; none where there is no such file."""
    path = suite.with_suffix(".corpora.yaml")
    if not path.is_file():
        return {}
    try:
        return {name: Corpus.model_validate(entry) for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()}
    except (ValidationError, yaml.YAMLError, AttributeError) as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0]}; expected `name: {{documents, texts, noise}}`") from None


def noise_document(number: int) -> tuple[str, str]:
    """(file name, Markdown) of one invented document: two in three are about a model that does not exist."""
    parts = _parts()
    draw = random.Random(number)
    if number % 3 == 2:
        title, *sentences = parts["topics"][number // 3 % len(parts["topics"])]
        return f"noise-{number:03d}.md", f"# {title} {number}\n\n" + "\n\n".join(sentences) + "\n"
    name = f"{parts['names'][number % len(parts['names'])]} {1 + number // len(parts['names'])}.{draw.randint(0, 9)}"
    vendor, scene, strength = draw.choice(parts["vendors"]), draw.sample(parts["fields"], 2), draw.sample(parts["strengths"], 2)
    sign, code = draw.choice([("¥", "RMB"), ("$", "USD")])
    price = draw.randint(3, 90) / 10
    text = f"""# {name}（{vendor}）

{name} 由{vendor}开发，主要用于{scene[0]}和{scene[1]}。

## 能力

- {strength[0]}
- {strength[1]}

## API 价格

| 计费项 | {name} 单价（{code} / 百万 Tokens） |
| --- | --- |
| 输入 | {sign}{price:.2f} |
| 输出 | {sign}{price * draw.choice([2, 3, 4]):.2f} |

## 上下文

{name} 支持 {draw.choice([16, 48, 96, 160, 320])}K Tokens 上下文。
"""
    return f"noise-{number:03d}.md", text


def write_corpus(corpus: Corpus, beside: Path, under: Path) -> tuple[Path, Path]:
    """(documents, data folder) of a corpus under `under`; both are named after the content, so a changed corpus gets new ones."""
    files = corpus.files(beside)
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    documents, home = under / digest / "documents", under / digest / "home"
    documents.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        if not (documents / name).exists():
            (documents / name).write_text(text, encoding="utf-8")
    return documents, home


@lru_cache(maxsize=1)
def _parts() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / "suites" / "noise.yaml").read_text(encoding="utf-8"))
    return loaded
