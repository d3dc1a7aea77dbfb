"""All seven kinds, on both databases: what is written, updated, unchanged and put aside."""

from datetime import UTC, datetime

import pytest

from db.engine import write_session
from recux.collect.studies import close_study, get_study, launch_study
from recux.errors import Conflict, InvalidInput, NotFound
from recux.ingest import Refused, import_rows
from recux.ingest.keys import rating_key
from tests.ingest.conftest import SLUG, counts

PARTICIPANTS = "participant_id,arm,cohort,interests,language,attr.age\np1,old,x,music;film,zh-CN,31\np2,,y,,en,\n"
ITEMS = "item_id,title,description,category,tags,price,image_url,attr.brand\ni1,One,First,a,x;y,9.5,https://e/1.png,B\ni2,Two,,b,,,,\n"
SLATES = (
    "slate_id,participant_id,arm,item_id,position,score,explanation,model_version,served_at\n"
    "s1,p1,old,i1,1,0.9,Because,m1,2026-01-01T00:00:00Z\n"
    "s1,p1,old,i2,2,0.5,,m1,2026-01-01T00:00:00Z\n"
)
INTERACTIONS = (
    "participant_id,item_id,kind,occurred_at,slate_id,dwell_ms\n"
    "p1,i1,view,2026-01-01T00:00:01Z,s1,1500\n"
    "p1,i1,click,2026-01-01T00:00:02Z,s1,\n"
    "p1,i1,click,2026-01-01T00:00:02Z,s1,\n"
)
RATINGS = (
    "participant_id,item_id,rating,comment,slate_id,rated_at,recommended\n"
    "p1,i1,5,Good,s1,2026-01-01T00:01:00Z,1\n"
    "p1,i2,2.5,,s1,2026-01-01T00:02:00Z,0\n"
    "p9,i2,3,,,,\n"
)
RESPONSES = (
    "participant_id,instrument,question,value,text,answered_at,wave\n"
    "p1,nps,score,0,,2026-01-01T00:03:00Z,\n"
    "p1,nps,why,,Too slow,2026-01-01T00:04:00Z,\n"
    "p2,csat,score,4,,,2\n"
)
REQUESTS = (
    "requested_at,duration_ms,outcome,http_status,arm,endpoint,slate_id,slate_size\n"
    "2026-01-01T00:00:00Z,120.5,ok,,old,/rec,s1,2\n"
    "2026-01-01T00:00:00Z,120.5,ok,,old,/rec,s1,2\n"
    "1767225600,90,,503,,,,\n"
    "1767225600,90,,399,,,,\n"
)
FILES = {
    "participants": (PARTICIPANTS, 2),
    "items": (ITEMS, 2),
    "slates": (SLATES, 2),
    "interactions": (INTERACTIONS, 3),
    "ratings": (RATINGS, 3),
    "responses": (RESPONSES, 3),
    "requests": (REQUESTS, 4),
}


@pytest.fixture
def full(into):
    for kind, (content, n) in FILES.items():
        assert counts(into.text(kind, content)) == (n, 0, 0, 0)
    return into


def test_the_same_file_twice_changes_nothing(full):
    for kind, (content, n) in FILES.items():
        assert counts(full.text(kind, content)) == (0, 0, n, 0), kind


def test_participants_keep_what_was_said_of_them(full):
    rows = full.rows(
        "select external_id, cohort, language, arm_id is null from participant where external_id < 'p3' order by 1"
    )
    assert [tuple(row) for row in rows] == [("p1", "x", "zh_CN", False), ("p2", "y", "en", True)]


def test_a_chain_joins_participant_arm_slate_impression_and_rating(full):
    query = """select participant.external_id, arm.key, slate.external_id, impression.position, rating, comment
        from rating join participant on participant.id = rating.participant_id join slate on slate.id = rating.slate_id
        join arm on arm.id = slate.arm_id
        join impression on impression.slate_id = slate.id and impression.item_id = rating.item_id order by 4"""
    assert full.rows(query) == [("p1", "old", "s1", 1, 5.0, "Good"), ("p1", "old", "s1", 2, 2.5, None)]


def test_times_are_stored_in_utc(full):
    engine = full.engine
    from sqlmodel import Session, select

    from db.tables import Rating

    with Session(engine) as session:
        moments = session.exec(select(Rating.rated_at).where(Rating.comment == "Good")).all()
    assert moments == [datetime(2026, 1, 1, 0, 1, tzinfo=UTC)]


def test_equal_interactions_and_requests_are_counted(full):
    assert full.one("select count(*) from interaction where kind = 'click'") == 2
    assert full.one("select count(*) from request where duration_ms = 120.5") == 2


def test_what_the_pages_record_of_an_item_can_be_imported_too(full):
    marks = "".join(f"p2,i2,{kind},1767225600,,\n" for kind in ("dismiss", "like", "know"))
    assert counts(full.text("interactions", INTERACTIONS.partition("\n")[0].strip() + "\n" + marks)) == (3, 0, 0, 0)
    assert full.one("select count(distinct kind) from interaction") == 5


def test_an_http_status_of_400_or_more_is_an_error(full):
    rows = full.rows("select http_status, outcome from request where http_status is not null order by 1")
    assert rows == [(399, "ok"), (503, "error")]


def test_answers_gather_into_responses_and_zero_is_an_answer(full):
    query = """select instrument, wave, question, value, text
        from answer join response on response.id = answer.response_id
        order by instrument, question"""
    assert full.rows(query) == [
        ("csat", 2, "score", 4.0, None),
        ("nps", 1, "score", 0.0, None),
        ("nps", 1, "why", None, "Too slow"),
    ]


def test_another_value_of_the_same_rating_is_a_new_revision(full):
    changed = RATINGS.replace("p1,i1,5,Good", "p1,i1,4,Less good")
    assert counts(full.text("ratings", changed)) == (0, 1, 2, 0)
    revisions = full.rows("select rating, comment, current from rating where rating >= 4 order by id")
    assert [(value, comment, bool(current)) for value, comment, current in revisions] == [
        (5.0, "Good", False),
        (4.0, "Less good", True),
    ]
    assert counts(full.text("ratings", changed)) == (0, 0, 3, 0)


def test_another_value_of_the_same_answer_is_a_new_revision(full):
    assert counts(full.text("responses", RESPONSES.replace("nps,score,0", "nps,score,9"))) == (0, 1, 2, 0)
    revisions = full.rows("select value, current from answer where question = 'score' and value <> 4 order by id")
    assert [(value, bool(current)) for value, current in revisions] == [(0.0, False), (9.0, True)]


def test_a_file_with_fewer_columns_leaves_the_others_alone(full):
    assert counts(full.text("participants", "participant_id,cohort\np1,z\n")) == (0, 1, 0, 0)
    [(cohort, language)] = full.rows("select cohort, language from participant where external_id = 'p1'")
    assert (cohort, language) == ("z", "zh_CN")
    assert counts(
        full.text("ratings", "participant_id,item_id,rating,slate_id,rated_at\np1,i1,5,s1,2026-01-01T00:01:00Z\n")
    ) == (0, 0, 1, 0)


def test_large_numbers_in_attributes_come_back_as_they_were(into):
    row = {"item_id": "i1", "title": "One", "attr.big": 3.524433542368489e16, "attr.small": 0.1, "attr.yes": True}
    assert counts(import_rows(into.engine, SLUG, "items", [row])) == (1, 0, 0, 0)
    assert counts(import_rows(into.engine, SLUG, "items", [row])) == (0, 0, 1, 0)


def test_an_empty_cell_leaves_what_is_known_of_people_items_and_slates(full):
    assert counts(full.text("participants", "participant_id,cohort,interests,attr.age\np1,,,\n")) == (0, 0, 1, 0)
    assert counts(full.text("items", "item_id,title,tags,price\ni1,One,,\n")) == (0, 0, 1, 0)
    header, first, _ = SLATES.splitlines(keepends=True)
    silent = header + "s1,p1,,i1,1,,,,\n"
    assert counts(full.text("slates", silent)) == (0, 0, 1, 0)
    assert counts(full.text("slates", header + first.replace("m1", "m2"))) == (0, 1, 0, 0)
    assert full.rows("select model_version from slate") == [("m2",)]


def test_an_empty_comment_takes_an_earlier_one_back(full):
    silent = RATINGS.replace("Good", "")
    assert counts(full.text("ratings", silent)) == (0, 1, 2, 0)
    assert full.rows("select comment from rating where rating = 5 and current order by id") == [(None,)]


def test_items_are_updated_attribute_by_attribute(full):
    assert counts(full.text("items", "item_id,title,attr.size\ni1,One,XL\n")) == (0, 1, 0, 0)
    from sqlmodel import Session, select

    from db.tables import Item

    with Session(full.engine) as session:
        item = session.exec(select(Item).where(Item.external_id == "i1")).one()
    assert item.attributes == {"brand": "B", "size": "XL"}
    assert item.tags == ["x", "y"]


def test_a_skipped_question_opens_its_response_and_stores_no_answer(into):
    content = "participant_id,instrument,question,value\np1,nps,score,\np2,nps,score,9\n"
    assert counts(into.text("responses", content)) == (2, 0, 0, 0)
    assert counts(into.text("responses", content)) == (0, 0, 2, 0)
    assert (into.one("select count(*) from response"), into.one("select count(*) from answer")) == (2, 1)


def test_people_are_created_by_whatever_names_them_first(into):
    into.items("i1")
    into.text("slates", "slate_id,participant_id,arm,item_id,position\ns1,a,new,i1,1\n")
    into.text("interactions", "participant_id,item_id,kind,occurred_at\nb,i1,view,0\n")
    into.text("ratings", "participant_id,item_id,rating\nc,i1,3\n")
    into.text("responses", "participant_id,instrument,question,value\nd,nps,score,3\n")
    assert into.rows("select external_id from participant order by 1") == [("a",), ("b",), ("c",), ("d",)]


def test_who_was_served_by_an_arm_belongs_to_it(into):
    into.items("i1")
    into.text("participants", "participant_id\np1\n")
    into.text("slates", "slate_id,participant_id,arm,item_id,position\ns1,p1,new,i1,1\ns2,p2,old,i1,1\n")
    rows = into.rows("select external_id, key from participant join arm on arm.id = participant.arm_id order by 1")
    assert rows == [("p1", "new"), ("p2", "old")]


def test_an_arm_may_change_before_the_launch_and_never_after(into):
    into.items("i1")
    into.text("participants", "participant_id,arm\np1,old\n")
    assert counts(into.text("participants", "participant_id,arm\np1,new\n")) == (0, 1, 0, 0)
    with write_session(into.engine) as session:
        launch_study(session, get_study(session, SLUG))
    with pytest.raises(Refused, match="arm differs from the person's arm new, which is fixed since the launch"):
        into.text("participants", "participant_id,arm\np1,old\n")
    assert counts(into.text("participants", "participant_id,arm\np1,new\np1,\n")) == (0, 0, 2, 0)


def test_after_the_launch_newcomers_are_assigned_at_once_and_evenly(into):
    into.items("i1")
    with write_session(into.engine) as session:
        launch_study(session, get_study(session, SLUG))
    into.text("participants", "participant_id\n" + "".join(f"p{n}\n" for n in range(20)))
    into.text("ratings", "participant_id,item_id,rating\n" + "".join(f"r{n},i1,3\n" for n in range(20)))
    assert into.rows("select arm_id, count(*) from participant group by arm_id order by 1") == [(1, 20), (2, 20)]


def test_a_rating_in_memory_and_one_in_a_file_have_the_same_key(into):
    into.items("i1")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    row = {"participant_id": "p1", "item_id": "i1", "rating": 4, "rated_at": moment}
    assert counts(import_rows(into.engine, SLUG, "ratings", [row])) == (1, 0, 0, 0)
    file = "participant_id,item_id,rating,rated_at\np1,i1,4.0,2026-01-01T08:00:00+08:00\n"
    assert counts(into.text("ratings", file)) == (0, 0, 1, 0)
    assert into.one("select row_key from rating") == rating_key("p1", "i1", None, moment)


def test_a_refusal_inside_the_callers_transaction_leaves_it_as_it_was(into):
    good = {"item_id": "i1", "title": "One"}
    with write_session(into.engine) as session:
        import_rows(session, SLUG, "items", [good])
        with pytest.raises(Refused):
            import_rows(session, SLUG, "items", [{"item_id": "i2", "title": "Two"}, {"item_id": "i3"}])
    assert into.rows("select external_id from item") == [("i1",)]


def test_an_unknown_study_a_closed_study_and_an_unknown_kind_are_refused(into):
    with pytest.raises(NotFound, match="no study 'other'"):
        import_rows(into.engine, "other", "items", [{"item_id": "i1", "title": "One"}])
    with pytest.raises(InvalidInput, match="'films' is not a kind"):
        import_rows(into.engine, SLUG, "films", [])
    with write_session(into.engine) as session:
        close_study(session, get_study(session, SLUG))
    with pytest.raises(Conflict, match="is closed"):
        into.items("i1")


def test_every_import_is_recorded_with_its_counts(into):
    into.items("i1", "i2")
    into.text("items", "item_id,title\ni1,\ni3,Three\n", skip_bad=True)
    with pytest.raises(Refused):
        into.text("items", "item_id,title\ni4,\n")
    into.text("items", "item_id,title\ni5,Five\n", dry_run=True)
    rows = into.rows("select read, written, quarantined from import_run order by id")
    assert rows == [(2, 2, 0), (2, 1, 1)]
