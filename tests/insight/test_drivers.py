"""What goes along with satisfaction."""

import numpy as np

from db.engine import write_session
from recux.insight import drivers
from recux.instruments import load
from tests.planting import plant_answers, plant_person, plant_study


def test_the_construct_that_makes_people_recommend_comes_first_and_silence_has_no_drivers(sqlite_engine):
    rng = np.random.default_rng(1)
    with write_session(sqlite_engine) as session:
        study = plant_study(session)
        assert drivers.key(session, study) is None
        for n in range(40):
            person = plant_person(session, study, f"p{n}")
            trust = int(rng.integers(1, 5))
            plant_answers(session, person, "nps", score=float(np.clip(2 * trust + rng.integers(0, 3), 0, 10)))
            for name, level in (("trust", trust), ("umux_lite", int(rng.integers(1, 8)))):
                scales = [q for q in load(name).questions if q.low is not None and not q.reverse]
                plant_answers(session, person, name, **{q.name: float(min(level, q.high)) for q in scales})
        found = drivers.key(session, study)
        assert found.outcome == "nps"
        assert found.found.drivers[0].name.startswith("trust.")
        assert sum(one.share for one in found.found.drivers if one.name.startswith("trust.")) > 0.9


def test_questions_that_group_as_the_questionnaire_says_fit_and_those_that_do_not_do_not(sqlite_engine):
    rng = np.random.default_rng(4)
    with write_session(sqlite_engine) as session:
        fitting, mixed = (plant_study(session, slug) for slug in ("fitting", "mixed"))
        assert drivers.structure(session, fitting) == {}
        scales = {c.name: c.questions for c in load("trust").constructs}
        first, second = (list(names) for names in scales.values())
        swapped = {**dict.fromkeys(first[:1] + second[:2], 0), **dict.fromkeys(second[2:] + first[1:], 1)}
        for n in range(150):
            both = rng.normal(size=2)
            right = {**dict.fromkeys(first, both[0]), **dict.fromkeys(second, both[1])}
            wrong = {name: both[place] for name, place in swapped.items()}
            for study, level in ((fitting, right), (mixed, wrong)):
                person = plant_person(session, study, f"p{n}")
                said = {name: float(np.clip(np.round(3 + x + rng.normal(0, 0.5)), 1, 5)) for name, x in level.items()}
                plant_answers(session, person, "trust", **keyed(said))
        good, bad = (drivers.structure(session, study)["trust"] for study in (fitting, mixed))
    assert good.model.cfi > 0.97
    assert good.model.srmr < 0.05
    assert good.questions == tuple(f"{c}.{q}" for c, names in scales.items() for q in names)
    assert bad.model.cfi is None or bad.model.cfi < 0.8
    assert good.to_json()["rmsea"].keys() >= {"value", "ci_low", "ci_high", "n", "definition", "method"}


def keyed(said):
    """Answers as people give them: reversed questions turned round."""
    reverse = {q.name for q in load("trust").questions if q.reverse}
    return {name: 6 - value if name in reverse else value for name, value in said.items()}
