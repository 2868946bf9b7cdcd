"""Choice by several criteria: the fit to the need beside the figures that the question puts first, with every weight shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from agent.tools.query import order_by
from agent.words import plain
from agent.work import Draft, Work
from kb.catalog.schema import Claim, Entity
from kb.catalog.show import value_text

_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Weighed:
    """An entity with its points (0..1) by criterion ("" is the fit to the need), their weighted sum, and the claims."""

    entity: Entity
    points: Mapping[str, float]
    total: float
    claims: Mapping[str, Claim]


def points_of(work: Work, entities: Sequence[Entity], field: str) -> dict[str, tuple[float, Claim]]:
    """Entity id -> 1 for the best of the field down towards 0, by place; apart by currency or unit. Nothing where it is not stated."""
    found: dict[str, tuple[float, Claim]] = {}
    for rows in order_by(work.catalog, entities, field, highest=work.field(field).better == "high").values():
        values = list(dict.fromkeys(r.value for r in rows))
        for row in rows:
            found[row.entity.id] = (1 - values.index(row.value) / len(values), row.claim)
    return found


def weigh(work: Work, fit: Mapping[str, float], entities: Sequence[Entity], weights: Mapping[str, float]) -> list[Weighed]:
    """All entities by weighted points, best first; the fit has what the fields leave of 1, or nothing where no need is said."""
    best = max(fit.values(), default=0.0)
    rest = 1 - sum(weights.values()) if best > 0 else 0.0
    scale = 1 / (sum(weights.values()) + rest)
    tables = {f: points_of(work, entities, f) for f in weights}
    found = []
    for entity in entities:
        points = {"": fit.get(entity.id, 0.0) / best} if best > 0 else {}
        claims = {}
        for field, table in tables.items():
            if entity.id in table:
                points[field], claims[field] = table[entity.id]
        total = sum(scale * (rest if f == "" else weights[f]) * p for f, p in points.items())
        found.append(Weighed(entity, points, total, claims))
    return sorted(found, key=lambda w: -w.total)


def weighed_answer(work: Work, fit: Mapping[str, float], entities: Sequence[Entity], weights: Mapping[str, float]) -> Draft | None:
    """The choice with a table of points by criterion and what is not stated; None where no entity has any of the figures."""
    ranked = weigh(work, fit, entities, weights)
    if not ranked or not any(w.claims for w in ranked):
        return None
    with_fit = any("" in w.points for w in ranked)
    share = 1 - sum(weights.values()) if with_fit else 0.0
    scale = 1 / (share + sum(weights.values()))
    criteria = [("", share)] if with_fit and share > 0 else []
    criteria += list(weights.items())
    names = {"": work.say("用途契合", "fit to the need"), **{f: work.label(f) for f in weights}}
    said = work.say("、", ", ").join(f"{names[f]} {_percent(work, s * scale)}" for f, s in criteria)
    best = [w for w in ranked if w.total >= ranked[0].total - 1e-9]
    chosen = work.say("、", ", ").join(w.entity.name for w in best[:3])
    lines = [
        work.say(f"按这些权重（{said}），首选 **{chosen}**。", f"By these weights ({said}), take **{chosen}**."),
        "",
        f"| {work.say('模型', 'Model')} | " + " | ".join(names[f] for f, _ in criteria) + f" | {work.say('总分', 'Total')} |",
        "|---" * (len(criteria) + 2) + "|",
    ]
    for item in (w for w in ranked[:_SHOWN] if w.total > 0):
        cells = [_cell(work, item, f) for f, _ in criteria]
        lines.append(f"| {item.entity.name} | {' | '.join(cells)} | {_points(work, item.total)} |")
    lines += [
        "",
        work.say(
            "- 分数 0–1：契合度按资料写的推荐、场景、优势算，最高者为 1；数字按名次折算，不同币种或单位分开排；资料没写的记 0 分。",
            "- Points 0-1: the fit is by stated recommendations, uses and strengths, the best being 1; figures count by their place, apart by currency or unit; what is not stated gets 0.",
        ),
        work.own_words(work.say("- 权重可以改，例如“价格权重 40%，其余看用途”。", "- Weights can be changed, e.g. “price weight 40%”.")),
    ]
    work.computed(Decimal(0), Decimal(1))
    work.tool(
        "weigh_models",
        {"weights": {f or "fit": round(s * scale, 3) for f, s in criteria}},
        {"ranked": [(w.entity.id, round(w.total, 3)) for w in ranked[:_SHOWN]]},
    )
    return Draft("\n".join(lines), entities=tuple(w.entity.id for w in best[:3]), fields=tuple(weights), intent="select")


def _percent(work: Work, share: float) -> str:
    value = Decimal(str(round(share * 100, 1)))
    work.computed(value)
    return f"{plain(value, 1)}%"


def _points(work: Work, points: float) -> str:
    value = Decimal(str(round(points, 2)))
    work.computed(value)
    return plain(value, 2)


def _cell(work: Work, item: Weighed, field: str) -> str:
    if field not in item.points:
        return work.say("资料未说", "not stated")
    shown = _points(work, item.points[field])
    claim = item.claims.get(field)
    if claim is None:
        return shown
    return f"{value_text(claim, work.field(field), work.language)} {work.cite(claim)}{work.say('（', ' (')}{shown}{work.say('）', ')')}"
