"""Drafting from letters, memos, quotations and pages as other companies write them: every fact is taken, and nothing false."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from draft_letters import FACTS, build

from ingest.draft import draft_claims
from ingest.draft_names import EntityDraft
from ingest.parse import parse_file
from kb.catalog.load import load_catalog
from kb.catalog.schema import ClaimRecord
from kb.catalog.values import typed_value

FIELDS = load_catalog(folders=[]).fields
READ = ("input_price", "output_price", "context_window", "openness", "self_host", "distillation", "license", "country", "latency")


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, set[str]]]:
    """By document and model, every claim as `FACTS` writes it."""
    return {
        path.name: {entity.name: set(facts(entity)) for entity in draft_claims(parse_file(path, path.name))}
        for path in build(tmp_path_factory.mktemp("letters"))
    }


def facts(entity: EntityDraft) -> list[str]:
    found = [f"vendor={entity.vendor}"] if entity.vendor else []
    found += [written(field, claim) for field in READ for claim in entity.claims.get(field, [])]
    return found + [
        f"channels={'/'.join(map(str, claim.value))}" for claim in entity.claims.get("channels", []) if isinstance(claim.value, list)
    ]


def written(field: str, claim: ClaimRecord) -> str:
    typed = typed_value(FIELDS[field], claim)
    value = f"{typed.value.normalize():f}" if isinstance(typed.value, Decimal) else str(typed.value)
    unit = typed.unit.replace("/1M token", "") if typed.unit not in ("token", "ms") else ""
    when = " ".join(f"{key}{text}" if key == "context_tokens" else text for key, text in claim.when.items())
    return f"{field}={value}{f' {unit}' if unit else ''}{f' @{when}' if when else ''}"


@pytest.mark.parametrize("name", FACTS)
def test_every_fact_of_a_document_is_drafted_and_no_other(drafted: dict[str, dict[str, set[str]]], name: str) -> None:
    assert drafted[name] == {model: set(text.split("; ")) for model, text in FACTS[name].items()}


def test_every_document_was_checked(drafted: dict[str, dict[str, set[str]]], tmp_path: Path) -> None:
    assert set(drafted) == set(FACTS)
