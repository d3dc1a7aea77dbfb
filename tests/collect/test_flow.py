"""What a study's file says about its flow: steps, design, panel; and what is refused, in words."""

import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from recux.collect.flow import Panel
from recux.collect.progress import plan
from recux.collect.studies import StudyDefinition, create_study, launch_study
from recux.validation import first_problem

TWO = [{"key": "a", "source": "popularity"}, {"key": "b", "source": "content"}]
CROSSED = {"design": "crossover", "arms": TWO}


def way_of(session, **said) -> list[str]:
    study = create_study(session, "s", StudyDefinition.model_validate(said))
    return ["/".join(filter(None, (one.name, one.instrument, str(one.period)))) for one in plan(study)]


@pytest.fixture
def session(sqlite_engine):
    from db.engine import write_session

    with write_session(sqlite_engine) as session:
        yield session


def test_without_any_word_of_it_the_way_is_consent_slate_questionnaires_thanks(session):
    assert way_of(session) == ["consent/1", "rate/1", "survey/nps/1", "survey/csat/1", "thanks/1"]


def test_a_questionnaire_can_have_a_place_of_its_own(session):
    steps = ["consent", "csat", "preferences", "slate", "questionnaires", "thanks"]
    found = way_of(session, steps=steps)
    assert found == ["consent/1", "survey/csat/1", "preferences/1", "rate/1", "survey/nps/1", "thanks/1"]


def test_a_crossover_study_shows_two_lists_and_asks_about_each_what_it_names(session):
    found = way_of(session, **CROSSED, per_list=["csat"])
    assert found == [
        "consent/1", "rate/1", "survey/csat/1", "rate/2", "survey/csat/2", "survey/nps/1", "thanks/1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"steps": ["consent", "slate", "quiz", "thanks"]}, "'quiz' is none of consent, preferences"),
        ({"steps": ["slate", "questionnaires", "thanks"]}, "must begin with 'consent'"),
        ({"steps": ["consent", "questionnaires"]}, "end with 'thanks'"),
        ({"steps": ["consent", "slate", "slate", "questionnaires", "thanks"]}, "more than once"),
        ({"steps": ["consent", "slate", "preferences", "questionnaires", "thanks"]}, "before 'slate'"),
        ({"steps": ["consent", "slate", "csat", "thanks"]}, "'nps' would never be asked"),
        ({"steps": "consent"}, "steps"),
        ({"design": "latin"}, "'between' or 'crossover'"),
        ({"design": "crossover"}, "exactly two arms"),
        ({"design": "crossover", "arms": [TWO[0], {**TWO[1], "weight": 2}]}, "same weight"),
        ({**CROSSED, "steps": ["consent", "questionnaires", "thanks"]}, "needs the step 'slate'"),
        ({**CROSSED, "per_list": ["sus"]}, "'sus' is not among the instruments"),
        ({**CROSSED, "per_list": ["csat"], "steps": ["consent", "slate", "csat", "nps", "thanks"]}, "asked after each"),
        ({"per_list": ["csat"]}, 'needs design = "crossover"'),
        ({"debrief": {"fr": "Merci"}}, "'fr' is not among the study's languages"),
        ({"shuffle": "perhaps"}, "shuffle"),
        ({"panel": {"parameter": "a b"}}, "cannot be a parameter"),
        ({"panel": {"completion_url": "http://panel.example"}}, "must begin with https://"),
        ({"panel": {"completion_url": "javascript:alert(1)"}}, "must begin with https://"),
        ({"panel": {"completion_url": "https://panel.example/{NAME}"}}, "only {PROLIFIC_PID}"),
        ({"panel": {"completion_url": "https://{PROLIFIC_PID}.example"}}, "name a host"),
    ],
)
def test_a_wrong_value_is_refused_in_words_that_say_what_is_right(said, words):
    with pytest.raises(ValidationError) as refused:
        StudyDefinition.model_validate(said)
    assert words in first_problem(refused.value)


def test_a_panels_names_are_prolifics_unless_said_otherwise():
    assert (Panel().parameter, Panel().also) == ("PROLIFIC_PID", ["STUDY_ID", "SESSION_ID"])


def test_a_study_that_only_asks_needs_no_items(session):
    said = {"steps": ["consent", "questionnaires", "thanks"], "consent": {"en": "Take part?", "zh_CN": "愿意参加吗？"}}
    study = create_study(session, "asks", StudyDefinition.model_validate(said))
    launch_study(session, study)
    assert (study.status, [one.name for one in plan(study)]) == ("live", ["consent", "survey", "survey", "thanks"])


def test_the_example_in_the_documentation_is_a_study_file(session):
    text = (Path(__file__).parents[2] / "docs" / "study-file.md").read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    definition = StudyDefinition.model_validate(tomllib.loads(example))
    assert set(tomllib.loads(example)) == set(StudyDefinition.model_fields)  # every key is shown
    assert (definition.design, definition.panel.completion_code) == ("crossover", "C1A2B3")
