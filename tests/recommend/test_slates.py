import pytest
from sqlmodel import select

from db.tables import Impression, Item, Request, Slate, now
from recux.errors import Conflict, InvalidInput
from recux.recommend import make_slate

BUILT_IN = ["popularity", "itemknn", "content"]


def items_of(pilot, shown, slate):
    place = {item.id: i for i, item in enumerate(pilot.items)}
    return [place[impression.item_id] for impression in shown(pilot.session, slate)]


@pytest.mark.parametrize("source", BUILT_IN)
def test_a_slate_has_numbered_items_its_source_and_a_logged_request(pilot, shown, source):
    person = pilot.person(pilot.arm(source))
    slate = make_slate(pilot.session, person, size=4)
    impressions = shown(pilot.session, slate)
    assert [i.position for i in impressions] == [1, 2, 3, 4]
    assert len({i.item_id for i in impressions}) == 4
    assert [i.explanation for i in impressions] == [None] * 4
    assert (slate.source, slate.arm_id, slate.served_at is not None) == (source, person.arm_id, True)
    request = pilot.session.exec(select(Request)).one()
    assert (request.arm_id, request.slate_id, request.slate_size) == (person.arm_id, slate.id, 4)
    assert (request.outcome, request.endpoint) == ("ok", f"recommend/{source}")
    assert 0 < request.duration_ms < 5000


@pytest.mark.parametrize("source", BUILT_IN)
def test_what_a_person_rated_is_not_recommended_again(pilot, shown, source):
    person = pilot.person(pilot.arm(source))
    for item in pilot.items[:8]:
        pilot.rate(person, item, 5)
    assert set(items_of(pilot, shown, make_slate(pilot.session, person, size=4))) == {8, 9, 10, 11}


def test_rated_items_come_back_only_when_there_is_nothing_else(pilot, shown):
    person = pilot.person(pilot.arm("popularity"))
    for item in pilot.items[:-2]:
        pilot.rate(person, item, 5)
    first = make_slate(pilot.session, person, size=4)
    assert set(items_of(pilot, shown, first)) == {10, 11}
    pilot.rate(person, pilot.items[10], 4)
    pilot.rate(person, pilot.items[11], 4)
    assert len(items_of(pilot, shown, make_slate(pilot.session, person, size=4))) == 4


def test_items_not_shown_before_come_first(pilot, shown):
    person = pilot.person(pilot.arm("popularity"))
    seen = [items_of(pilot, shown, make_slate(pilot.session, person, size=4)) for _ in range(3)]
    assert sorted(item for one in seen for item in one) == list(range(12))
    assert len(items_of(pilot, shown, make_slate(pilot.session, person, size=4))) == 4


def test_dismissed_items_are_left_out(pilot, shown):
    person = pilot.person(pilot.arm("popularity"))
    pilot.act(person, pilot.items[0], "dismiss")
    assert 0 not in items_of(pilot, shown, make_slate(pilot.session, person, size=11))


def test_popularity_trusts_thirty_votes_more_than_one(pilot, shown):
    for n in range(30):
        pilot.rate(pilot.person(None, f"voter{n}"), pilot.items[10], 5 if n else 1)
    pilot.rate(pilot.people[0], pilot.items[11], 5)
    chosen = items_of(pilot, shown, make_slate(pilot.session, pilot.person(pilot.arm("popularity")), size=12))
    assert chosen[0] == 10
    assert 11 in chosen[1:]


@pytest.mark.parametrize("source", ["itemknn", "content"])
@pytest.mark.parametrize("taste", [0, 1])
def test_taste_decides_what_is_recommended(pilot, shown, source, taste):
    person = pilot.person(pilot.arm(source), "fan")
    for i in range(2, 6):
        pilot.rate(person, pilot.items[i], 5 if i % 2 == taste else 1)
    chosen = items_of(pilot, shown, make_slate(pilot.session, person, size=3))
    assert [i % 2 for i in chosen] == [taste] * 3


def test_stated_interests_are_enough_for_content(pilot, shown):
    person = pilot.person(pilot.arm("content", explanations=True), interests=["jazz"])
    slate = make_slate(pilot.session, person, size=6)
    assert {i % 2 for i in items_of(pilot, shown, slate)} == {0}
    assert shown(pilot.session, slate)[0].explanation == "Matches your interest in jazz"


def test_explanations_name_an_item_the_person_liked(pilot, shown):
    person = pilot.person(pilot.arm("itemknn", explanations=True), language="zh_CN")
    pilot.rate(person, pilot.items[2], 5)
    slate = make_slate(pilot.session, person, size=1)
    assert shown(pilot.session, slate)[0].explanation == "因为您喜欢《Jazz no. 2》"


def test_chinese_items_match_chinese_interests(empty, shown):
    texts = ["便携登山水壶", "复古台灯", "保温水壶", "木质书架"]
    empty.items.extend(Item(study_id=empty.study.id, external_id=t, title=t) for t in texts)
    empty.session.add_all(empty.items)
    empty.session.flush()
    person = empty.person(empty.arm("content"), interests=["水壶"])
    assert set(items_of(empty, shown, make_slate(empty.session, person, size=2))) == {0, 2}


def test_diversity_mixes_the_topics(pilot, shown):
    alike = pilot.person(pilot.arm("content"), "a", interests=["jazz piano"])
    mixed = pilot.person(pilot.arm("content", diversity=0.7), "b", interests=["jazz piano"])
    topics = [{i % 2 for i in items_of(pilot, shown, make_slate(pilot.session, p, size=4))} for p in (alike, mixed)]
    assert topics == [{0}, {0, 1}]


def test_the_arm_can_cap_the_slate(pilot, shown):
    slate = make_slate(pilot.session, pilot.person(pilot.arm("popularity", slate_size=3)), size=8)
    assert len(shown(pilot.session, slate)) == 3


def test_people_do_not_all_see_the_same_tied_items(empty, shown):
    empty.items.extend(Item(study_id=empty.study.id, external_id=f"i{n}", title=f"Item {n}") for n in range(12))
    empty.session.add_all(empty.items)
    empty.session.flush()
    arm = empty.arm("popularity")
    people = [empty.person(arm, f"n{n}") for n in range(8)]
    firsts = {tuple(items_of(empty, shown, make_slate(empty.session, person, size=2))) for person in people}
    assert len(firsts) > 3


def test_the_next_unserved_imported_slate_is_handed_out_once(pilot, shown):
    arm = pilot.arm("imported")
    person = pilot.person(arm)
    for name in ("first", "second"):
        row = {"study_id": pilot.study.id, "participant_id": person.id, "arm_id": arm.id}
        slate = Slate(**row, external_id=name)
        pilot.session.add(slate)
        pilot.session.flush()
        pilot.session.add(Impression(slate_id=slate.id, item_id=pilot.items[7].id, position=1))
    pilot.session.flush()
    taken = [make_slate(pilot.session, person, size=4) for _ in range(3)]
    assert [t.external_id for t in taken[:2]] == ["first", "second"]
    assert all(t.served_at for t in taken)
    assert taken[2].source == "popularity"
    assert taken[2].model_version == "instead of imported"
    assert "not available" in shown(pilot.session, taken[2])[0].explanation
    assert pilot.session.exec(select(Request)).one().outcome == "error"


def test_another_arms_imported_slate_is_not_handed_out(pilot):
    person = pilot.person(pilot.arm("imported"))
    other = pilot.arm("imported", slate_size=2)
    row = {"study_id": pilot.study.id, "participant_id": person.id, "arm_id": other.id}
    pilot.session.add(Slate(**row, external_id="not-mine"))
    pilot.session.flush()
    assert make_slate(pilot.session, person, size=4).external_id != "not-mine"


def test_without_items_the_message_says_what_to_do(empty):
    with pytest.raises(Conflict, match="import some"):
        make_slate(empty.session, empty.person(empty.arm("popularity")), size=4)


def test_without_an_arm_there_is_no_slate(pilot):
    with pytest.raises(Conflict, match="no arm"):
        make_slate(pilot.session, pilot.people[0], size=4)


def test_wrong_options_name_the_option(pilot):
    with pytest.raises(InvalidInput, match="diversity"):
        make_slate(pilot.session, pilot.person(pilot.arm("content", diversity=3)), size=4)


def test_new_ratings_change_the_next_slate(pilot, shown):
    arm = pilot.arm("popularity")
    before = items_of(pilot, shown, make_slate(pilot.session, pilot.person(arm, "a"), size=1))[0]
    for person in pilot.people:
        pilot.act(person, pilot.items[(before + 1) % 12], "purchase")
    after = items_of(pilot, shown, make_slate(pilot.session, pilot.person(arm, "b"), size=1))[0]
    assert after != before


def test_a_withdrawn_persons_taste_is_forgotten(pilot, shown):
    arm = pilot.arm("popularity")
    lovers = [pilot.person(None, f"lover{n}") for n in range(30)]
    for lover in lovers:
        pilot.rate(lover, pilot.items[11], 5)
    for stayer in [pilot.person(None, f"stayer{n}") for n in range(10)]:
        pilot.rate(stayer, pilot.items[3], 5)
    assert items_of(pilot, shown, make_slate(pilot.session, pilot.person(arm, "a"), size=1)) == [11]
    for lover in lovers:
        lover.withdrawn_at = now()
    pilot.session.flush()
    assert items_of(pilot, shown, make_slate(pilot.session, pilot.person(arm, "b"), size=1)) == [3]
