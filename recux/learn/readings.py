"""What the models of a run make of the study's comments: their themes, and the satisfaction they speak of."""

from pathlib import Path
from typing import Any

from recux.learn.examples import SatisfactionExample
from recux.learn.jobs import Job, KindResult
from recux.learn.predictor import load
from recux.learn.themes import find_themes

MOST_COMMENTS = 3000
"""The newest are read; more would make a round slow on a CPU."""
Json = dict[str, Any]


def read_comments(job: Job, serving: Path | None, base_model: str, device: str) -> Json:
    """``themes`` (each with ``words`` and ``comments``, its size) and ``readings`` (each with ``key``, ``theme`` from
    1 or None, ``nearness``, ``expected`` and ``likely`` stars) of the newest comments.

    ``serving`` is the folder of the satisfaction model that serves after this run; without it nothing is expected.
    """
    comments = newest(job)
    texts = [one.text for one in comments]
    found = find_themes(texts, [one.participant for one in comments], base_model, device)
    told = load(serving, device=device).satisfaction(texts) if serving and texts else [{} for _ in texts]
    readings = [
        {
            "key": one.key,
            "theme": int(theme) + 1 if theme >= 0 else None,
            "nearness": round(float(near), 4) if theme >= 0 else None,
            "expected": round(said["expected"], 3) if said else None,
            "likely": said["set_90"] if said else None,
        }
        for one, theme, near, said in zip(comments, found.theme, found.nearness, told, strict=True)
    ]
    sizes = [int((found.theme == number).sum()) for number in range(len(found.labels))]
    themes = [{"words": words, "comments": size} for words, size in zip(found.labels, sizes, strict=True)]
    return {"themes": themes, "readings": readings}


def newest(job: Job) -> list[SatisfactionExample]:
    """The comments of the latest rounds, the last rows of a round first."""
    spoken = [one for one in job.examples.satisfaction if one.text.strip()]
    return sorted(spoken, key=lambda one: one.round, reverse=True)[:MOST_COMMENTS]


def serving_folder(found: KindResult | None) -> Path | None:
    """Where the model is that serves satisfaction after this run; None when none can."""
    models = found.models if found else []
    return next((one.folder for one in models if found and one.name == found.choice.champion), None)
