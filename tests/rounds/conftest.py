"""A study with something to learn, and an encoder small enough to learn it in seconds."""

import random

import pytest

from db.engine import engine_for, write_session
from db.tables import Impression, Interaction, Request, Slate
from recux.settings import Settings
from tests.planting import START, plant_answers, plant_person, plant_rating, plant_study

GOOD = ["love the quick picks", "great choice, fits me", "wonderful, exactly right", "very nice and useful"]
BAD = ["not for me at all", "terrible, boring list", "useless and slow", "awful match, irrelevant"]


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory) -> str:
    """Folder of a BERT with random weights: two layers of 32, with the embedded encoder's words."""
    import torch
    from transformers import BertConfig, BertModel

    from recux.learn.weights import load_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = load_tokenizer("embedded")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def settings(database_url, tmp_path) -> Settings:
    """Settings of a fresh home on each database."""
    return Settings(home=tmp_path / "home", database_url=database_url, _env_file=None)


@pytest.fixture
def sqlite_settings(sqlite_url, tmp_path) -> Settings:
    """Settings of a fresh home on SQLite."""
    return Settings(home=tmp_path / "home", database_url=sqlite_url, _env_file=None)


def plant_feedback(settings: Settings, *, people: int = 40, each: int = 4, comments=None, slug: str = "shop"):
    """People who rate, comment, click and answer; stars follow from the words. Returns the study."""
    generator = random.Random(1)
    comments = comments or (lambda stars: generator.choice(GOOD if stars > 3 else BAD))
    with write_session(engine_for(settings.url)) as session:
        study = plant_study(session, slug, items=12)
        for number in range(people):
            person = plant_person(session, study, f"p{number}", cohort=generator.choice(["new", "old"]))
            slate = Slate(study_id=study.id, participant_id=person.id, external_id=f"s{number}", served_at=START)
            session.add(slate)
            session.flush()
            for place, item in enumerate(generator.sample(range(1, 13), each), start=1):
                stars = generator.choice([1, 2, 4, 5])
                session.add(Impression(slate_id=slate.id, item_id=item, position=place))
                comment = f"{comments(stars)} {generator.randrange(1000)}"
                plant_rating(session, person, item, stars, day=place, comment=comment, slate_id=slate.id)
                if stars > 3:
                    where = {"study_id": study.id, "participant_id": person.id, "slate_id": slate.id}
                    key = f"{number}-{place}"
                    session.add(Interaction(item_id=item, kind="click", occurred_at=START, row_key=key, **where))
            plant_answers(session, person, "nps", score=generator.randrange(11), why="because it was fine")
            plant_answers(session, person, "csat", score=generator.randrange(1, 6))
        for number in range(200):
            session.add(
                Request(
                    study_id=study.id,
                    row_key=str(number),
                    requested_at=START,
                    duration_ms=100 * generator.lognormvariate(0, 0.4),
                    outcome="ok" if generator.random() < 0.9 else "error",
                    slate_size=each,
                )
            )
    return study
