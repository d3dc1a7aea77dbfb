"""Every admin page on a real database: what it shows, what it says when there is nothing, what each widget writes."""

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select
from streamlit.testing.v1 import AppTest

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import (
    Arm,
    Audit,
    Impression,
    Item,
    ModelVersion,
    Participant,
    Rating,
    Request,
    Round,
    Slate,
    Study,
    Suggestion,
    User,
)
from recux.evaluation import evaluate_round
from recux.rounds.batches import close_batch
from recux.ui.story import ADMIN_PAGES
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study

PAGES = [page.name for page in ADMIN_PAGES]


def plant_pilot(session: Session, people: int = 24) -> Study:
    """Two arms, ``b`` half a star better; ratings with comments, NPS, slates and requests; nothing batched."""
    study = plant_study(session, items=4, objectives={"p95_ms": 250.0}, synthetic=True)
    items = [item.id for item in session.exec(select(Item).where(Item.study_id == study.id))]
    for n in range(people):
        arm = arms_of(session, study.id)[n % 2]
        person = plant_person(session, study, f"p{n}", arm_id=arm.id, cohort="new")
        slate = Slate(study_id=study.id, participant_id=person.id, arm_id=arm.id, external_id=f"s{n}", served_at=START)
        session.add(slate)
        session.flush()
        for position, item in enumerate(items, 1):
            session.add(Impression(slate_id=slate.id, item_id=item, position=position, shown_at=START))
            stars = min(5, 2 + (n * 7 + position) % 3 + n % 2)
            said = {1: "call me: 0151 2345 6789", 2: "too *slow* ![x](http://evil.test/x.png)"}.get(position)
            plant_rating(session, person, item, stars, slate_id=slate.id, comment=said, day=n % 5)
        plant_answers(session, person, "nps", score=float((n * 3) % 7 + 4 * (n % 2)), day=n % 5)
        plant_answers(session, person, "csat", score=float(1 + (n + n % 2) % 5))
        for k in range(20):
            ms = 100.0 + 5 * k + 100 * (n % 2)
            request = {"row_key": f"{n}-{k}", "requested_at": START, "duration_ms": ms, "outcome": "ok"}
            session.add(Request(study_id=study.id, arm_id=arm.id, **request))
    return study


def plant_round(session: Session, study: Study) -> Round:
    """Close the batch and pretend the models; the figures are computed as a round computes them."""
    round_ = close_batch(session, study)
    round_.status, round_.started_at, round_.finished_at = "done", START, START
    evaluate_round(session, round_)
    for name, value in (("encoder", 0.8), ("tfidf_logistic", 0.7)):
        auc = {"value": value, "ci_low": value - 0.1, "ci_high": value + 0.1, "n": 10, "definition": "d", "method": "m"}
        model = {"head": "satisfaction", "name": name, "baseline": name != "encoder", "champion": name == "encoder"}
        session.add(
            ModelVersion(
                study_id=study.id, round_id=round_.id, base_model="x", folder="x", metrics={"auc": auc}, **model
            )
        )
    return round_


def plant_suggestion(session: Session, study: Study, round_: Round, **fields: object) -> Suggestion:
    figure = {"value": -0.4, "ci_low": -0.6, "ci_high": -0.2, "n": 24, "definition": "d", "method": "m"}
    ratings = session.exec(select(Rating.id).where(Rating.study_id == study.id)).all()
    predicted = figure | {"metric": "mean_rating", "value": 0.3, "ci_low": 0.1, "ci_high": 0.5, "delta": 0.1}
    plan = {"where": {}, "plan": {"arm": "b", "control": "a"}, "guardrails": [], "trial": None, "rank": {}}
    values = {
        "rule": "slow",
        "category": "algorithm",
        "metric": "mean_rating",
        "title": {"en": "Arm *b* is slow"},
        "change": {"en": "Make it quick"},
        "figure": figure,
        "predicted": predicted | plan,
        "judged_in_round": 2,
        "evidence": {"ratings": list(ratings), "comments": list(ratings), "requests": [1]},
        "against": [{"en": "It may be the time of day"}],
        "tested": 9,
        "p_adjusted": 0.01,
    }
    suggestion = Suggestion(study_id=study.id, round_id=round_.id, **(values | fields))
    session.add(suggestion)
    session.flush()
    return suggestion


@pytest.fixture
def empty(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        return plant_study(session)


@pytest.fixture
def pilot(sqlite_engine: sa.Engine) -> Study:
    with write_session(sqlite_engine) as session:
        return plant_pilot(session)


@pytest.fixture
def finished(sqlite_engine: sa.Engine, pilot: Study) -> Suggestion:
    """The pilot after its first round, with one suggestion."""
    with write_session(sqlite_engine) as session:
        round_ = plant_round(session, session.get_one(Study, pilot.id))
        return plant_suggestion(session, pilot, round_)


def texts(at: AppTest) -> str:
    """All that can be read on the page outside tables and charts."""
    assert not at.exception, at.exception
    kinds = ("title", "header", "subheader", "markdown", "text", "info", "success", "warning", "error", "code")
    found = [element.value for kind in kinds for element in at.get(kind)]
    return "\n".join([*found, *(f"{m.label} {m.value} {m.delta}" for m in at.metric)])


def charts_on(at: AppTest) -> int:
    return len(at.get("vega_lite_chart") + at.get("arrow_vega_lite_chart"))


def press(at: AppTest, label: str) -> AppTest:
    return next(button for button in at.button if button.label.startswith(label)).click().run()


def field(elements: list, label: str):
    return next(element for element in elements if element.label.startswith(label))


def audited(engine: sa.Engine) -> list[str]:
    with read_session(engine) as session:
        return list(session.exec(select(Audit.action).order_by(Audit.id)))


def test_without_any_study_every_page_says_how_to_begin(open_as) -> None:
    at = open_as("admin")
    for page in PAGES:
        shown = texts(at.switch_page(f"pages/admin/{page}.py").run())
        assert "Welcome to recux" in shown or page in {"studies", "team"}, page


def test_without_answers_every_page_says_what_to_do_next(open_as, empty) -> None:
    at = open_as("admin")
    for page in PAGES:
        shown = at.switch_page(f"pages/admin/{page}.py").run()
        assert texts(shown)
        assert page in {"studies", "team", "experiment"} or shown.info or shown.button, page


def test_before_the_first_round_the_overview_shows_live_figures(open_as, pilot) -> None:
    at = open_as("viewer", "overview")
    assert "As of now" in texts(at)
    assert [m.label for m in at.metric] == ["NPS", "CSAT", "Mean rating"]
    assert all("n = 24" in m.delta for m in at.metric)


def test_the_overview_shows_value_interval_and_n_and_compares_arms(open_as, finished) -> None:
    at = open_as("viewer", "overview")
    assert "As of round 1; 0 newer ratings wait" in texts(at)
    assert "Synthetic data" in texts(at)
    assert charts_on(at) == 3
    at.segmented_control(key="metric").select("mean_rating").run()
    assert "Mean of people's own mean ratings" in texts(at)
    at.segmented_control(key="by").select("day").run()
    assert "Day by day" in texts(at)


def test_leaving_out_flagged_answers_changes_the_figures(open_as, sqlite_engine, pilot) -> None:
    with write_session(sqlite_engine) as session:
        careless = plant_person(session, pilot, "careless", arm_id=arms_of(session, pilot.id)[0].id)
        for item in session.exec(select(Item.id).where(Item.study_id == pilot.id)).all():
            for day in (1, 2):
                plant_rating(session, careless, item, 5, day=day, comment="just the same words again")
    at = open_as("viewer", "overview")
    assert "n = 25" in at.metric[2].delta
    assert "n = 24" in at.toggle(key="careful").set_value(True).run().metric[2].delta


def test_the_experiment_page_gives_a_verdict_in_words(open_as, pilot) -> None:
    shown = texts(open_as("viewer", "experiment"))
    assert "B is better than A" in shown
    assert "A: 12 · B: 12" in shown.replace("\\", "").replace("\u2060", "")


def test_one_arm_has_nothing_to_compare(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, arms=("only",))
    assert "nothing to compare" in texts(open_as("viewer", "experiment"))


def test_the_effect_page_shows_figures_of_the_lists(open_as, pilot) -> None:
    at = open_as("viewer", "effect")
    assert charts_on(at) == 1
    assert "Precision" in texts(at)


def test_the_stability_page_names_the_arm_that_breaks_a_promise(open_as, pilot) -> None:
    at = open_as("viewer", "stability")
    assert "B 290" in at.error[0].value
    assert "A " not in at.error[0].value.partition("Not kept by")[2]


def test_comments_are_masked_and_searched(open_as, pilot) -> None:
    at = open_as("viewer", "comments")
    assert "call me: [number]" in set(at.dataframe[0].value["comment"])
    assert not at.toggle
    found = at.text_input(key="search").set_value("SLOW").run().dataframe[0].value
    assert len(found) == 24
    assert not at.text_input(key="search").set_value("nobody-said-this").run().dataframe


def test_only_an_admin_may_see_what_was_masked(open_as, pilot) -> None:
    at = open_as("admin", "comments")
    at.toggle[0].set_value(True).run()
    assert "call me: 0151 2345 6789" in set(at.dataframe[0].value["comment"])


def test_the_rounds_page_shows_models_beside_baselines(open_as, finished) -> None:
    at = open_as("viewer", "rounds")
    assert "Round 1: done" in texts(at)
    assert "Fine-tuned encoder" in texts(at)
    assert charts_on(at) == 1
    assert not at.button, "a viewer closes no batch"


def test_a_running_round_shows_its_progress(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        round_ = session.exec(select(Round)).one()
        round_.status, round_.stage = "running", "train"
        round_.progress = {"step": 10, "of": 40, "loss": 1.25, "seconds_left": 90.0}
    shown = texts(open_as("viewer", "rounds"))
    assert "Round 1: running" in shown
    assert "Loss 1.250" in shown


def test_a_round_that_waits_too_long_says_that_no_worker_runs(open_as, sqlite_engine, finished) -> None:
    with write_session(sqlite_engine) as session:
        round_ = session.exec(select(Round)).one()
        round_.status, round_.created_at = "queued", START
    assert "recux worker" in texts(open_as("viewer", "rounds"))


def test_an_analyst_closes_the_batch_and_its_round_is_queued(open_as, sqlite_engine, pilot) -> None:
    at = press(open_as("analyst", "rounds"), "Close the batch")
    assert "Batch 1 is closed" in texts(at)
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Round.status)).one() == "queued"
    assert "batch.close" in audited(sqlite_engine)
    press(at, "Cancel this round")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Round.status)).one() == "cancelled"


def test_a_suggestion_shows_evidence_and_what_speaks_against_it(open_as, finished) -> None:
    at = open_as("viewer", "suggestions")
    shown = texts(at)
    assert "time of day" in shown
    assert "one of 9 comparisons" in shown
    assert [m.value for m in at.metric] == ["-0.40", "+0.30"]
    assert len(at.dataframe[0].value) == 5
    assert not at.button, "a viewer decides nothing"


def test_accepting_freezes_and_then_the_change_is_put_in_place(open_as, sqlite_engine, finished) -> None:
    at = press(open_as("analyst", "suggestions"), "Accept")
    assert "frozen" in texts(at)
    press(at, "The change is in place")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "implemented"
    assert audited(sqlite_engine) == ["suggestion.accepted", "suggestion.implemented"]


def test_declining_keeps_the_reason(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    at.text_input(key=f"why-{finished.id}").set_value("too dear")
    press(at, "Decline")
    with read_session(sqlite_engine) as session:
        assert session.get_one(Suggestion, finished.id).status == "declined"
        reason = session.exec(sa.text("select payload from suggestion_event where kind = 'declined'")).one()[0]
    assert "too dear" in str(reason)


def test_a_decision_that_somebody_else_took_meanwhile_is_said(open_as, sqlite_engine, finished) -> None:
    at = open_as("analyst", "suggestions")
    with write_session(sqlite_engine) as session:
        session.get_one(Suggestion, finished.id).status = "judged"
    shown = texts(press(at, "Accept"))
    assert "judged" in shown


def test_an_admin_makes_invite_links_that_work(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "people")
    field(at.number_input, "How many").set_value(3)
    press(at, "Make invite links")
    links = at.dataframe[0].value["link"]
    assert len(links) == 3
    assert all("/join/" in link for link in links)
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(Participant).where(col(Participant.invite_hash).is_not(None))).all()) == 3


def test_people_are_counted_on_their_way(open_as, pilot) -> None:
    at = open_as("viewer", "people")
    assert charts_on(at) == 1
    assert not at.button
    assert at.toggle(key="care").set_value(True).run().dataframe[0].value["people"].sum() >= 0


def test_an_admin_creates_a_study_from_a_template_and_launches_it(open_as, sqlite_engine) -> None:
    at = open_as("admin", "studies")
    field(at.text_input, "Title").set_value("Spring pilot")
    field(at.text_input, "Short name").set_value("spring")
    press(at, "Create as a draft")
    with write_session(sqlite_engine) as session:
        study = session.exec(select(Study)).one()
        assert (study.slug, study.status, study.domain) == ("spring", "draft", "content")
        session.add(Item(study_id=study.id, external_id="i", title="I"))
    press(open_as("admin", "studies"), "Launch")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study.status)).one() == "live"
    assert audited(sqlite_engine) == ["study.create", "study.launch_study"]


def test_a_study_that_makes_no_sense_is_refused_in_words(open_as, sqlite_engine) -> None:
    at = open_as("admin", "studies")
    field(at.text_input, "Short name").set_value("No Good!")
    assert "cannot name a study" in texts(press(at, "Create as a draft")).replace("\\", "").replace("\u2060", "")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study)).all() == []


def test_a_study_without_items_cannot_be_launched(open_as, sqlite_engine) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, items=0).status = "draft"
        session.exec(sa.update(Arm).values(source="popularity"))
    at = open_as("admin", "studies")
    assert next(button for button in at.button if button.label == "Launch").disabled


def test_closing_a_study_asks_first(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "studies")
    assert next(button for button in at.button if button.label == "Close the study").disabled
    at.checkbox[0].check().run()
    press(at, "Close the study")
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Study.status)).one() == "closed"


def test_a_file_is_tried_without_writing_then_imported(open_as, sqlite_engine, empty) -> None:
    at = open_as("analyst", "import_data")
    field(at.selectbox, "What is in").select("ratings").run()
    file = b"user,item_id,rating\nu1,i0,4\nu2,i1,5\n"
    at.file_uploader[0].upload("ratings.csv", file, "text/csv").run()
    field(at.selectbox, "participant_id").select("user").run()
    tried = press(at, "Try without writing")
    assert tried.dataframe[1].value["Written"].item() == 2
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Rating)).all() == []
    press(at, "Import")
    with read_session(sqlite_engine) as session:
        assert len(session.exec(select(Rating)).all()) == 2


def test_a_bad_row_is_shown_and_nothing_is_written(open_as, sqlite_engine, empty) -> None:
    at = open_as("analyst", "import_data")
    field(at.selectbox, "What is in").select("ratings").run()
    at.file_uploader[0].upload("r.csv", b"participant_id,item_id,rating\nu1,i0,7\nu2,i1,5\n", "text/csv").run()
    shown = press(at, "Import")
    assert "some rows break a rule" in texts(shown)
    assert shown.dataframe[2].value["Value"].tolist() == ["7"]
    with read_session(sqlite_engine) as session:
        assert session.exec(select(Rating)).all() == []


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00", b"participant_id,item_id\n"])
def test_a_file_that_cannot_be_read_is_said_plainly(open_as, empty, content) -> None:
    at = open_as("analyst", "import_data")
    at.file_uploader[0].upload("x.csv", content or b" ", "text/csv").run()
    assert not at.exception
    assert at.error


def test_an_admin_adds_changes_and_closes_accounts(open_as, sqlite_engine, empty) -> None:
    at = open_as("admin", "team")
    field(at.text_input, "E-mail").set_value("eve@example.org")
    field(at.text_input, "First password").set_value("long enough words")
    at = press(at, "Add")
    assert "2 people can sign in" in texts(at)
    field(at.selectbox, "Account").select("eve@example.org")
    field(at.selectbox, "What").select("analyst")
    at = press(at, "Change")
    field(at.selectbox, "Account").select("eve@example.org")
    field(at.selectbox, "What").select("disable")
    press(at, "Change")
    with read_session(sqlite_engine) as session:
        eve = session.exec(select(User).where(User.email == "eve@example.org")).one()
    assert eve.role == "analyst"
    assert eve.disabled_at is not None
    assert audited(sqlite_engine) == ["user.create", "user.role", "user.disable"]


def test_a_weak_password_is_refused_in_words(open_as, empty) -> None:
    at = open_as("admin", "team")
    field(at.text_input, "E-mail").set_value("eve@example.org")
    field(at.text_input, "First password").set_value("short")
    assert "10 to 1024" in texts(press(at, "Add")).replace("\\", "")


def test_a_link_opens_the_study_it_names(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        plant_study(session, "other", arms=("x",))
    at = open_as("viewer", study="shop")
    assert at.sidebar.selectbox[0].value == "shop"
    at = open_as("viewer", study="other")
    assert at.sidebar.selectbox[0].value == "other"
    at.sidebar.selectbox[0].select("shop").run()
    assert at.query_params["study"] == "shop"


def test_pages_speak_chinese_to_chinese_browsers(open_as, finished) -> None:
    at = open_as("viewer", "overview")
    at.context = {"locale": "zh-CN"}
    assert "满意" in at.run().title[0].value


def test_foreign_text_is_shown_letter_by_letter(open_as, sqlite_engine, finished) -> None:
    at = open_as("viewer", "suggestions")
    assert r"Arm \*b\* is slow" in at.subheader[0].value


def test_audit_entries_cannot_be_formulas(open_as, sqlite_engine, empty) -> None:
    with write_session(sqlite_engine) as session:
        session.add(Audit(actor="=1+1", action="sign-in.failed", target=""))
    shown = open_as("admin", "team")
    assert isinstance(shown.dataframe[1].value, pd.DataFrame)
    assert not shown.exception
