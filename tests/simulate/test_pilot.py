from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from sqlmodel import Session, col, select

from db.tables import Answer, Arm, ImportRun, Interaction, Item, Participant, Rating, Request, Study
from recux.errors import Conflict
from recux.simulate import draw_truth, simulate_pilot, simulate_round
from recux.simulate.truth import pools

UNTIL = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def big(tmp_path_factory, sqlite_template):
    """A pilot of 400 people, in which what is planted shows clearly."""
    from db.engine import build_engine

    path = tmp_path_factory.mktemp("pilot") / "recux.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = build_engine(f"sqlite:///{path}")
    truth = simulate_pilot(engine, "pilot", participants=400, seed=3, until=UNTIL)
    yield engine, truth
    engine.dispose()


def ratings_of(engine, slug="pilot"):
    statement = (
        select(Rating.rating, Rating.comment, Participant.external_id, Participant.cohort, Item.category, Arm.key)
        .join(Participant, col(Participant.id) == Rating.participant_id)
        .join(Item, col(Item.id) == Rating.item_id)
        .join(Arm, col(Arm.id) == Participant.arm_id)
        .join(Study, col(Study.id) == Rating.study_id)
        .where(Study.slug == slug)
        .order_by(col(Rating.id))
    )
    with Session(engine) as session:
        columns = ["rating", "comment", "person", "cohort", "category", "arm"]
        return pd.DataFrame(session.exec(statement).all(), columns=columns)


def test_the_study_is_live_labelled_synthetic_and_complete(engine):
    truth = simulate_pilot(engine, "pilot", participants=8, seed=5, until=UNTIL)
    with Session(engine) as session:
        study = session.exec(select(Study)).one()
        assert (study.synthetic, study.status, study.slate_size) == (True, "live", 8)
        arms = session.exec(select(Arm).order_by(col(Arm.id))).all()
        assert [arm.key for arm in arms] == [arm.key for arm in truth.arms]
        assert len(session.exec(select(Item)).all()) == 40
        people = session.exec(select(Participant)).all()
        assert len(people) == 8
        assert all(person.external_id.startswith("sim-") for person in people)
        kinds = {run.kind for run in session.exec(select(ImportRun))}
        assert kinds == {"items", "participants", "slates", "interactions", "ratings", "responses", "requests"}
        assert {interaction.kind for interaction in session.exec(select(Interaction))} >= {"view", "click"}


def test_the_same_seed_writes_the_same_rows_and_another_seed_others(sqlite_engine):
    for slug, seed in (("one", 4), ("two", 4), ("three", 5)):
        simulate_pilot(sqlite_engine, slug, participants=6, seed=seed, until=UNTIL)
    one, two, three = (ratings_of(sqlite_engine, slug) for slug in ("one", "two", "three"))
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(three)


def test_people_are_split_evenly_and_times_lie_in_the_window(big):
    engine, _ = big
    with Session(engine) as session:
        people = session.exec(select(Participant)).all()
        times = session.exec(select(Rating.rated_at)).all()
    assert sorted(pd.Series([person.arm_id for person in people]).value_counts()) == [200, 200]
    assert UNTIL - timedelta(days=21) < min(times)
    assert max(times) < UNTIL
    assert len({moment.date() for moment in times}) > 15


def test_the_better_arm_is_better_by_what_was_planted(big):
    engine, truth = big
    means = ratings_of(engine).groupby(["arm", "person"])["rating"].mean().groupby("arm").mean()
    other = next(arm.key for arm in truth.arms if arm.key != truth.better_arm.key)
    assert 0.5 < means[truth.better_arm.key] - means[other] < 1.0


def test_one_cohort_dislikes_one_category(big):
    engine, truth = big
    means = ratings_of(engine).groupby(["cohort", "category"])["rating"].mean()
    others = means.drop((truth.cohort, truth.category))
    assert means[truth.cohort, truth.category] < others.min() - 0.8
    assert others.max() - others.min() < 0.9


def test_ratings_of_one_person_are_alike_as_in_real_life(big):
    engine, _ = big
    ratings = ratings_of(engine)
    within_arm = ratings["rating"] - ratings.groupby("arm")["rating"].transform("mean")
    groups = within_arm.groupby(ratings["person"])
    k = groups.size().mean()
    between = (groups.size() * groups.mean() ** 2).sum() / (groups.ngroups - 1)
    within = groups.var().mean()
    assert 0.2 < (between - within) / (between + (k - 1) * within) < 0.4
    assert 0.95 < ratings["rating"].std() < 1.25


def test_the_slow_arm_is_slow_and_fails_more(big):
    engine, truth = big
    with Session(engine) as session:
        rows = session.exec(
            select(Arm.key, Request.duration_ms, Request.outcome).join(Arm, col(Arm.id) == Request.arm_id)
        ).all()
    calls = pd.DataFrame(rows, columns=["arm", "ms", "outcome"])
    median = calls.groupby("arm")["ms"].median()
    failed = (calls["outcome"] != "ok").groupby(calls["arm"]).mean()
    (slow,) = truth.slow_arms
    other = next(arm.key for arm in truth.arms if arm.key != slow)
    assert median[slow] > 3 * median[other]
    assert failed[slow] > 0.035 > 0.02 > failed[other]


def test_unhappy_people_complain_of_the_theme_and_no_other(big):
    engine, truth = big
    ratings = ratings_of(engine).dropna(subset="comment")

    def mentions(theme):
        phrases = [what for words in pools()["themes"][theme].values() for what in words["what"]]
        return ratings["comment"].apply(lambda text: any(phrase in text for phrase in phrases))

    unhappy = ratings["rating"] <= 2
    said = mentions(truth.theme)
    assert said[unhappy].mean() > 0.45
    assert said[ratings["rating"] >= 4].mean() < 0.08
    assert not any(mentions(theme).any() for theme in pools()["themes"] if theme != truth.theme)


def test_a_text_model_can_learn_the_stars_in_both_languages(big):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    engine, _ = big
    ratings = ratings_of(engine).dropna(subset="comment")
    chinese = ratings["comment"].str.contains(r"[\u4e00-\u9fff]")
    assert 0.12 < chinese.mean() < 0.3
    clear = ratings["rating"] != 3
    for rows in (ratings[chinese & clear], ratings[~chinese & clear]):
        half = len(rows) // 2
        vectors = TfidfVectorizer(analyzer="char", ngram_range=(1, 3)).fit_transform(rows["comment"])
        label = rows["rating"] > 3
        model = LogisticRegression().fit(vectors[:half], label[:half])
        assert roc_auc_score(label[half:], model.predict_proba(vectors[half:])[:, 1]) > 0.85


def test_some_answer_without_looking(big):
    engine, _ = big
    ratings = ratings_of(engine)
    groups = ratings.groupby("person")["rating"]
    straight = (groups.nunique() == 1) & (groups.size() >= 5)
    assert 0.03 < straight.mean() < 0.12
    comments = ratings["comment"].dropna()
    assert 0.4 < ratings["comment"].notna().mean() < 0.75
    assert 0.03 < comments.isin(["ok", "还行"]).mean() < 0.12


def test_recommendation_scores_follow_satisfaction(big):
    engine, _ = big
    with Session(engine) as session:
        answers = session.exec(select(Answer.question, Answer.value, Answer.text)).all()
    scores = [value for question, value, _ in answers if question == "score"]
    assert set(scores) <= set(range(11))
    assert 0.4 < sum(question == "why" for question, _, _ in answers) / len(scores) < 0.7


def test_roles_and_names_change_with_the_seed():
    truths = [draw_truth(seed) for seed in range(30)]
    assert len({truth.category for truth in truths}) > 5
    assert len({truth.cohort for truth in truths}) > 4
    assert len({truth.theme for truth in truths}) > 4
    assert {truth.better_arm == truth.control for truth in truths} == {True, False}
    assert {truth.slow_arms == (truth.control.key,) for truth in truths} == {True, False}


def test_a_chinese_study_has_no_english(sqlite_engine):
    simulate_pilot(sqlite_engine, "zh", participants=6, seed=2, languages=("zh_CN",), until=UNTIL)
    with Session(sqlite_engine) as session:
        items = session.exec(select(Item)).all()
        people = session.exec(select(Participant)).all()
    texts = [item.title + item.category + item.description for item in items] + [person.cohort for person in people]
    texts += list(ratings_of(sqlite_engine, "zh")["comment"].dropna())
    assert not any(character.isascii() and character.isalpha() for text in texts for character in text)


def test_a_placebo_has_nothing_in_it(sqlite_engine):
    truth = simulate_pilot(sqlite_engine, "placebo", participants=300, seed=1, planted=False, until=UNTIL)
    ratings = ratings_of(sqlite_engine, "placebo")
    people = ratings.groupby(["arm", "person"])["rating"].mean()
    assert np.ptp(people.groupby("arm").mean()) < 0.25
    cells = ratings.groupby(["cohort", "category"])["rating"].mean()
    assert abs(cells[truth.cohort, truth.category] - cells.mean()) < 0.35
    assert truth.slow_arms == ()


def test_a_second_round_brings_new_people_and_the_fix(sqlite_engine):
    truth = simulate_pilot(sqlite_engine, "pilot", participants=10, seed=3, until=UNTIL)
    with Session(sqlite_engine) as session, session.begin():
        study = session.exec(select(Study)).one()
        session.add(Arm(study_id=study.id, key="fix", title="Fix", source="content"))
    fixed = truth.with_fix("segment", "fix")
    simulate_round(sqlite_engine, "pilot", fixed, participants=200, until=UNTIL + timedelta(days=30))
    ratings = ratings_of(sqlite_engine)
    assert ratings["person"].nunique() == 210
    second = ratings[ratings["person"] > "sim-00010"]
    assert set(second["arm"]) == {"control", "fix"}
    troubled = second[(second["cohort"] == truth.cohort) & (second["category"] == truth.category)]
    means = troubled.groupby("arm")["rating"].mean()
    assert means["fix"] - means["control"] > 0.8


def test_only_a_simulated_study_is_continued(sqlite_engine):
    truth = simulate_pilot(sqlite_engine, "pilot", participants=2, seed=3, until=UNTIL)
    with pytest.raises(Conflict, match="no arm 'fix'"):
        simulate_round(sqlite_engine, "pilot", truth.with_fix("theme", "fix"))
    with Session(sqlite_engine) as session, session.begin():
        session.exec(select(Study)).one().synthetic = False
    with pytest.raises(Conflict, match="real people"):
        simulate_round(sqlite_engine, "pilot", truth)
    with pytest.raises(Conflict, match="already"):
        simulate_pilot(sqlite_engine, "pilot", participants=2)
