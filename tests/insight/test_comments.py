"""What rounds read in comments, and tags by hand: counted by people, masked, and never of who has left."""

import pytest
from sqlmodel import select

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import CommentReading, CommentTag, CommentTheme, Item, ModelExample, ModelVersion, Participant, now
from recux.collect.tags import set_tags
from recux.errors import InvalidInput, NotFound
from recux.insight import catalogue, models, themes
from recux.insight.comments import Wanted, comments, tags_of, with_tags, written
from recux.rounds import close_batch
from tests.planting import plant_answers, plant_person, plant_rating, plant_study

LATE, SOFT = "the delivery was late", "so soft, mail me: ann@example.org"


@pytest.fixture
def shop(engine):
    """Eight people: four write of delivery with 2 stars and four of softness with 5; one NPS of 10 says "awful"."""
    with write_session(engine) as session:
        study = plant_study(session, min_group=3)
        items = list(session.exec(select(Item.id)))
        arms = arms_of(session, study.id)
        rows = []
        for n in range(8):
            person = plant_person(session, study, f"p{n}", arm_id=arms[n % 2].id, cohort="new" if n < 4 else "old")
            rows.append(plant_rating(session, person, items[n % 2], 2 if n < 4 else 5, comment=LATE if n < 4 else SOFT))
        plant_answers(session, person, "nps", score=10.0, why="awful")
        round_ = close_batch(session, study)
        found = [
            CommentTheme(study_id=study.id, round_id=round_.id, number=k, words=[w], comments=4)
            for k, w in enumerate(("delivery", "soft"), 1)
        ]
        session.add_all(found)
        session.flush()
        here = {"study_id": study.id, "round_id": round_.id}
        for n, row in enumerate(rows):
            expected, likely = (4.8, [4, 5]) if n == 0 else (row.rating, [int(row.rating)])
            theme = found[n // 4].id
            session.add(
                CommentReading(
                    rating_id=row.id, theme_id=theme, nearness=1 - n / 10, expected=expected, likely=likely, **here
                )
            )
    return study


def test_themes_are_counted_by_people_with_their_mood_and_typical_words(engine, shop):
    with read_session(engine) as session:
        read = themes.read(session, shop)
        found = themes.overview(read)
    assert list(found["people"]) == [4, 4]
    assert sorted(zip(found["stars"], found["others"], strict=True)) == [(2, 5), (5, 2)]
    sad = int(found.loc[found["stars"] == 2, "theme"].iloc[0])
    assert themes.quotes(read, sad) == [LATE]
    assert themes.overview(read, least=5).empty
    by_arm = themes.by_group(read, "arm", least=3)
    assert set(by_arm["n"]) == {4}
    assert set(by_arm["share"]) == {0.5}
    assert set(themes.over_rounds(read)["n"]) == {8}


def test_the_withdrawn_are_in_no_theme(engine, shop):
    with write_session(engine) as session:
        person = session.exec(select(Participant).where(Participant.external_id == "p0")).one()
        person.withdrawn_at = now()
        session.add(person)
    with read_session(engine) as session:
        assert len(themes.read(session, shop)) == 7


def test_comments_are_found_by_theme_cohort_and_whether_score_and_words_fit(engine, shop):
    with read_session(engine) as session:
        assert written(session, shop) == (8, 8, 1)
        everything = comments(session, shop)
        assert set(everything["kind"]) == {"rating", "answer"}
        assert everything["comment"].str.contains("[e-mail]", regex=False).sum() == 4
        assert len(comments(session, shop, Wanted(cohort="old"))) == 5
        (odd,) = comments(session, shop, Wanted(contradicting=True)).to_dict("records")
        assert (odd["score"], odd["expected"]) == (2, 4.8)
        assert set(comments(session, shop, Wanted(stars=(5, 5)))["score"]) == {5, 10}


def test_tags_are_kept_tidy_once_and_go_with_their_comment(engine, shop):
    with write_session(engine) as session:
        row = comments(session, shop, Wanted(search="awful")).iloc[0]
        set_tags(session, shop, row["kind"], int(row["id"]), ["  Late  PARCEL", "urgent"], by="me")
        set_tags(session, shop, row["kind"], int(row["id"]), ["late parcel", "size"], by="you")
        for bad in ("", "x" * 50):
            with pytest.raises(InvalidInput, match="1 to 40"):
                set_tags(session, shop, "rating", 1, [bad], by="me")
        with pytest.raises(NotFound):
            set_tags(session, shop, "rating", 999, ["x"], by="me")
    with read_session(engine) as session:
        table = with_tags(comments(session, shop), tags_of(session, shop))
        assert table.loc[table["comment"] == "awful", "tags"].iloc[0] == ["late parcel", "size"]
        assert len(comments(session, shop, Wanted(tag="size"))) == 1
    with write_session(engine) as session:
        session.delete(session.exec(select(Participant).where(Participant.external_id == "p7")).one())
    with read_session(engine) as session:
        assert session.exec(select(CommentTag)).all() == []


def test_what_a_model_got_wrong_is_masked_and_goes_with_its_author(engine, shop):
    with write_session(engine) as session:
        round_id = session.exec(select(CommentTheme.round_id)).first()
        model = ModelVersion(
            study_id=shop.id, round_id=round_id, head="satisfaction", name="encoder", base_model="b", folder="f"
        )
        session.add(model)
        session.flush()
        soft = session.exec(select(CommentReading.rating_id).order_by(CommentReading.id)).all()[-1]
        told = {"label": 5, "expected": 2.0, "words": ["mail", "ann@example.org"], "weights": [0.1, -0.2]}
        session.add(ModelExample(model_version_id=model.id, rating_id=soft, **told))
    with read_session(engine) as session:
        (row,) = models.worst(session, model).to_dict("records")
        assert "[e-mail]" in row["text"]
        assert row["words"] is None
        assert models.worst(session, model, raw=True)["words"].iloc[0] == ["mail", "ann@example.org"]
    with write_session(engine) as session:
        session.delete(session.exec(select(Participant).where(Participant.external_id == "p7")).one())
    with read_session(engine) as session:
        assert models.worst(session, model).empty


def test_newcomers_are_told_apart_by_what_came_before(engine, shop):
    with read_session(engine) as session:
        table = catalogue.newcomers(session, shop).set_index(["of", "known"])
    assert table.loc[("item", "new"), "n"] == 2
    assert table.loc[("item", "few"), "n"] == 6
    assert table.loc[("person", "new"), "n"] == 8
