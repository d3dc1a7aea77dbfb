"""What pages read directly: comments, the way of people, the open batch, the checklist, the board."""

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import Consent, ConsentText, Item, Participant, Rating, Response, Study
from db.tables import Session as BrowserSession
from recux.access.sessions import start_session
from recux.insight.comments import Wanted, comments, mask, written
from recux.insight.people import cohorts, funnel
from recux.insight.rounds import history, open_batch
from recux.insight.setup import checklist
from recux.rounds.batches import close_batch
from tests.planting import plant_answers, plant_person, plant_rating, plant_study


@pytest.fixture
def shop(engine: sa.Engine) -> Study:
    """Three people who count, one withdrawn, one test; two comments that count."""
    with write_session(engine) as session:
        study = plant_study(session)
        arm = arms_of(session, study.id)[0]
        item = session.exec(select(Item.id)).first()
        ann, bob, _cem = (plant_person(session, study, name, arm_id=arm.id) for name in ("ann", "bob", "cem"))
        gone = plant_person(session, study, "gone", withdrawn_at=study.created_at)
        tester = plant_person(session, study, "tester", test=True)
        plant_rating(session, ann, item, 2, comment="100% wool? ask ann@example.org")
        plant_rating(session, bob, item, 5, comment="Great fit")
        for person in (gone, tester):
            plant_rating(session, person, item, 1, comment="never seen")
        plant_answers(session, bob, "nps", score=9)
        return study


def test_comments_of_the_withdrawn_and_of_tests_are_never_shown(engine, shop):
    with read_session(engine) as session:
        assert set(comments(session, shop)["comment"]) == {"100% wool? ask [e-mail]", "Great fit"}
        assert written(session, shop) == (2, 2, 0)


@pytest.mark.parametrize(
    ("search", "found"), [("WOOL", 1), ("100%", 1), ("great fit", 1), ("%", 1), ("_", 0), ("zebra", 0)]
)
def test_search_takes_words_literally_in_any_case(engine, shop, search, found):
    with read_session(engine) as session:
        assert len(comments(session, shop, Wanted(search=search))) == found


def test_comments_are_filtered_by_stars_and_arm_and_unmasked_on_request(engine, shop):
    with read_session(engine) as session:
        assert list(comments(session, shop, Wanted(stars=(4, 5)))["comment"]) == ["Great fit"]
        assert comments(session, shop, Wanted(arm="b")).empty
        assert "ann@example.org" in comments(session, shop, raw=True)["comment"].str.cat()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("a.b+c@mail.example.co.uk!", "[e-mail]!"),
        ("+49 (0)151 2345-6789", "[number]"),
        ("4111 1111 1111 1111", "[number]"),
        ("size 42, 5 stars, 2026, 10 000", "size 42, 5 stars, 2026, 10 000"),
    ],
)
def test_addresses_and_long_numbers_are_masked_and_short_ones_stay(text, masked):
    assert mask(text) == masked


def test_the_funnel_counts_whoever_reached_a_later_step_in_the_earlier_ones(engine, shop):
    with write_session(engine) as session:
        cem = session.exec(select(Participant).where(Participant.external_id == "cem")).one()
        text = ConsentText(study_id=shop.id, language="en", text="?")
        session.add(text)
        session.flush()
        session.add(Consent(participant_id=cem.id, consent_text_id=text.id, given=True))
        start_session(session, participant=cem, hours=1)
        assert len(session.exec(select(BrowserSession)).all()) == 1
        steps = funnel(session, shop).set_index("step")["people"].to_dict()
    expected = {"in_study": 3, "opened": 3, "consented": 3, "rated": 2, "answered": 1, "finished": 0}
    assert steps == expected


def test_an_imported_person_has_finished_with_an_answer_to_every_questionnaire(engine, shop):
    with write_session(engine) as session:
        study = session.get_one(Study, shop.id)
        study.instruments = ["nps", "csat"]
        ann = session.exec(select(Participant).where(Participant.external_id == "ann")).one()
        for instrument in ("nps", "csat"):
            assert funnel(session, study).set_index("step")["people"]["finished"] == 0
            mine = select(Response).where(Response.participant_id == ann.id, Response.instrument == instrument)
            if session.exec(mine).first() is None:
                row = {"study_id": study.id, "participant_id": ann.id, "version": "1"}
                session.add(Response(**row, instrument=instrument))
                session.flush()
        assert funnel(session, study).set_index("step")["people"]["finished"] == 1
        assert cohorts(session, study)["finished"].sum() == 1


def test_the_open_batch_holds_what_is_in_no_batch_yet(engine, shop):
    with write_session(engine) as session:
        assert open_batch(session, shop)[:3] == (2, 1, 1)
        close_batch(session, shop)
        assert open_batch(session, shop)[:3] == (0, 0, 0)
        assert history(session, shop)[["number", "ratings", "answers"]].to_numpy().tolist() == [[1, 2, 1]]


def test_the_checklist_names_what_a_launch_needs(engine):
    with write_session(engine) as session:
        study = plant_study(session, items=0, arms=("only",))
        missing = {check.code for check in checklist(session, study) if not check.ok}
        assert missing == {"consent", "two_arms", "items", "people", "slates"}
        _complete(session, study)
        assert all(check.ok for check in checklist(session, study) if check.needed)


def _complete(session: Session, study: Study) -> None:
    session.add(Item(study_id=study.id, external_id="i", title="I"))
    for language in study.languages:
        session.add(ConsentText(study_id=study.id, language=language, text="?"))
    session.flush()
    assert session.exec(select(col(Rating.id))).all() == []
