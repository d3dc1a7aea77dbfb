import re
import shutil
from pathlib import Path

import pytest
from sqlmodel import col, select

from db.engine import engine_for, read_session, write_session
from db.queries import rounds_of
from db.tables import Arm, Impression, ModelVersion, Participant, Rating, Round, Study, Suggestion
from recux.access.accounts import sign_in
from recux.access.invites import participant_of_invite
from recux.demo import run_demo
from recux.demo.doors import EMAIL
from recux.errors import Conflict
from recux.insight import people
from recux.insight.figures import stored
from recux.recommend import make_slate
from recux.rounds.reranking import prepare_slates
from recux.rounds.work import Work, held
from recux.settings import Settings


def demo(settings, tiny_encoder, **more) -> str:
    """Run it without serving; what it said."""
    lines: list[str] = []
    asked = {"participants": 24, "serve": False, "base_model": tiny_encoder, "say": lines.append}
    run_demo(settings, **asked | more)
    return "\n".join(lines)


@pytest.fixture(scope="module")
def built(tmp_path_factory, tiny_encoder) -> tuple[Path, str]:
    """Folder of a demonstration that was run once, and what it said."""
    home = tmp_path_factory.mktemp("demo") / "home"
    return home, demo(Settings(home=home, _env_file=None), tiny_encoder)


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Settings of an empty home."""
    return Settings(home=tmp_path / "home", _env_file=None)


@pytest.fixture
def there(built, settings) -> Settings:
    """Settings of a home with that demonstration in it."""
    shutil.copytree(built[0], settings.home)
    return settings


def counts(settings) -> tuple[int, int]:
    """Rounds done and ratings stored."""
    with read_session(engine_for(settings.url)) as session:
        (study,) = session.exec(select(Study)).all()
        done = [round_ for round_ in rounds_of(session, study.id) if round_.status == "done"]
        return len(done), len(session.exec(select(Rating.id)).all())


def opens(settings, said: str) -> bool:
    """Whether the invite link and the password that were printed let somebody in."""
    token, password = re.search(r"/join/(\S+)", said)[1], re.search(r"password (\S+)", said)[1]
    engine = engine_for(settings.url)
    with write_session(engine) as session:
        assert not participant_of_invite(session, token).test
    user = sign_in(engine, EMAIL, password)
    return user is not None and user.role == "admin"


def test_from_nothing_to_figures_and_working_doors(built, there):
    said = built[1]
    assert "study demo, synthetic" in said
    for name in ("NPS", "CSAT", "mean rating", "response p95", "failure rate", "arms against control", "suggestions"):
        assert name in said
    assert re.search(r"satisfaction: .*qwk \S+ \[\S+\]", said)
    assert opens(there, said)
    with read_session(engine_for(there.url)) as session:
        study = session.exec(select(Study)).one()
        assert (study.synthetic, study.status) == (True, "live")
    assert counts(there)[0] == 1


def test_running_it_again_keeps_what_is_there_and_opens_new_doors(built, there, tiny_encoder):
    before = counts(there)
    again = demo(there, tiny_encoder, participants=12)
    assert "Keeping the demo" in again
    assert counts(there) == before
    assert opens(there, again)
    assert not opens(there, built[1])


def test_reset_builds_it_anew(there, tiny_encoder):
    before = counts(there)
    anew = demo(there, tiny_encoder, participants=12, reset=True)
    assert "Simulating 12 people" in anew
    assert counts(there)[0] == 1
    assert counts(there)[1] < before[1]
    assert len(list((there.home / "rounds").iterdir())) == 1


def test_the_champion_can_rank_the_next_slates(there):
    engine = engine_for(there.url)
    with write_session(engine) as session:
        study = session.exec(select(Study)).one()
        arm = Arm(study_id=study.id, key="ranked", title="Ranked", source="rerank")
        session.add(arm)
        session.flush()
        session.exec(select(Participant).order_by(col(Participant.id))).first().arm_id = arm.id
        round_id = session.exec(select(Round.id)).one()
    work = Work(there, round_id)
    with held(work):
        prepare_slates(work)
    with write_session(engine) as session:
        slate = make_slate(session, session.exec(select(Participant).order_by(col(Participant.id))).first(), size=5)
        shown = select(Impression.score).where(Impression.slate_id == slate.id).order_by(col(Impression.position))
        scores = session.exec(shown).all()
        champion = session.exec(select(ModelVersion).where(ModelVersion.champion, ModelVersion.head == "rating")).one()
    assert (slate.source, slate.model_version) == ("rerank", f"model-{champion.id}")
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert all(1 <= score <= 5 for score in scores)


def test_a_study_of_real_people_is_never_touched(there, tiny_encoder):
    before = counts(there)
    with write_session(engine_for(there.url)) as session:
        session.exec(select(Study)).one().synthetic = False
    for reset in (None, True, False):
        with pytest.raises(Conflict, match="real people"):
            demo(there, tiny_encoder, reset=reset)
    assert counts(there) == before


@pytest.mark.slow
def test_a_planted_problem_is_suggested_accepted_fixed_and_confirmed(settings, tiny_encoder):
    said = demo(settings, tiny_encoder, participants=60, rounds=2)
    assert re.search(r"Accepted: Cohort \w+ rate category \w+ [\d.]+ points lower", said)
    assert "Verdict of round 2: confirmed" in said
    with read_session(engine_for(settings.url)) as session:
        judged = session.exec(select(Suggestion).where(col(Suggestion.verdict).is_not(None))).all()
        assert [(one.rule, one.verdict) for one in judged] == [("group_dislikes_category", "confirmed")]
        study = session.exec(select(Study)).one()
        assert people.split(session, study).ok  # the fix opened later than the other arms
        table = stored(session, study, "recommendation", cut="batch")
        reach = table[(table["metric"] == "ctr") & (table["arm"] == "")].set_index("round")["n"]
        assert reach.to_dict() == {1: 60, 2: 60}


def test_a_chinese_demo_says_that_the_encoder_cannot_read_it(settings, tiny_encoder):
    demo(settings, tiny_encoder, languages=("zh_CN",))
    with read_session(engine_for(settings.url)) as session:
        (round_,) = rounds_of(session, session.exec(select(Study.id)).one())
        assert round_.status == "done"
        assert round_.config["unknown_token_share"] > 0.1
        assert "unknown" in round_.message
