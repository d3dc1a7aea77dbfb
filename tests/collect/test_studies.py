"""Studies: defined by a file, a template or nothing; launched only when people could take part."""

from pathlib import Path

import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Arm, ConsentText, Item, Participant, Slate, Study
from recux import templates
from recux.collect.studies import close_study, create_study, get_study, launch_study, list_studies, read_definition
from recux.errors import Conflict, InvalidInput, NotFound
from recux.ingest import import_rows

FULL = """
title = "Spring pilot"
domain = "travel"
languages = ["en"]
primary_metric = "sus.usability"
slate_size = 5
batch_size = 100
batch_max_age_hours = 24
instruments = ["nps", "sus"]
[consent]
en = "Do you agree?"
[objectives]
p95_ms = 400
failure_rate = 0.02
[[arms]]
key = "control"
title = "As it is"
weight = 2
source = "popularity"
diversity = 0.3
[[arms]]
key = "api"
source = "http"
url = "https://recommender.example/api?user={participant_id}"
timeout_ms = 900
"""


def definition(tmp_path, text, **how):
    path = tmp_path / "STUDY.toml"
    path.write_text(text, encoding="utf-8")
    return read_definition(path, **how)


def add_item(session, study):
    session.add(Item(study_id=study.id, external_id="i1", title="One"))
    session.flush()


def test_without_a_file_there_is_one_arm_nps_and_csat(engine):
    with write_session(engine) as session:
        study = create_study(session, "plain", read_definition(None))
        arms = session.exec(select(Arm).where(Arm.study_id == study.id)).all()
        consents = session.exec(select(ConsentText.language).where(ConsentText.study_id == study.id)).all()
    assert [arm.key for arm in arms] == ["default"]
    assert study.instruments == ["nps", "csat"]
    assert (study.status, study.title) == ("draft", "plain")
    assert sorted(consents) == ["en", "zh_CN"]


def test_a_file_says_everything(engine, tmp_path):
    with write_session(engine) as session:
        study = create_study(session, "spring", definition(tmp_path, FULL.replace("sus.usability", "nps")))
        arms = session.exec(select(Arm).where(Arm.study_id == study.id).order_by(Arm.id)).all()
        [consent] = session.exec(select(ConsentText))
    assert (study.title, study.domain, study.languages, study.slate_size) == ("Spring pilot", "travel", ["en"], 5)
    assert (study.batch_size, study.batch_max_age_hours, study.primary_metric) == (100, 24, "nps")
    assert study.objectives == {"p95_ms": 400, "failure_rate": 0.02}
    assert [(arm.key, arm.title, arm.weight, arm.source) for arm in arms] == [
        ("control", "As it is", 2.0, "popularity"),
        ("api", "api", 1.0, "http"),
    ]
    assert arms[0].options == {"diversity": 0.3}
    assert arms[1].options["timeout_ms"] == 900
    assert consent.text == "Do you agree?"


@pytest.mark.parametrize("domain", ["e-commerce", "content", "social", "medical", "travel"])
def test_every_domain_has_a_template_in_both_languages(sqlite_engine, domain):
    template = templates.load(domain)
    assert set(template.consent) == set(template.vocabulary) == {"en", "zh_CN"}
    assert template.cautions
    assert set(template.objectives) == {"p95_ms", "failure_rate"}
    with write_session(sqlite_engine) as session:
        study = create_study(session, "t", read_definition(None, template=domain))
        add_item(session, study)
        assert launch_study(session, study)[: len(template.cautions)] == list(template.cautions)
    assert (study.domain, study.instruments) == (domain, list(template.instruments))


def test_medical_studies_promise_no_advice_in_both_languages():
    consent = templates.load("medical").consent
    assert "no medical advice" in consent["en"]
    assert "不提供任何医疗建议" in consent["zh_CN"]


def test_the_shipped_example_is_a_valid_study(sqlite_engine):
    path = Path(__file__).parents[2] / "examples" / "studies" / "two_arms.toml"
    with write_session(sqlite_engine) as session:
        study = create_study(session, "example", read_definition(path))
        add_item(session, study)
        launch_study(session, study)
    assert study.status == "live"


def test_what_the_file_says_goes_before_the_template(tmp_path):
    found = definition(tmp_path, '[objectives]\np95_ms = 50\n[consent]\nen = "Mine"', template="medical")
    assert (found.domain, found.objectives, found.consent) == ("medical", {"p95_ms": 50.0}, {"en": "Mine"})
    assert found.instruments == ["nps", "csat", "trust"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('title = "Spring pilot"', 'titel = "x"', "titel: is not a key that is known here"),
        ('"travel"', '"space"', "space"),
        ('["en"]', '["english"]', "'english' is not a language code"),
        ('["en"]', "[]", "languages"),
        ('"sus.usability"', '"ndcg"', "ranking figures describe"),
        ('"sus.usability"', '"csat"', "csat is not among the instruments"),
        ('"sus.usability"', '"sus.beauty"', "sus measures"),
        ("slate_size = 5", "slate_size = 0", "slate_size"),
        ("batch_size = 100", 'batch_size = "many"', "batch_size"),
        ("batch_max_age_hours = 24", "batch_max_age_hours = nan", "batch_max_age_hours"),
        ("batch_max_age_hours = 24", "batch_max_age_hours = 2e7", "batch_max_age_hours"),
        ('["nps", "sus"]', '["moods"]', "'moods' is not an instrument"),
        ("failure_rate = 0.02", "failure_rate = 2", "failure_rate must be a share"),
        ("failure_rate = 0.02", "p50_ms = 2", "objectives.p50_ms"),
        ('key = "api"', 'key = "control"', "more than one arm has the key 'control'"),
        ("weight = 2", "weight = -1", "arms.1.weight"),
        ('source = "popularity"', 'source = "magic"', "arms.1.source"),
        ("diversity = 0.3", "diversty = 0.3", "no option 'diversty'"),
        ('url = "https', 'url = "ftp', "must start with http"),
        ("[consent]", "[consent", "not a TOML file"),
    ],
)
def test_a_file_that_breaks_a_rule_is_refused_with_the_key(tmp_path, old, new, words):
    base = FULL.replace('"sus.usability"', '"nps"') if '"sus.' not in old else FULL
    assert old in base
    with pytest.raises((InvalidInput, NotFound)) as caught:
        definition(tmp_path, base.replace(old, new))
    assert words in str(caught.value)


def test_arms_that_all_weigh_nothing_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="weight above 0"):
        definition(tmp_path, '[[arms]]\nkey = "a"\nweight = 0\nsource = "popularity"')


@pytest.mark.parametrize("slug", ["", "Big", "two words", "-a", "a-", "../up", "x" * 65, "é"])
def test_a_slug_fits_into_an_address(sqlite_engine, slug):
    with pytest.raises(InvalidInput, match="cannot name a study"), write_session(sqlite_engine) as session:
        create_study(session, slug, read_definition(None))


def test_a_slug_is_taken_once(engine):
    with write_session(engine) as session:
        create_study(session, "a", read_definition(None))
    with pytest.raises(Conflict, match="'a' already"), write_session(engine) as session:
        create_study(session, "a", read_definition(None))
    with write_session(engine) as session:
        create_study(session, "b", read_definition(None))
        assert [study.slug for study in list_studies(session)] == ["b", "a"]
        assert get_study(session, "a").salt != get_study(session, "b").salt
        with pytest.raises(NotFound, match="no study 'c'"):
            get_study(session, "c")


def test_a_study_without_items_is_not_launched_unless_all_arms_call_a_recommender(engine, tmp_path):
    with write_session(engine) as session:
        study = create_study(session, "a", read_definition(None))
        with pytest.raises(Conflict, match="no items to recommend; import some with recux import items"):
            launch_study(session, study)
        http = '[[arms]]\nkey = "x"\nsource = "http"\nurl = "https://r.example"'
        launch_study(session, create_study(session, "b", definition(tmp_path, http)))


def test_a_launch_says_which_recommender_will_not_be_called_and_why(sqlite_engine, tmp_path, monkeypatch):
    arm = """[[arms]]
key = "api"
source = "http"
url = "https://rec.example.org/x"
headers = { Authorization = "Bearer ${RECUX_RECOMMENDER_TOKEN}" }
"""
    monkeypatch.delenv("RECUX_RECOMMENDER_TOKEN", raising=False)
    with write_session(sqlite_engine) as session:
        said = launch_study(session, create_study(session, "without", definition(tmp_path, arm)))
        assert any("arm api" in one and "RECUX_RECOMMENDER_TOKEN" in one for one in said)
        monkeypatch.setenv("RECUX_RECOMMENDER_TOKEN", "abc")
        said = launch_study(session, create_study(session, "with", definition(tmp_path, arm)))
        assert not any("arm api" in one for one in said)


def test_a_study_lacking_a_consent_text_is_not_launched(engine, tmp_path):
    with write_session(engine) as session:
        study = create_study(session, "a", definition(tmp_path, '[consent]\nen = "Yes?"'))
        add_item(session, study)
        with pytest.raises(Conflict, match="no consent text in zh_CN"):
            launch_study(session, study)
    assert study.status == "draft"


def test_the_launch_assigns_everyone_evenly_by_weight(engine, tmp_path):
    arms = '[[arms]]\nkey = "a"\nweight = 3\nsource = "popularity"\n[[arms]]\nkey = "b"\nsource = "popularity"'
    with write_session(engine) as session:
        study = create_study(session, "s", definition(tmp_path, arms))
        add_item(session, study)
        session.add_all(Participant(study_id=study.id, external_id=f"p{n}") for n in range(40))
        launch_study(session, study)
        people = session.exec(select(Participant.arm_id)).all()
        first, second = session.exec(select(Arm.id).order_by(Arm.id)).all()
        assert study.status == "live"
        assert study.launched_at is not None
    assert (people.count(first), people.count(second)) == (30, 10)


def test_slates_imported_without_an_arm_follow_their_person_at_the_launch(engine, tmp_path):
    arms = '[[arms]]\nkey = "a"\nsource = "imported"\n[[arms]]\nkey = "b"\nsource = "imported"'
    rows = [{"slate_id": f"s{n}", "participant_id": f"p{n}", "item_id": "i1", "position": 1} for n in range(4)]
    with write_session(engine) as session:
        study = create_study(session, "s", definition(tmp_path, arms))
        add_item(session, study)
        import_rows(session, "s", "slates", rows)
        launch_study(session, study)
        joined = select(Slate.arm_id, Participant.arm_id).join(Participant, Participant.id == Slate.participant_id)
        found = session.exec(joined).all()
    assert all(ours == theirs is not None for ours, theirs in found)
    assert len({ours for ours, _ in found}) == 2


def test_a_life_goes_one_way(engine):
    with write_session(engine) as session:
        study = create_study(session, "s", read_definition(None))
        add_item(session, study)
        launch_study(session, study)
        with pytest.raises(Conflict, match="is live; only a draft"):
            launch_study(session, study)
        close_study(session, study)
        with pytest.raises(Conflict, match="closed already"):
            close_study(session, study)
    with write_session(engine) as session:
        stored = session.exec(select(Study)).one()
    assert stored.status == "closed"
    assert stored.closed_at is not None
