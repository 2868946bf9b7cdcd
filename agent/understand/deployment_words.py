"""Words of deployment questions, in Chinese, English and both mixed: what is asked, formats, cards, how they are had."""

from __future__ import annotations

import re

_EDGE = "(?:(?<![a-z])(?=[a-z])|(?<=[a-z])(?![a-z]))"


def edges(words: str) -> re.Pattern[str]:
    """A pattern whose word boundaries are those of Latin words: Chinese characters beside them do not join them."""
    return re.compile(words.replace(r"\b", _EDGE), re.IGNORECASE)


_any = edges


CHEAP_CHECK = _any(
    r"\d\s*[btk](?![a-z])|[a-z]\d{2}|int\d|fp\d|nf4|awq|gptq|gguf|半精度|\bbits?\b|\d\s*位|(?<![a-z])[lt]4(?![\d.])|/\s*h|[1-9]0[5-9]0|参数|卡|张|台|gpu|便宜|matters|drives|\bmoves?\b|\bcpu\b|降价|涨价|减半|一半|翻倍|翻番|打[一二三四五六七八九]折|doubl|halv|硬件|机器|显存|vram|"
    r"并发|私有化|自建|部署|租|买|回本|成本|百亿|千亿|万亿|利用率|情景|场景|敏感|混合|分流|吞吐|延迟|量化|电|训练|微调|lora|train|tune|推荐|配置|假设|因素|影响|"
    r"合算|划算|\bapi\b|年|个月|残值|汇率|人|用户|上下文|context|token/s|tokens/s|首字|batch|折旧|跑|省|num_hidden_layers|"
    r"self-?host|on-?prem|deploy|rent|buy|tco|utili[sz]ation|what if|如果|scenario|sensitiv|hybrid|concurren|throughput|latency|quanti|power|electric|"
    r"cheapest|assumption|tok(?:en)?s?\s*/\s*s|tokens? (?:per|a|each) second|每秒|users?\b|years?\b|staff|salar|\bcards?\b|\bmac\b|pue"
)
"""A text without any of these says nothing about a deployment; looked at first because it is asked of every question."""

_EIGHT_OR_FOUR = r"fp8|int[48]|nf4|awq|gptq|[48][- ]?(?:bits?|比特|位)"
DTYPE = _any(
    rf"(?<![a-z0-9])(fp32|bf16|fp16|{_EIGHT_OR_FOUR}|nvfp4|mxfp4|q4_k_m|q8_0|q4|gguf|w8a8|w4a16|16[- ]?(?:bits?|比特|位)|半精度)(?![a-z0-9])"
)
_FEWER_BITS = rf"(?:量化|quanti[sz]\w+|{_EIGHT_OR_FOUR})"
QUANTISATION_NEEDED = _any(
    rf"(?:要不要|需不需要|用不用|有没有必要)(?:用|上|做|转成?|降到|再)?\s*{_FEWER_BITS}"
    rf"|(?:要|需要|必须|得|只能|有必要)(?:用|上|做|转成?|降到|再)?\s*(?:量化[到成]?)?\s*{_FEWER_BITS}(?:量化|格式|精度|才行)?\s*(?:吗|么|不可)"
    rf"|\b(?:do|does|must|should) (?:i|we|it|one|you) (?:really )?(?:need |have )?(?:to )?(?:be |use |run |go )?(?:\w+ )?{_FEWER_BITS}"
    rf"|\bis {_FEWER_BITS} (?:\w+ )?(?:needed|necessary|required)"
)
"""Whether fewer bits are needed is asked: the format that is named is not the one to calculate with."""
DTYPE_LIKE = _any(r"(?<![a-z0-9])(?:(?:fp|int|bf|nf)\s?\d{1,3}|\d{1,3}[- ]?(?:bits?|比特|位(?:量化|浮点|整数|精度)))(?![a-z0-9])")
KV_DTYPE = _any(r"(fp8|int8|bf16|fp16)\s*(?:的)?\s*kv|kv\s*(?:cache|缓存)?\s*(?:用|为|=|in|as)?\s*(fp8|int8|bf16|fp16)")
CARD_MEMORY = _any(
    r"(?<!内存)(?<!内存 )(?<!ram )(?<![\d.a-z])(\d{1,4}(?:\.\d+)?)\s*(GiB|GB|G)(?![a-z/])(?!\s*(?:内存|ram|硬盘|ssd|disk|磁盘|带宽|网))\s*(?:显存|vram|memory)?(?:的)?\s*(?:显卡|卡|gpus?|cards?|card|vram|显存|mac)?"
)
CARD_COUNT = _any(
    r"(?<![\d.a-z每])(\d{1,4}|[两二三四五六七八九十]{1,3})\s*(?:-?\s*)(?:张|块(?=\s*(?:卡|显卡|gpu|[ahl]\d{2}|\d{4}))|卡(?!价)|片(?=卡|\s*gpu)|gpus?(?![a-z])|cards?(?![a-z])|张卡)(?!多少|几)"
)
RENT = _any(
    r"租(?!户|金已|还是买|或买|和买)|包月|云(?:上)?(?:gpu|主机|服务器|算力)|算力平台|\brent(?:al|ed|ing|s)?\b|\blease|cloud gpus?|on[- ]demand gpus?|/\s*gpu[- ]?h"
)
OWN = _any(r"采购|自购|购置|购买|买(?!单)|\bbuy(?:ing)?\b|\bbought\b|purchas|\bown(?:ed|ing)? (?:the |hardware|gpus?|cards?)")
FIT = _any(
    r"行不行|行吗|够|能不能(?:跑|放|扛)|能跑|跑得|带得动|跑的动|放得下|装得下|塞得下|扛得住|enough|\bfits?\b|can (?:i|we|it|they) run|\bruns? on\b|sufficient"
)
TRAINING = _any(r"(?<!预)训练(?!数据|集|好)|微调|精调|预训练|\btrain(?:ing|ed)?\b|fine-?tun|\blora\b|\bsft\b|\brlhf\b")
TRAINING_METHOD = _any(r"qlora|lora|全参数?|全量|full(?= (?:fine|param|train))")
SERVING = _any(r"推理|部署|上线|服务化|inference|serv(?:e|ing)|deploy")
ASKS_POWER = _any(
    r"多少电|几度电|电费.{0,6}多少|多少.{0,4}电费|耗电|功耗|用电|how much (?:power|electricity)|power (?:draw|bill|cost|consum)|electricity (?:bill|cost)"
)
FULL_LOAD = _any(r"满载|跑满|打满|满负荷|满速|(?:at|under) full (?:load|utili[sz]ation|capacity)|fully (?:loaded|utili[sz]ed)")
MEASURED = _any(r"吞吐|总共?|一共|合计|实测|测得|能?出|能?吐|产出|生成|throughput|total|aggregate|measure|produc|generat|in all")
"""Beside tokens a second: what the cards make together, not what one session shall get."""
ONE_SESSION = _any(
    r"每(?:个)?(?:会话|用户|人|路|请求)|单(?:路|用户|会话|请求)|per (?:user|session|request|stream)|each (?:user|session|request)|a (?:user|session)|不低于|至少|以上|at least"
)
NEGATIVE = re.compile(
    r"(?<![\w.~\-–至到])(?:[-−负]\s?\d+(?:\.\d+)?|0+(?:\.0+)?)\s*(?:[bB](?![a-zA-Z])|张|块|卡|路|个?并发|并发|台|人|k\b|gpus?|cards?|GB|G\b|concurrent|users?)|(?:并发|上下文|context|concurrency|利用率|PUE|电价)\s*(?:[-−负]\s?\d+|0(?![.\d]))"
)
NOT_A_FIGURE = _any(r"\d+\s*\^\s*\d+|\d(?:\.\d+)?e\+?\d{2,}|(?<![a-z])(?:nan|inf|infinity)(?![a-z])|无穷(?:大|多)?|无限(?:多|大)?")
RESET_PRICE = ("card_price", "node_price", "upfront", "rent_card_hour", "rent_card_month", "rent_month", "power_month")
"""Prices that belong to one kind of card, or to a machine made of it."""

ASKS: dict[str, re.Pattern[str]] = {
    "cards": _any(
        r"[几多]少?\s*(?:张|块(?!钱|[?？]|$)|片)|几卡|多少卡|卡数|张卡|块卡|几个?gpu|多少(?:个)?gpu|几台|多少台|how many (?:\S+ ){0,3}(?:cards|gpus|servers|nodes|boxes|[ahbl]\d{2,3}s?|\d{4}s?|\w*\d+s)"
        r"|number of (?:cards|gpus)|(?:cards|gpus) (?:needed|required|do (?:i|we) need)|要什么(?:卡|显卡|硬件|机器)|硬件(?:要求|需求|配置)|hardware (?:do|is|requirements?|needed)|what hardware"
    ),
    "memory": _any(r"显存|vram|memory|占多少|多大内存"),
    "concurrency": _any(
        r"多少(?:个)?\s*(?:路)?并发|几个并发|几路并发|并发(?:数|量|能力)?(?:是|有|能|到|达)?(?:多少|几)|最大并发|最高并发|扛(?:得住|住)?多少(?!\s*(?:字|tok))|支持多少(?=\s*(?:个|路|人|用户|并发|会话|请求|同时|[?？。]?$))|撑(?:得住|住)?多少(?:人|并发|用户|会话)|同时(?:能|可以|支持|供|给)?(?:多少|几)|多少人同时|供多少人"
        r"|(?:how many|max(?:imum)?|what) (?:\w+ ){0,2}(?:concurren\w*|simultaneous|parallel|sessions|users|people)|max concurrency|concurrency (?:can|do|will|is possible)"
    ),
    "speed": _any(
        r"吞吐|tokens?\s*/\s*s(?:ec)?\b(?! *(?:以上|per user))|token每秒|每秒(?:多少|能|几)|多快|速度|快不快|慢不慢|\btps\b|throughput|tokens? per second|how fast|\bspeed\b|ttft|首字|首\s*token|延迟|latency|time to first"
    ),
    "cost": _any(
        r"多少钱|多少预算|成本|费用|花多少|花费|要花|价格|开销|总价|一个月多少|每月多少|贵不贵|预算多少|投入多少|一共多少|总共多少|合计多少|\bcosts?\b|\bprice|how much (?:money|would|will|does|do|is|for|per|a month)|\bbudget\b|\bexpensive|\bspend"
    ),
    "tco": _any(
        r"总成本|总拥有|\btco\b|total cost|总费用|总花费|年成本|总账|折旧|depreciat|[一两二三四五六七八九十\d]\s*年(?:一共|总共|总|下来|合计)|over (?:\w+ )?(?:years?|months)"
    ),
    "break_even": _any(
        r"回本|划算|合算|值不值|值得|break-?\s?even|payback|pays? (?:back|off|for itself)|worth it|(?:自建|自己|买)[^,，]{0,4}更便宜|省钱|(?:自建|自己)(?:和|还是|跟|与|vs\.?|or|便宜).{0,6}api|api.{0,6}(?:还是|和|跟|vs\.?|or|贵|便宜).{0,4}(?:自建|自己|self)|self-?host.{0,12}(?:vs\.?|or|than|against).{0,8}api|(?:vs\.?|versus|against|compared (?:to|with)|than)[^,.;?]{0,30}\bapis?\b|which (?:one |option )?(?:pays|wins|is better value)|api.{0,8}(?:vs\.?|or|than|against).{0,12}self"
    ),
    "recommend": _any(
        r"推荐|建议(?:用|买|配|什么|哪)|选(?:哪|什么)|哪(?:种|款|张|个)(?:卡|显卡|gpu|配置|方案)|什么(?:卡|显卡|gpu|配置)|最便宜|(?:有没有|有|还有)更便宜|cheaper (?:option|card|gpu|setup|one|alternative)|最省|怎么配|如何配|配置方案|性价比|cheapest|recommend|which (?:gpu|card|config|hardware|setup)|what (?:gpu|card)s? |best (?:gpu|card|config|setup)|most cost"
    ),
    "sensitivity": _any(
        r"敏感|哪个(?:假设|因素|参数|变量)|影响最大|最(?:关键|敏感)的?(?:假设|因素)|主要取决|sensitiv|(?:what if|如果).{0,30}(?:drops?|falls?|rises?|goes (?:up|down)|changes?|变化|下降|上升)\W*$|which (?:assumption|factor|input)|what (?:matters|drives|moves|affects)|biggest (?:driver|factor|lever)|tornado"
    ),
    "scenarios": _any(
        r"情景|场景(?:对比|分析)|三种(?:情况|方案|场景|假设)|乐观|悲观|保守|最好最坏|最坏|scenario|best[- ]case|worst[- ]case|optimistic|pessimistic|side by side"
    ),
    "hybrid": _any(
        r"混合|分流|走\s*(?:自建|本地|api).{0,8}(?:其余|剩|其他)|一部分(?:走|用)|部分(?:自建|走)|路由|hybrid|split (?:between|the)|route|mix (?:of|with)|溢出|overflow"
    ),
    "affordable": _any(r"能买(?:得起)?几|买得起几|可以买几|how many .{0,20}(?:can i|could i|can we) (?:buy|afford)"),
    "quality": _any(
        r"(?:fp8|int8|int4|bf16|fp16).{0,6}(?:和|与|跟|还是|vs\.?|or|and).{0,6}(?:fp8|int8|int4|bf16|fp16)|(?:量化|int[48]|fp8|4\s?bit|8\s?bit).{0,12}(?:损失|变笨|差多少|变傻|效果|掉|影响|质量|效果|变差|掉点|精度)|(?:质量|效果|精度).{0,6}(?:损失|下降|变差|影响|掉)|掉点|变笨|quality|accuracy|degrad"
    ),
    "power": _any(r"电费|耗电|功耗|用电|几度电|多少电|电力|\bpower\b(?! bi)|electricity|kwh|watts?\b"),
    "capacity": _any(
        r"(?:一天|每天|每日|日均|每月|一个月|月均).{0,8}(?:能|可以|最多)?.{0,4}(?:处理|跑|产出|生成|支撑|扛|输出).{0,4}(?:多少|几)|(?:支撑|扛|处理|满足|撑).{0,10}(?:日均|每天|每日|每月).{0,12}(?:tok|字|[万亿])|tokens? (?:a|per|each) (?:day|month)|(?:daily|monthly) (?:capacity|volume|throughput)|产能"
    ),
    "unit_cost": _any(
        r"利用率[^,，]{0,8}影响|utili[sz]ation.{0,16}(?:matter|affect|impact)|(?:每|一)?百万\s*(?:个)?\s*(?:输入|输出)?\s*(?:tokens?|词元)?\s*(?:的)?(?:成本|多少钱|多少|要|花|合|单价|价)"
        r"|(?<!\d)100万\s*(?:个)?\s*(?:输入|输出)?\s*(?:tokens?|词元)\s*(?:的)?(?:成本|多少钱|多少|要|花|合|单价|价)"
        r"|(?:cost|price|\$|dollars?|usd|rmb|cny|yuan) (?:per|of|for) (?:1m|1 million|a million|million)|(?:1m|1 million|a million) (?:output |input )?tokens? (?:cost|come)|per (?:1m|million) (?:output |input )?tokens?|单位成本|token\s*成本"
    ),
    "buy_or_rent": _any(
        r"买(?:还是|或|和|vs)租|租(?:还是|或|和|vs)买|(?:buy|purchase|own) (?:or|vs\.?|versus) (?:rent|lease)|(?:rent|lease) (?:or|vs\.?|versus) (?:buy|own)"
    ),
    "longest": _any(
        r"最(?:长|大)(?:能|可以|支持)?[^,，]{0,6}(?:上下文|context)|(?:多长|多大)的?上下文|what context|how (?:long|much|large|big) (?:a )?context|(?:max|longest|largest)(?:imum)? context"
    ),
    "fits": _any(
        r"(?:能|可以|够)(?:跑|放|装|部署|带)(?:得动|动|得了)?\s*(?:什么|哪些|多大|几[bB])|跑多大|最大(?:能|可以)?跑|(?:what|which) (?:\w+ )?(?:models?|sizes?|llms?) (?:can|fits?|will|do|runs?)|(?:largest|biggest) model|what can (?:i|we|it) run"
    ),
    "quantise_needed": QUANTISATION_NEEDED,
    "quantise": _any(r"量化(?:一下|到|后|成|呢|版)?|quanti[sz]"),
}
"""Ask -> the words that make it."""
