"""The catalog as tables: what is known of every model, and up to five of them side by side, each value with its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from agent.conflicts import FoundConflict, find_conflicts
from agent.events import Language
from agent.verdicts import to_event
from channels.page.cards import conflict_html
from channels.page.safe import escape
from channels.page.words import both_languages, word
from kb.catalog.catalog import Catalog
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import claim_text, source_text, value_text

MAX_COMPARED = 5
COLUMNS_OF_WORDS, COLUMNS_OF_NUMBERS = 3, 3
_LONG_TYPES = {"text", "list"}


def compared(catalog: Catalog, names: Sequence[str]) -> str:
    """The chosen models side by side: a row for each field that any of them has a claim about; disagreements below."""
    chosen = [entity for name in list(names)[:MAX_COMPARED] for entity in catalog.find(name)[:1]]
    if not chosen:
        return ""
    found = find_conflicts(catalog, entities={entity.id for entity in chosen})
    clashes = {(entity, field) for conflict in found for entity in conflict.entities for field in conflict.fields}
    return both_languages(lambda language: _comparison(catalog, chosen, clashes, language) + _conflicts(catalog, found, language))


def overview(catalog: Catalog) -> str:
    """Every model with the fields that most of them have; the page's script sorts and filters the table."""
    models = models_best_known_first(catalog)
    fields = _overview_fields(catalog, models)
    found = find_conflicts(catalog, entities={entity.id for entity in models}, fields=set(fields))
    clashes = {(entity, field) for conflict in found for entity in conflict.entities for field in conflict.fields}
    return both_languages(lambda language: _overview_table(catalog, models, fields, clashes, language))


def models_best_known_first(catalog: Catalog) -> list[Entity]:
    """Models by how many fields the sources say something about."""
    models = [entity for entity in catalog.entities.values() if entity.kind == "model"]
    return sorted(models, key=lambda entity: -len(entity.claims))


def _overview_fields(catalog: Catalog, models: Sequence[Entity]) -> list[str]:
    """The fields that most models have, some in words and some in numbers."""
    counts = Counter(field for entity in models for field in entity.claims if catalog.fields[field].type not in _LONG_TYPES)
    numeric = {field for field in counts if any(isinstance(c.value, Decimal) for e in models for c in e.claims.get(field, ()))}
    ordered = [field for field, _ in counts.most_common()]
    words = [field for field in ordered if field not in numeric][:COLUMNS_OF_WORDS]
    return [*words, *[field for field in ordered if field in numeric][:COLUMNS_OF_NUMBERS]]


def _label(catalog: Catalog, field: str, language: Language) -> str:
    label = catalog.fields[field].label
    return label.zh if language == "zh" else label.en


def _comparison(catalog: Catalog, chosen: Sequence[Entity], clashes: set[tuple[str, str]], language: Language) -> str:
    head = "".join(f'<th scope="col">{escape(entity.name)}</th>' for entity in chosen)
    rows = []
    for field in catalog.fields:
        if any(entity.claims.get(field) for entity in chosen):
            cells = "".join(_cell(catalog, entity.claims.get(field, ()), (entity.id, field) in clashes, language) for entity in chosen)
            rows.append(f'<tr><th scope="row">{escape(_label(catalog, field, language))}</th>{cells}</tr>')
    table = f'<table class="adv-compare"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<div class="adv-scroll">{table}</div>'


def _cell(catalog: Catalog, claims: Sequence[Claim], clash: bool, language: Language) -> str:
    if not claims:
        return f'<td class="adv-none">{escape(word("not_stated", language))}</td>'
    items = "".join(
        f"<li>{escape(claim_text(claim, catalog, language, with_source=False))}<small>{escape(source_text(claim))}</small></li>"
        for claim in claims
    )
    mark = f'<b class="adv-clash" title="{escape(word("conflict", language))}">⚠</b>' if clash else ""
    return f"<td>{mark}<ul>{items}</ul></td>"


def _conflicts(catalog: Catalog, found: Sequence[FoundConflict], language: Language) -> str:
    return "".join(conflict_html(to_event(conflict, catalog, language), language) for conflict in found)


def _overview_table(
    catalog: Catalog, models: Sequence[Entity], fields: Sequence[str], clashes: set[tuple[str, str]], language: Language
) -> str:
    labels = [word("calc_model", language), word("vendor", language), *(_label(catalog, field, language) for field in fields)]
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button" class="adv-sort">{escape(label)}</button></th>' for label in labels
    )
    rows = "".join(_overview_row(catalog, entity, fields, clashes, language) for entity in models)
    filter_label = escape(word("filter", language))
    return (
        f'<input type="search" class="adv-filter" aria-label="{filter_label}" placeholder="{filter_label}">'
        f'<div class="adv-scroll"><table class="adv-overview"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _overview_row(catalog: Catalog, entity: Entity, fields: Sequence[str], clashes: set[tuple[str, str]], language: Language) -> str:
    vendor = catalog.vendors[entity.vendor].name if entity.vendor in catalog.vendors else entity.vendor
    cells = [f'<th scope="row">{escape(entity.name)}</th><td>{escape(vendor)}</td>']
    for field in fields:
        claims = entity.claims.get(field, ())
        mark = ' <b class="adv-clash">⚠</b>' if claims and (entity.id, field) in clashes else ""
        text = value_text(claims[0], catalog.fields[field], language) if claims else ""
        more = f"<small> +{len(claims) - 1}</small>" if len(claims) > 1 else ""
        cells.append(f'<td data-sort="{escape(_sort_key(claims))}">{escape(text)}{more}{mark}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _sort_key(claims: Sequence[Claim]) -> str:
    """Numbers sort within their unit: dollars are not mixed with yuan. Rows without a claim come last."""
    if not claims:
        return "~"
    value = claims[0].value
    return f"{claims[0].unit}|{value:030.6f}" if isinstance(value, Decimal) else str(value)
