"""Soft launch, pause, change, copy and putting away of a study."""

import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.queries import counts
from db.tables import Arm, ConsentText, Participant, Study
from recux.collect import study_life
from recux.collect.consent import current_consent, decide, standing
from recux.collect.definitions import StudyDefinition
from recux.collect.studies import close_study, create_study, launch_study
from recux.errors import Conflict, InvalidInput
from recux.rounds.batches import close_batch, due
from tests.planting import plant_person, plant_rating

DEFINITION = StudyDefinition.model_validate(
    {
        "title": "Spring",
        "languages": ["en"],
        "consent": {"en": "Do you agree?"},
        "arms": [
            {"key": "a", "title": "A", "source": "http", "url": "https://a.example.org"},
            {"key": "b", "source": "http", "url": "https://b.example.org", "weight": 2},
        ],
    }
)


@pytest.fixture
def draft(engine) -> Study:
    with write_session(engine) as session:
        return create_study(session, "spring", DEFINITION)


def changed(study: Study, engine, version: int | None = None, **settings) -> list[str]:
    with write_session(engine) as session:
        one = session.get_one(Study, study.id)
        wanted = study_life.definition_of(session, one).model_copy(update=settings)
        return study_life.change_study(session, one, wanted, version=version or one.edit_version)


def test_a_study_gives_back_the_definition_it_was_made_from(engine, draft):
    with read_session(engine) as session:
        again = study_life.definition_of(session, session.get_one(Study, draft.id))
    titled = DEFINITION.arms[1].model_copy(update={"title": "b"})
    assert again == DEFINITION.model_copy(update={"arms": [DEFINITION.arms[0], titled]})


def test_a_draft_can_change_in_everything_and_a_new_first_arm_is_the_control(engine, draft):
    arms = [DEFINITION.arms[1], DEFINITION.arms[0].model_copy(update={"title": "Other"})]
    assert changed(draft, engine, arms=arms, slate_size=3, consent={"en": "New"}) == ["slate_size", "consent", "arms"]
    with read_session(engine) as session:
        assert [arm.key for arm in session.exec(select(Arm).order_by(Arm.id))] == ["b", "a"]
        assert [text.text for text in session.exec(select(ConsentText))] == ["New"]


def test_the_second_of_two_who_edit_at_once_is_told_and_changes_nothing(engine, draft):
    changed(draft, engine, title="First")
    with pytest.raises(Conflict, match="somebody else changed"):
        changed(draft, engine, version=1, title="Second")
    with read_session(engine) as session:
        assert session.get_one(Study, draft.id).title == "First"


def launch(engine, study: Study) -> None:
    with write_session(engine) as session:
        launch_study(session, session.get_one(Study, study.id))


def test_a_launch_freezes_what_gives_answers_their_meaning(engine, draft):
    launch(engine, draft)
    with pytest.raises(Conflict, match="primary_metric, arms cannot change"):
        changed(draft, engine, primary_metric="nps", arms=[DEFINITION.arms[0]])
    retitled = [arm.model_copy(update={"title": "Better name"}) for arm in DEFINITION.arms]
    assert changed(draft, engine, batch_size=50, arms=retitled) == ["batch_size", "arms"]


def test_a_new_consent_text_after_the_launch_is_a_new_version(engine, draft):
    launch(engine, draft)
    changed(draft, engine, consent={"en": "More"})
    with read_session(engine) as session:
        assert [(t.version, t.text) for t in session.exec(select(ConsentText).order_by(ConsentText.id))] == [
            (1, "Do you agree?"),
            (2, "More"),
        ]


def agree(engine, study: Study, name: str, **fields) -> Participant:
    with write_session(engine) as session:
        person = plant_person(session, study, name, **fields)
        decide(session, person, current_consent(session, person, "en"), True)
        return person


def test_a_soft_launch_lets_only_so_many_people_in(engine, draft):
    with write_session(engine) as session:
        study_life.soft_launch(session, session.get_one(Study, draft.id), 2)
    first = agree(engine, draft, "p1")
    agree(engine, draft, "tester", test=True)
    agree(engine, draft, "p2")
    with write_session(engine) as session:
        late = plant_person(session, draft, "p3")
        assert standing(session, late) == "paused"
        assert standing(session, session.get_one(Participant, first.id)) == "open"
        study_life.end_soft_launch(session, session.get_one(Study, draft.id), keep=True)
        assert standing(session, late) == "open"


def test_answers_of_a_soft_launch_can_be_discarded_and_no_batch_is_closed_before(engine, draft):
    with write_session(engine) as session:
        study = session.get_one(Study, draft.id)
        study_life.soft_launch(session, study, 5)
        study.batch_size = 1
    person = agree(engine, draft, "p1")
    with write_session(engine) as session:
        study = session.get_one(Study, draft.id)
        from db.tables import Item

        session.add(Item(study_id=study.id, external_id="i", title="I"))
        session.flush()
        plant_rating(session, person, session.exec(select(Item.id)).one(), 5)
        assert due(session, study) is None
        with pytest.raises(Conflict, match="soft launch"):
            close_batch(session, study)
        plant_person(session, study, "never came")
        assert study_life.end_soft_launch(session, study, keep=False) == 1
        assert close_batch(session, study) is None
        assert session.exec(select(Participant.external_id).where(counts())).all() == ["never came"]
        with pytest.raises(Conflict, match="not in a soft launch"):
            study_life.end_soft_launch(session, study, keep=True)


def test_a_soft_launch_for_nobody_is_refused(engine, draft):
    with write_session(engine) as session, pytest.raises(InvalidInput):
        study_life.soft_launch(session, session.get_one(Study, draft.id), 0)


def test_a_study_pauses_goes_on_closes_and_is_put_away(engine, draft):
    launch(engine, draft)
    with write_session(engine) as session:
        study = session.get_one(Study, draft.id)
        with pytest.raises(Conflict, match="close it before"):
            study_life.archive_study(session, study)
        study_life.pause_study(session, study)
        with pytest.raises(Conflict, match="is paused, not live"):
            study_life.pause_study(session, study)
        study_life.resume_study(session, study)
        close_study(session, study)
        study_life.archive_study(session, study)
        assert study.archived_at is not None
        study_life.restore_study(session, study)
        assert study.archived_at is None


def test_a_copy_is_a_draft_with_the_same_settings_and_nobody_in_it(engine, draft):
    launch(engine, draft)
    agree(engine, draft, "p1")
    with write_session(engine) as session:
        copy = study_life.duplicate_study(session, session.get_one(Study, draft.id), "autumn")
        assert (copy.status, copy.title, copy.salt != draft.salt) == ("draft", "Spring (copy)", True)
        assert len(session.exec(select(Participant).where(Participant.study_id == copy.id)).all()) == 0
        assert len(session.exec(select(Arm).where(Arm.study_id == copy.id)).all()) == 2
        with pytest.raises(Conflict, match="already"):
            study_life.duplicate_study(session, copy, "spring")
