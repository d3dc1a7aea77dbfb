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
