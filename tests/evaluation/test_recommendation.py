import numpy as np
import pandas as pd
import pytest

from recux.evaluation.recommendation import cut_off, figures
from recux.stats import intra_list_diversity
from tests.evaluation.world import exposures_frame, numbers


def catalogue(n=10, categories="ab", tags=()):
    return pd.DataFrame(
        {
            "item": range(1, n + 1),
            "category": [categories[i % len(categories)] for i in range(n)],
            "tags": [list(tags)] * n,
        }
    )


def found(slates, *, clicked=(), recorded=("click",), items=None, **more):
    frame = exposures_frame(slates)
    frame["clicked"] = [(row.slate, row.item) in clicked for row in frame.itertuples()]
    items = catalogue() if items is None else items
    return figures(frame, items, k=cut_off(frame, 8), recorded=set(recorded), **more)


def test_rates_are_over_all_shown_items_with_people_as_the_unit():
    rates = found([(1, [5, 4, 3, 2]), (2, [5, None])], clicked={(1, 1), (1, 2), (2, 1)})
    assert rates["ctr"].value == 0.5
    assert rates["ctr"].n == 2


def test_no_click_on_record_is_not_the_same_as_no_click():
    silent = found([(1, [5, 4]), (2, [3])], recorded=())
    assert silent["ctr"].value is None
    assert "no click was ever recorded" in silent["ctr"].reason
    none = found([(1, [5, 4]), (2, [3])], recorded={"click"})
    assert none["ctr"].value == 0
    assert none["ctr"].ci_high > 0.5


def test_precision_is_averaged_over_slates_then_people():
    slates = [(1, [5, 1]), (1, [1, 1]), (2, [5, 5])]
    assert found(slates)["precision"].value == ((0.5 + 0) / 2 + 1) / 2


def test_recall_is_not_estimable_when_k_is_the_length_of_the_slate():
    recall = found([(1, [5, 1, 4]), (2, [2, 4, 3])])["recall"]
    assert recall.value is None
    assert "always 1" in recall.reason


def test_recall_of_longer_slates_by_hand():
    measured = found([(1, [5, 1, 4, 1, 1, 4])])
    assert measured["recall"].value == pytest.approx(2 / 3)
    assert measured["precision"].value == pytest.approx(2 / 5)
    assert measured["f1"].value == pytest.approx(0.5)


def test_unrated_items_are_skipped_not_failed():
    assert found([(1, [None, 5, None, 4])])["precision"].value == 1


def test_ndcg_uses_a_discount_at_every_rank_and_the_best_order_of_the_slate():
    gains = 2 ** np.array([3, 5]) - 1
    wanted = (gains[0] + gains[1] / np.log2(3)) / (gains[1] + gains[0] / np.log2(3))
    assert found([(1, [3, 5])])["ndcg"].value == pytest.approx(wanted)


def test_k_is_five_or_the_longest_slate():
    assert cut_off(exposures_frame([(1, [1, 2, 3]), (2, [1])]), 8) == 3
    assert cut_off(exposures_frame([(1, [1] * 9)]), 8) == 5
    assert cut_off(exposures_frame([(1, [1])]).iloc[:0], 4) == 4


def test_coverage_and_gini_count_the_whole_catalogue():
    measured = found([(1, [5, 5]), (2, [5, 5])], items=catalogue(4))
    assert measured["coverage"].value == 0.5
    assert measured["gini"].value == 0.5  # two items seen twice, two never


def test_equal_exposure_has_gini_zero():
    assert found([(1, [5, 5, 5, 5])], items=catalogue(4))["gini"].value == 0


def test_diversity_is_the_mean_over_pairs_not_over_items():
    # categories a b a: pairs ab, ba differ, aa does not
    assert found([(1, [5, 5, 5])])["diversity"].value == pytest.approx(2 / 3)


def test_diversity_without_categories_or_tags_is_not_estimable():
    measured = found([(1, [5, 5])], items=catalogue().assign(category=""))
    assert measured["diversity"].value is None


def test_shared_tags_make_items_alike():
    items = catalogue(2).assign(category="", tags=[["x", "y"], ["y", "z"]])
    assert found([(1, [5, 5])], items=items)["diversity"].value == pytest.approx(1 - 1 / 2)


def test_diversity_of_many_slates_is_that_of_each_alone():
    rng = np.random.default_rng(8)
    tags = [list(rng.choice(list("xyzw"), 2)) for _ in range(12)]
    items = catalogue(12).assign(category=list("abcabcabcabc"), tags=tags)
    slates = [(n, [None] * int(rng.integers(2, 9))) for n in range(1, 20)]
    names = sorted({("c", c) for c in items["category"]} | {("t", t) for tags in items["tags"] for t in tags})
    table = np.array([[float(("c", c) == n or n in {("t", t) for t in tags}) for n in names]
                      for c, tags in zip(items["category"], items["tags"], strict=True)])  # fmt: skip
    wanted = np.mean([intra_list_diversity(table[: len(places)]).value for _, places in slates])
    assert found(slates, items=items)["diversity"].value == pytest.approx(wanted)


def test_novelty_is_in_bits_and_higher_for_what_few_reacted_to():
    # items 1 and 2; two people; item 1 rated by both, item 2 by nobody
    measured = found([(1, [5, None]), (2, [5, None])])
    assert measured["novelty"].value == pytest.approx((0 + np.log2(2)) / 2)


def test_serendipity_counts_relevant_items_that_popularity_would_not_show():
    # the popular list of one item is item 1; person 3 saw items 1 and 2 in slates of their own
    frame = exposures_frame([(1, [5]), (2, [5]), (3, [5]), (3, [5])])
    frame.loc[3, "item"] = 2
    measured = figures(frame, catalogue(), k=1, recorded=set())
    assert measured["serendipity"].value == pytest.approx((0 + 0 + 0.5) / 3)


def test_nothing_shown_is_not_estimable_and_says_so():
    measured = figures(exposures_frame([(1, [5])]).iloc[:0], catalogue(), k=5, recorded=set())
    assert len(measured) == 17
    assert all(value.value is None and value.reason for value in measured.values())


def test_the_order_of_rows_of_people_does_not_matter():
    rng = np.random.default_rng(3)
    slates = [(int(p), rng.integers(1, 6, 8).tolist()) for p in rng.integers(1, 20, 60)]
    one, other = found(slates), found(slates[::-1])
    for name, value in one.items():
        assert numbers(other[name]) == pytest.approx(numbers(value), rel=1e-9), name
