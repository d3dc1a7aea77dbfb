import pytest
from sqlmodel import col, select

from db.tables import Impression, Request, Slate, now
from recux.errors import InvalidInput
from recux.recommend import make_slate, prepare_rerank


def by_number(pairs):
    """A model that likes items with high numbers."""
    return [1 + int(item.external_id[1:]) / 3 for _, item in pairs]


def numbers(pilot, shown, slate):
    place = {item.id: int(item.external_id[1:]) for item in pilot.items}
    return [place[impression.item_id] for impression in shown(pilot.session, slate)]


def test_everyone_of_the_arm_gets_a_slate_in_the_models_order(pilot, shown):
    arm = pilot.arm("rerank")
    person = pilot.person(arm)
    pilot.rate(person, pilot.items[11], 2)
    assert prepare_rerank(pilot.session, pilot.study, arm, by_number, model_version="7") == 11
    slate = make_slate(pilot.session, person, size=4)
    assert numbers(pilot, shown, slate) == [10, 9, 8, 7]
    assert (slate.source, slate.model_version, slate.served_at is None) == ("rerank", "7", False)
    assert [i.position for i in shown(pilot.session, slate)] == [1, 2, 3, 4]
    assert pilot.session.exec(select(Request)).one().endpoint == "recommend/rerank"


def test_what_was_rated_since_is_taken_out(pilot, shown):
    arm = pilot.arm("rerank")
    person = pilot.person(arm)
    prepare_rerank(pilot.session, pilot.study, arm, by_number)
    pilot.rate(person, pilot.items[11], 2)
    pilot.rate(person, pilot.items[9], 2)
    assert numbers(pilot, shown, make_slate(pilot.session, person, size=4)) == [10, 8, 7, 6]


def test_preparing_again_replaces_what_nobody_saw(pilot, shown):
    arm = pilot.arm("rerank")
    person = pilot.person(arm)
    prepare_rerank(pilot.session, pilot.study, arm, by_number)
    seen = make_slate(pilot.session, person, size=4)
    prepare_rerank(pilot.session, pilot.study, arm, lambda pairs: [-s for s in by_number(pairs)])
    slates = pilot.session.exec(select(Slate).where(Slate.participant_id == person.id).order_by(col(Slate.id))).all()
    assert len(slates) == 2
    assert slates[0].id == seen.id
    assert numbers(pilot, shown, make_slate(pilot.session, person, size=4))[0] == 0


def test_nothing_prepared_is_said(pilot, shown):
    slate = make_slate(pilot.session, pilot.person(pilot.arm("rerank")), size=4)
    assert (slate.source, slate.model_version) == ("popularity", "instead of rerank")
    assert "not available" in shown(pilot.session, slate)[0].explanation


def test_a_slate_that_was_rated_whole_is_not_offered_forever(pilot):
    arm = pilot.arm("rerank")
    person = pilot.person(arm)
    prepare_rerank(pilot.session, pilot.study, arm, by_number, candidates=2)
    for impression in pilot.session.exec(
        select(Impression).join(Slate, col(Slate.id) == Impression.slate_id).where(Slate.participant_id == person.id)
    ).all():
        pilot.rate(person, next(i for i in pilot.items if i.id == impression.item_id), 3)
    assert make_slate(pilot.session, person, size=4).source == "popularity"
    unserved = select(Slate).where(Slate.participant_id == person.id, col(Slate.served_at).is_(None))
    assert pilot.session.exec(unserved).all() == []


def test_withdrawn_and_test_people_get_none(pilot):
    arm = pilot.arm("rerank")
    pilot.people[0].withdrawn_at = now()
    pilot.people[1].test = True
    pilot.session.flush()
    assert prepare_rerank(pilot.session, pilot.study, arm, by_number) == 8


def test_explanations_and_the_cap_hold_for_prepared_slates(pilot, shown):
    arm = pilot.arm("rerank", explanations=True, slate_size=2)
    person = pilot.person(arm)
    prepare_rerank(pilot.session, pilot.study, arm, by_number)
    impressions = shown(pilot.session, make_slate(pilot.session, person, size=8))
    assert [i.explanation for i in impressions] == ["Chosen from what you told us so far"] * 2


@pytest.mark.parametrize("score", [lambda pairs: [1.0], lambda pairs: [float("nan")] * len(pairs)])
def test_a_model_that_answers_nonsense_is_refused(pilot, score):
    with pytest.raises(InvalidInput, match="finite number"):
        prepare_rerank(pilot.session, pilot.study, pilot.arm("rerank"), score)


def test_other_arms_are_not_prepared(pilot):
    with pytest.raises(InvalidInput, match="only rerank arms"):
        prepare_rerank(pilot.session, pilot.study, pilot.arm("content"), by_number)


def test_an_arm_without_people_is_no_problem(empty):
    assert prepare_rerank(empty.session, empty.study, empty.arm("rerank"), by_number) == 0
