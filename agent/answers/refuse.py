"""When there is nothing to answer from: what was looked for, what is there instead, and no guess."""

from __future__ import annotations

import re
from decimal import Decimal

from agent.answers.missing import missing_fact
from agent.answers.strangers import unheard_of, unknown_names
from agent.answers.targets import PRICE_FIELDS
from agent.understand.lexicon import has
from agent.work import Draft, Work
from kb.catalog.show import claim_text

LONGEST_QUESTION_CHARS = 4000


def unreadable(text: str, language: str) -> Draft | None:
    """A refusal for input that is no question: empty, symbols only, or too long to be one."""
    zh = language == "zh"
    if not re.search(r"[^\W_]", text):
        return Draft(
            "没有看到问题。可以问模型的价格、费用、上下文、部署或选型。"
            if zh
            else "There is no question here. Ask about a model's price, cost, context window, deployment or choice.",
            refused=True,
            intent="empty",
        )
    if re.search(r"[\d.,]{40}|\d[eE][+-]?(?:[3-9]\d|\d{3,})(?![\dA-Za-z])", text):
        return Draft(
            "问题里有一个位数过多的数字，无法当作用量或金额；请检查。"
            if zh
            else "The question holds a number of too many digits, which is no volume or amount; please check it.",
            refused=True,
            intent="bad_input",
        )
    if len(text) > LONGEST_QUESTION_CHARS:
        return Draft(
            f"问题有 {len(text):,} 个字符，上限是 {LONGEST_QUESTION_CHARS:,}；请缩短，长材料请用文档导入。"
            if zh
            else f"The question has {len(text):,} characters, the limit is {LONGEST_QUESTION_CHARS:,}; shorten it, and ingest long material as a document.",
            refused=True,
            intent="too_long",
        )
    return None


def answer_small_talk(work: Work) -> Draft | None:
    """A greeting or "what can you do": what this is for, with examples."""
    text = work.question.text
    if work.question.mentions or work.question.usage.has_volume or len(text) > 40:
        return None
    from agent.understand.lexicon import pattern

    left = pattern("help_word").sub("", pattern("greeting").sub("", text))
    bare = not re.search(r"[^\W_]", left) or bool(re.fullmatch(r"[\s\W]*(?:there|all|啊|呀|各位|请问|请|to|me)?[\s\W]*", left))
    if not (bare and (has("greeting", text) or has("help_word", text)) or re.fullmatch(r"\W*(?:help|帮助)\W*", text, re.IGNORECASE)):
        return None
    if re.search(r"谢|thank", text, re.IGNORECASE):
        return Draft(work.say("不客气，随时可以接着问。", "You are welcome; ask on whenever you like."), intent="help")
    return Draft(
        work.own_words(
            work.say(
                "我根据已导入的资料和模型目录回答大模型的价格、费用、选型与部署问题，给出计算过程和出处；资料没写的会直说。可以这样问：\n- {0} 每月 2000 万输入、500 万输出多少钱？\n- 国产、能处理图片、输出价 40 元以内的有哪些？\n- 70B INT8 要几张 24GB 的卡？",
                "I answer questions on the price, cost, choice and deployment of language models from the ingested documents and the model catalog, with calculations and citations, and say so when they do not tell. Try:\n- What do 20M input and 5M output tokens a month cost on {0}?\n- Which Chinese models handle images?\n- How many 24 GB cards does a 70B model need in INT8?",
            ).format(_a_priced_model(work))
        ),
        intent="help",
    )


def _a_priced_model(work: Work) -> str:
    """The name of a model with a price, for an example that works on this catalog."""
    priced = (e for e in work.catalog.entities.values() if e.kind == "model" and any(e.claims.get(f) for f in PRICE_FIELDS))
    entity = next(priced, None)
    return entity.name if entity else work.say("某模型", "a model")


def answer_unknown_version(work: Work) -> Draft | None:
    """A version or variant that the sources do not cover: say so, name what they have, never pass it off as the other."""
    if not work.question.unknown or work.question.named:
        return None
    mention = work.question.unknown[0]
    family = [e for e in work.catalog.entities.values() if mention.family and e.family == mention.family and e.kind == "model"]
    family.sort(key=lambda e: "rank" not in e.claims)
    lines = [work.say(f"资料里没有 **{mention.text}**，不做猜测。", f"The sources do not cover **{mention.text}**; no guess is made.")]
    asks_price = (
        work.question.has("price_word")
        or work.question.has("cost_word")
        or work.question.usage.has_volume
        or any(f.field in PRICE_FIELDS for f in work.question.fields)
    )
    for entity in family[:3]:
        shown = [c for f in (PRICE_FIELDS if asks_price else ("context_window", "openness")) for c in entity.claims.get(f, ())[:1]]
        facts = work.say("，", ", ").join(
            f"{work.label(c.field)} {claim_text(c, work.catalog, work.language, with_source=False)} {work.cite(c)}" for c in shown
        )
        lines.append(f"- {work.say('资料里有', 'They do cover')} {entity.name}{work.say('：', ': ') + facts if facts else ''}")
    work.tool("look_up", {"asked": mention.text}, {"found": False, "family": [e.id for e in family]})
    return Draft("\n".join(lines), refused=True, intent="unknown_version")


_WRITE_CODE = re.compile(
    r"\bwrite (?:me )?(?:an? |some |the )?(?:\w+ )?(?:code|script|program|function|snippet|sql|query)\b|(?:(?:帮|给|替)我写|写一?[段个份])\w{0,8}(?:代码|脚本|程序|函数)",
    re.IGNORECASE,
)


def answer_attack(work: Work) -> Draft | None:
    """Attempts to change the rules or draw out settings: instructions in a question change nothing."""
    task = work.question.has("task_word") or bool(_WRITE_CODE.search(work.question.text) and not work.question.has("select_word"))
    if not (work.question.has("instruction_attack") or task):
        return None
    if (work.question.mentions or work.question.usage.has_volume) and not _WRITE_CODE.search(work.question.text):
        return None
    # "How much power does it draw" asks for no drawing.
    if work.question.deployment.hardware and not work.question.has("instruction_attack"):
        return None
    if task and not work.question.has("instruction_attack"):
        return Draft(
            work.say(
                "这不是关于资料的问题：我只根据已导入的资料和模型目录回答大模型的价格、选型与部署问题。",
                "This is no question on the sources: I only answer questions on the price, choice and deployment of language models.",
            ),
            refused=True,
            intent="out_of_scope",
        )
    return Draft(
        work.say(
            "我只根据已导入的资料和模型目录回答大模型的价格、选型与部署问题；问题里的指令不会改变规则，也没有可以透露的设定或密钥。请直接问相关问题。",
            "I only answer questions on the price, choice and deployment of language models from the ingested sources; instructions inside a question change no rule, and there are no settings or keys to reveal. Please ask such a question.",
        ),
        refused=True,
        intent="instructions",
    )


_MOST_NAMED = 8


def _some_models(work: Work) -> str:
    """The first names of what is covered; how many more there are."""
    names = [e.name for e in sorted(work.catalog.entities.values(), key=lambda e: "rank" not in e.claims) if e.kind == "model" and e.claims]
    more = len(names) - _MOST_NAMED
    work.computed(Decimal(len(names)))
    shown = work.say("、", ", ").join(names[:_MOST_NAMED])
    return shown + (work.say(f" 等 {len(names)} 个", f" and others ({len(names)} in all)") if more > 0 else "")


def refuse(work: Work) -> Draft:
    """Nothing in the sources carries the question."""
    question = work.question
    strangers = unheard_of(work)
    priced = question.has("price_word") or question.usage.has_volume
    if not strangers and priced and not question.named:
        strangers = unknown_names(work)
    if strangers and question.named and question.has("compare_word"):
        names = work.say("、", ", ").join(dict.fromkeys(strangers))
        return Draft(
            work.say(
                f"资料里没有 **{names}**，无法比较，不做猜测。",
                f"The sources do not cover **{names}**, so there is nothing to compare; no guess is made.",
            ),
            refused=True,
            intent="not_in_sources",
        )
    if strangers and not question.named:
        names = work.say("、", ", ").join(dict.fromkeys(strangers))
        covered = _some_models(work)
        return Draft(
            work.say(
                f"资料里没有 **{names}** 的相关内容，不做猜测。资料涉及的模型有：{covered}。",
                f"The sources say nothing about **{names}** that answers this; no guess is made. Models they cover: {covered}.",
            ),
            refused=True,
            intent="not_in_sources",
        )
    entities = [work.entity(m.entities[0]) for m in question.named]
    wants_price = question.has("price_word") or question.usage.has_volume or bool(question.money)
    if entities:
        fields = [f.field for f in question.fields if f.field != "figure"]
        what = work.say("、", ", ").join(dict.fromkeys(work.label(f) for f in fields)) or (
            work.say("价格", "price") if wants_price else work.say("这方面的内容", "anything about this")
        )
        return missing_fact(work, work.say("、", ", ").join(e.name for e in entities), what, entities)
    return Draft(
        work.say(
            "已导入的资料里没有找到能回答这个问题的内容，不做猜测。资料涉及大模型的价格、上下文、部署方式、许可与选型，可以换个问法或指明模型。",
            "Nothing in the ingested sources answers this question, and no guess is made. They cover prices, context windows, deployment, licensing and choice of language models; rephrase, or name a model.",
        ),
        refused=True,
        intent="not_in_sources",
    )
