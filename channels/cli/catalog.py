"""`advisor catalog`: what the catalog holds, whether it is sound, where it contradicts itself, and entries drafted from documents."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kb.errors import CatalogError, UsageError

if TYPE_CHECKING:
    from ingest.draft_review import Change, Coverage
    from kb.catalog.catalog import Catalog
    from kb.catalog.schema import CatalogFile, Claim

_HELP = """The model catalog: claims with sources, your own entries over the shipped ones.

\b
Examples:
  advisor catalog list --field input_price       every model that has an input price
  advisor catalog show "GPT-5.1"                 all claims about one model
  advisor catalog validate my-prices.yaml        check a file before using it
  advisor catalog conflicts                      claims that contradict each other
  advisor catalog export > catalog.csv           one row a claim
  advisor catalog import my-prices.csv           take rows into your own catalog
  advisor catalog draft docs/prices/             propose entries from documents, with a diff
  advisor catalog draft docs/prices/ --accept    take them into your own catalog
  advisor catalog draft docs/prices/ --missed    also what the catalog says and the documents do not
"""

_Json = Annotated[bool, typer.Option("--json", help="JSON on stdout.")]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; default: the setting ADVISOR_LANG, zh where that is auto.")]


def register(app: typer.Typer) -> None:
    """Adds the group `catalog` to the command line."""
    group = typer.Typer(no_args_is_help=True, help=_HELP, rich_markup_mode=None)
    group.command("list", help="Entities with their vendor and what is known of each.")(list_command)
    group.command("show", help="Every claim about one entity, with conditions, sources and conflicts.")(show_command)
    group.command("validate", help="Check catalog files; without FILE, the active catalog. Exit code 1 if anything is wrong.")(
        validate_command
    )
    group.command("conflicts", help="Claims that cannot all be right: what disagrees, both sources, the computed value.")(conflicts_command)
    group.command("export", help="All claims as CSV (or YAML) on stdout.")(export_command)
    group.command("import", help="Take a CSV (columns as `export` writes them) or YAML file into your own catalog.")(import_command)
    group.command("draft", help="Propose entries from documents' tables and sections, for review; --accept takes them as they are.")(
        draft_command
    )
    app.add_typer(group, name="catalog")


def _language(lang: str | None) -> Any:
    from kb.settings import get_settings

    chosen = lang or get_settings().lang
    if lang is not None and lang not in ("zh", "en"):
        raise UsageError(f"--lang {lang}; expected zh or en")
    return chosen if chosen in ("zh", "en") else "zh"


def _catalog() -> Catalog:
    from kb.catalog.load import load_catalog

    catalog = load_catalog()
    for warning in catalog.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return catalog


def list_command(
    field: Annotated[str | None, typer.Option("--field", help="Only entities with a claim in this field.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only model, plan, document, market, vendor or tool.")] = None,
    lang: _Lang = None,
    as_json: _Json = False,
) -> None:
    """Entities by id."""
    from kb.catalog.load import load_catalog
    from kb.catalog.show import value_text

    catalog = load_catalog()
    language = _language(lang)
    if field is not None and field not in catalog.fields:
        raise UsageError(f"--field {field}: no such field; expected one of: {', '.join(catalog.fields)}")
    rows = []
    for entity in catalog.entities.values():
        if (kind and entity.kind != kind) or (field and field not in entity.claims):
            continue
        vendor = catalog.vendors[entity.vendor].name if entity.vendor in catalog.vendors else entity.vendor
        origins = sorted({claim.origin for claims in entity.claims.values() for claim in claims})
        count = sum(map(len, entity.claims.values()))
        row: dict[str, Any] = {
            "id": entity.id,
            "name": entity.name,
            "kind": entity.kind,
            "vendor": vendor,
            "claims": count,
            "origins": origins,
        }
        if field:
            row["values"] = [value_text(claim, catalog.fields[field], language) for claim in entity.claims[field]]
        rows.append(row)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    width = max((len(row["id"]) for row in rows), default=2)
    for row in rows:
        extra = " / ".join(row["values"]) if field else f"{row['claims']} claims ({', '.join(row['origins'])})"
        print(f"{row['id']:{width}}  {row['name']}  {row['vendor'] or '-'}  {extra}")
    if not rows:
        print("nothing matches; `advisor catalog list` shows everything", file=sys.stderr)


def show_command(
    model: Annotated[str, typer.Argument(help="Id, name or alias, e.g. gpt-5.1 or 通义千问")], lang: _Lang = None, as_json: _Json = False
) -> None:
    """All claims of one entity."""
    from agent.conflicts import find_conflicts
    from agent.verdicts import to_event
    from kb.catalog.show import claim_text

    catalog = _catalog()
    language = _language(lang)
    found = catalog.find(model) or ((catalog.entities[model],) if model in catalog.entities else ())
    if not found:
        catalog.entity(model)
    for entity in found:
        conflicts = [to_event(one, catalog, language) for one in find_conflicts(catalog, entities={entity.id})]
        if as_json:
            claims = {field: [_claim_json(claim) for claim in group] for field, group in entity.claims.items()}
            verdicts = [{"about": one.about, "verdict": one.verdict} for one in conflicts]
            record = {"id": entity.id, "name": entity.name, "vendor": entity.vendor, "aliases": list(entity.aliases), "claims": claims}
            print(json.dumps(record | {"conflicts": verdicts}, ensure_ascii=False))
            continue
        vendor = catalog.vendors[entity.vendor].name if entity.vendor in catalog.vendors else "-"
        print(f"{entity.name} ({entity.id}), {vendor}; {', '.join(entity.aliases) or '-'}")
        for field, group in entity.claims.items():
            label = catalog.fields[field].label
            print(f"  {label.zh if language == 'zh' else label.en} ({field})")
            for claim in group:
                origin = "" if claim.origin == "catalog" else f" <{claim.origin}>"
                print(f"    {claim_text(claim, catalog, language)}{origin}")
        for conflict in conflicts:
            print(f"  ! {conflict.about}: {conflict.verdict}")


def _claim_json(claim: Claim) -> dict[str, Any]:
    from kb.catalog.export import value_cell

    data: dict[str, Any] = {"value": list(claim.value) if isinstance(claim.value, tuple) else value_cell(claim)}
    for name in ("unit", "about", "as_of", "as_written", "note", "source", "section", "origin", "file", "line", "quote"):
        if getattr(claim, name):
            data[name] = getattr(claim, name)
    if claim.when:
        data["when"] = dict(claim.when)
    if claim.approx:
        data["approx"] = True
    return data


def validate_command(files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", show_default=False)] = None) -> None:
    """Problems on stdout as file:line."""
    from kb.catalog.load import check_files, load_catalog

    if files:
        lost = [str(path) for path in files if not path.is_file()]
        if lost:
            raise UsageError(f"{lost[0]}: no such file; give the catalog files to check")
        problems, warnings = check_files(files)
    else:
        try:
            problems, warnings = [], list(load_catalog().warnings)
        except CatalogError as error:
            problems, warnings = str(error).split("\n"), []
    for problem in problems:
        print(problem)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)
    print(f"sound: {len(files)} files" if files else "sound: the active catalog", file=sys.stderr)


def conflicts_command(
    model: Annotated[list[str] | None, typer.Argument(help="Only about these (id, name or alias).", show_default=False)] = None,
    lang: _Lang = None,
    as_json: _Json = False,
) -> None:
    """All conflicts, found by comparing and recomputing."""
    from agent.conflicts import find_conflicts
    from agent.verdicts import to_event

    catalog = _catalog()
    language = _language(lang)
    ids: set[str] | None = None
    if model:
        ids = set()
        for name in model:
            ids |= {entity.id for entity in catalog.find(name)} or {catalog.entity(name).id}
    found = find_conflicts(catalog, entities=ids)
    if as_json:
        records = []
        for one in found:
            event = to_event(one, catalog, language)
            records.append(
                {
                    "kind": one.kind, "entities": list(one.entities), "fields": list(one.fields), "about": event.about,
                    "claims": [{"value": claim.value, "source": claim.source} for claim in event.claims], "verdict": event.verdict,
                    "computed": None if one.computed is None else {"value": str(one.computed), "unit": one.computed_unit},
                    "steps": list(one.steps),
                }
            )  # fmt: skip
        print(json.dumps(records, ensure_ascii=False))
        return
    for one in found:
        event = to_event(one, catalog, language)
        print(f"{event.about} [{one.kind}]\n  {event.verdict}")
        for claim in event.claims:
            print(f"  - {claim.value}  [{claim.source}]")
    print(f"{len(found)} conflicts", file=sys.stderr)


def export_command(
    model: Annotated[list[str] | None, typer.Argument(help="Only these (id, name or alias).", show_default=False)] = None,
    fmt: Annotated[str, typer.Option("--format", help="csv or yaml.")] = "csv",
) -> None:
    """Claims for a spreadsheet, or YAML to copy into your own catalog."""
    from kb.catalog.export import csv_to_yaml, to_csv

    if fmt not in ("csv", "yaml"):
        raise UsageError(f"--format {fmt}; expected csv or yaml")
    catalog = _catalog()
    ids = None
    if model:
        ids = {entity.id for name in model for entity in (catalog.find(name) or (catalog.entity(name),))}
    text = to_csv(catalog, entities=ids)
    sys.stdout.write(text if fmt == "csv" else csv_to_yaml(text, "export"))


def import_command(
    file: Annotated[Path, typer.Argument(help="A .csv or .yaml file.")],
    name: Annotated[str | None, typer.Option("--name", help="File name in your own catalog; default: the file's, as .yaml.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file of that name.")] = False,
) -> None:
    """Checks the file completely before anything is written."""
    from kb.catalog.export import csv_to_yaml
    from kb.catalog.load import overlay_folder

    if not file.is_file():
        raise UsageError(f"{file}: no such file; give a CSV or YAML file")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CatalogError(f"{file}:1: not UTF-8 text; expected UTF-8; save it again with that encoding") from None
    if file.suffix.lower() == ".csv":
        text = csv_to_yaml(text, file.name)
    elif file.suffix.lower() not in (".yaml", ".yml"):
        raise UsageError(f"{file}: {file.suffix or 'no extension'}; expected .csv or .yaml")
    target = overlay_folder() / f"{Path(name or file.name).stem}.yaml"
    _take(target, text, force=force)


def _take(target: Path, text: str, *, force: bool) -> None:
    """Writes a file into the overlay only if the whole catalog is sound with it."""
    import tempfile

    from kb.catalog.export import write_overlay
    from kb.catalog.load import check_files

    if target.exists() and not force:
        raise UsageError(f"{target} exists; expected a new name; choose one with --name, or replace it with --force")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / target.name
        trial.write_text(text, encoding="utf-8")
        others = [path for path in target.parent.glob("*.yaml") if path != target] if target.parent.is_dir() else []
        problems, warnings = check_files([*others, trial])
    if problems:
        raise CatalogError("\n".join(problem.replace(str(trial), target.name) for problem in problems))
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    write_overlay(target.parent, target.name, text)
    print(f"written: {target}; `advisor ingest` makes it searchable", file=sys.stderr)


def draft_command(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Documents or folders.")],
    accept: Annotated[bool, typer.Option("--accept", help="Write the draft into your own catalog as it is.")] = False,
    name: Annotated[str, typer.Option("--name", help="File name in your own catalog.")] = "drafted.yaml",
    missed: Annotated[bool, typer.Option("--missed", help="Also show what the catalog says and the draft does not.")] = False,
    as_json: _Json = False,
) -> None:
    """YAML on stdout, the diff on stderr."""
    from ingest.draft_review import changes, coverage, draft_files, merge_drafts, onto_catalog, to_yaml
    from ingest.scan import scan_paths
    from kb.catalog.load import load_catalog, overlay_folder

    scan = scan_paths([str(path) for path in paths])
    sources = {found.file: found.name for found in scan.found if found.file is not None}
    drafts, failed, read = draft_files(list(sources), sources)
    failed += [(source, error) for _, source, error in scan.failed]
    for source, error in failed:
        print(f"failed: {source}: {error}", file=sys.stderr)
    catalog = load_catalog()
    merged = merge_drafts(drafts)
    if merged is None:
        print(f"nothing to propose: {read} documents read, no model names with facts in tables, headings or lists", file=sys.stderr)
        raise typer.Exit(3 if failed else 0)
    merged = onto_catalog(merged, catalog)
    found_changes = changes(merged, catalog)
    text = to_yaml(merged, ", ".join(str(path) for path in paths))
    covered = coverage(merged, catalog) if missed else None
    _report(merged, found_changes, text, as_json=as_json, failed=failed, covered=covered)
    if accept:
        _take(overlay_folder() / f"{Path(name).stem}.yaml", text, force=True)
    raise typer.Exit(3 if failed else 0)


def _report(
    draft: CatalogFile, found: list[Change], text: str, *, as_json: bool, failed: list[tuple[str, str]], covered: list[Coverage] | None
) -> None:  # fmt: skip
    from collections import Counter
    from dataclasses import asdict

    if as_json:
        record = {
            "entities": [entity.model_dump(mode="json", exclude_defaults=True) for entity in draft.entities],
            "changes": [asdict(change) for change in found],
            "failed": [{"source": source, "error": error} for source, error in failed],
        }
        if covered is not None:
            record["coverage"] = [asdict(one) for one in covered]
        print(json.dumps(record, ensure_ascii=False))
        return
    sys.stdout.write(text)
    signs = {"new": "+", "differs": "~", "same": " "}
    for change in found:
        if change.kind != "same":
            known = f"  (catalog: {change.known})" if change.known else ""
            print(
                f"{signs[change.kind]} {change.entity}  {change.field}: {change.value[:100]}{known}  [{change.source}:{change.line}]",
                file=sys.stderr,
            )
    for one in covered or ():
        print(f"{one.field:20} {one.found:4} of {one.total:4} of the catalog's statements are in the draft", file=sys.stderr)
        for entity, value, source in one.missed:
            print(f"    missed: {entity}: {value[:100]}  [{source}]", file=sys.stderr)
    counts = Counter(change.kind for change in found)
    summary = ", ".join(
        f"{counts[kind]} {label}"
        for kind, label in (("new", "new"), ("differs", "different from the catalog"), ("same", "known"))
        if counts[kind]
    )
    print(f"{len(draft.entities)} entities, {len(found)} claims: {summary}", file=sys.stderr)
