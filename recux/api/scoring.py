"""The scoring process: reads a question a line, answers a line, keeps the models that serve loaded."""

import json
import os
import select
import sys
from functools import lru_cache
from typing import Any

from db.engine import engine_for, read_session
from recux.collect.studies import get_study
from recux.errors import RecuxError
from recux.settings import Settings

IDLE_SECONDS = 600.0


def answer(settings: Settings, question: dict[str, Any], load: Any) -> dict[str, Any]:
    """The rows that answer ``question``, or the name and words of the error."""
    from recux.rounds.predict import AskedPair, predict_pairs, predict_texts

    home = settings.home.resolve()
    try:
        with read_session(engine_for(settings.url)) as session:
            study = get_study(session, question["study"])
            if question["head"] == "satisfaction":
                return {"rows": predict_texts(session, study, question["texts"], home=home, load=load)}
            pairs = [AskedPair(*pair) for pair in question["pairs"]]
            return {"rows": predict_pairs(session, study, question["head"], pairs, home=home, load=load)}
    except RecuxError as error:
        known = next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "recux.errors"), "")
        return {"error": known, "message": str(error)}


def main() -> None:
    """Answer until standard input ends or nothing was asked for ten minutes."""
    from recux.learn import predictor

    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not look like an answer
    load = lru_cache(maxsize=4)(predictor.load)
    settings = Settings()
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        answers.write(json.dumps(answer(settings, json.loads(line), load), allow_nan=False) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
