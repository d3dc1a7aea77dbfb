"""A part of the experience that is low and goes along with satisfaction."""

import numpy as np

from tests.suggest.pilots import Plant


def distrust(tie: float) -> Plant:
    """Trust is low, and as high as the person is satisfied when `tie` is 1."""

    def plant(pilot, rng):
        felt = np.zeros(len(pilot.people))
        for row in pilot.shown:
            felt[row["person"]] += (row["feel"] - 3.7) / 9
        for row in pilot.answers:
            if row["instrument"] == "trust":
                level = 2.0 + 1.2 * tie * felt[row["person"]] + rng.normal(0, 0.5)
                value = float(np.clip(round(level), 1, 5))
                row["value"] = 6 - value if row["question"] in ("q2", "q5") else value

    return plant


CASES: dict[str, tuple[Plant, Plant]] = {
    "weak_driver": (distrust(1.0), distrust(0.0)),
}
"""By rule: what makes it speak, and what looks alike and does not."""
