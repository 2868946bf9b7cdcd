from __future__ import annotations

import pytest
from hashed_index import chunk

from kb.confidence import SURE, Evidence, estimate
from kb.search import MAX_ROWS_A_TABLE, distinct, fuse
from kb.types import SearchHit


def test_a_leg_that_is_sure_outweighs_one_that_sees_no_difference() -> None:
    dense = {"a": 0.900, "b": 0.899, "c": 0.898}
    assert fuse(dense, {"c": 30.0, "a": 1.0})[0][0] == "c"
    assert fuse(dense, {})[0][0] == "a"


def test_a_candidate_of_one_leg_alone_takes_part() -> None:
    assert {id_ for id_, _ in fuse({"a": 0.9, "b": 0.8}, {"b": 5.0})} == {"a", "b"}


def test_equal_candidates_come_in_a_fixed_order() -> None:
    assert [id_ for id_, _ in fuse({"b": 0.5, "a": 0.5}, {})] == ["a", "b"]
    assert fuse({}, {}) == []


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("价格是 3 元。", "价格是3元", True),
        (
            "第一段说明上下文窗口有多长以及怎样计费，并且列出了三个例子给读者参考。" * 3,
            "第一段说明上下文窗口有多长以及怎样计费，并且列出了三个例子给读者参考。" * 3 + "完",
            True,
        ),
        (
            "模型甲的输入价格是每百万 tokens 3 元，输出价格是每百万 tokens 9 元，按量计费。",
            "模型甲的输入价格是每百万 tokens 4 元，输出价格是每百万 tokens 9 元，按量计费。",
            False,
        ),
        ("短句一", "短句二", False),
    ],
)
def test_repeats_of_a_text_are_left_out_but_never_one_with_other_figures(first: str, second: str, same: bool) -> None:
    kept = distinct([chunk("1", first), chunk("2", second)], 5)
    assert len(kept) == (1 if same else 2)


def test_rows_beyond_the_limit_come_after_everything_else() -> None:
    rows = [chunk(f"r{i}", f"行 {i} 的值是 {i}", kind="row", parent="t") for i in range(8)]
    kept = distinct([*rows, chunk("x", "别的内容")], 8)
    labels = [part.id for part in kept]
    assert labels[: MAX_ROWS_A_TABLE + 1] == ["r0", "r1", "r2", "r3", "x"]
    assert len(kept) == 8


def evidence(query: str, text: str, cosine: float) -> Evidence:
    hits = [SearchHit(chunk("1", text), 1, 1.0, cosine, 1.0)]
    return Evidence.collect(query, hits, lambda token: 1, 100, (0.8, 0.02))


def test_confidence_grows_with_the_cosine_and_with_the_words_that_meet() -> None:
    near, far = evidence("合同价格", "合同价格", 0.92), evidence("合同价格", "合同价格", 0.84)
    met, unmet = evidence("合同价格", "合同价格", 0.88), evidence("合同价格", "无关内容", 0.88)
    for model in ("multilingual-e5-small", "another-model"):
        assert estimate(near, model) > estimate(far, model)
        assert estimate(met, model) > estimate(unmet, model)
    assert estimate(near, "multilingual-e5-small") > SURE > estimate(evidence("天气如何", "合同价格", 0.83), "multilingual-e5-small")


def test_a_question_in_another_script_than_the_passages_is_not_held_against_them() -> None:
    across = evidence("contract price", "合同价格", 0.85)
    assert across.across == 1.0 and evidence("合同", "合同", 0.85).across == 0.0
    assert estimate(across, "multilingual-e5-small") > estimate(evidence("天气", "合同价格", 0.85), "multilingual-e5-small")


def test_another_models_scale_of_cosines_does_not_matter() -> None:
    high = Evidence(cosine=0.55, coverage=0.7, standing_out=5.0, across=0.0)
    assert estimate(high, "another-model") > SURE
