"""Who makes a model: the vendor of its entity, with the passage that names both."""

from __future__ import annotations

import re

from agent.answers.passages import clean, pieces
from agent.work import Draft, Work
from kb.catalog.schema import Entity
from kb.text import normalise

_ASKS = re.compile(
    r"是谁的(?:产品|模型|[?？。!！吗]|$)|谁的(?:产品|模型)|的(?:公司|厂家|东家)|属于(?:谁|哪)|归谁|哪家公司|哪个公司|哪家的|谁家的|谁做的|谁开发|谁出的|哪家出|开发商|厂商是|是哪家|出自哪|背后是|(?:who|which (?:company|vendor|firm)) (?:makes?|made|develops?|developed|owns?|is behind|built)|vendor of|maker of|made by",
    re.IGNORECASE,
)
_DEVELOPS = re.compile(r"由(?P<zh>[^，,。]{1,8}?)(?:开发|出品|研发)|是(?P<zh2>[^，,。不]{1,8}?)(?:开发|做|出)的|(?:made|developed|built|owned) by (?P<en>[A-Za-z]+)", re.IGNORECASE)


_OWNED = re.compile(r"是.{1,8}的(?:模型|产品|大模型)?(?:吗|吧|么|对吧|对吗)|\b(?:is|belongs?) .{1,30}(?:from|by|to)\b", re.IGNORECASE)


def answer_maker(work: Work) -> Draft | None:
    """The vendor of each named model; says so where the question supposes another one. None if no vendor is known."""
    question = work.question
    text = question.text
    supposed = [m for m in question.named if m.how == "vendor"]
    develops = _DEVELOPS.search(text)
    owned = supposed and _OWNED.search(text)
    if question.usage.has_volume or question.money or not (_ASKS.search(text) or develops or owned):
        return None
    stranger = next((g.strip() for g in develops.groups() if g), "") if develops and not supposed else ""
    if re.search(r"谁|哪|什么|who|which", stranger, re.IGNORECASE):
        stranger = ""
    named = [m for m in question.named if m.how != "vendor"]
    lines, touched = [], []
    for mention in named[:3]:
        entity = work.entity(mention.entities[0])
        vendor = work.catalog.vendors.get(entity.vendor)
        if entity.kind != "model" or vendor is None:
            continue
        wrong = [m.text for m in supposed if all(work.entity(i).vendor != entity.vendor for i in m.entities)]
        if stranger and normalise(stranger) not in normalise(" ".join([vendor.name, *vendor.aliases])):
            wrong = [stranger]
        no = work.say(f"不是 {wrong[0]}：", f"Not {wrong[0]}: ") if wrong else ""
        lines.append(no + made_by(work, entity))
        touched.append(entity.id)
    if not lines:
        return None
    work.tool("look_up", {"entities": touched, "fields": ["vendor"]}, {"answer": lines[0]})
    return Draft("\n".join(lines), entities=tuple(touched), intent="look_up")


def made_by(work: Work, entity: Entity) -> str:
    """Who makes an entity whose vendor is known, with the passage that says so."""
    vendor = work.catalog.vendors[entity.vendor]
    mark = _passage(work, entity, [vendor.name, *vendor.aliases])
    return work.say(f"**{entity.name}** 由 **{vendor.name}** 开发 {mark}。", f"**{entity.name}** is made by **{vendor.name}** {mark}.")


def _passage(work: Work, entity: Entity, makers: list[str]) -> str:
    names = [normalise(n) for n in (entity.name, *entity.aliases)]
    vendors = [normalise(v) for v in makers]
    for hit in work.search(f"{entity.name} {makers[0]}", 10):
        heading = normalise(f"{hit.chunk.title} {hit.chunk.section}")
        for piece in pieces(hit.chunk):
            low = normalise(piece)
            if any(n in low or n in heading for n in names) and any(v in low for v in vendors):
                return work.cite_chunk(hit.chunk, clean(piece) if clean(piece) in hit.chunk.text else piece)
    claims = [c for group in entity.claims.values() for c in group]
    return work.cite(claims[0]) if claims else ""
