"""What people write about, for the report: themes without quotes, since a quote may be recognised."""

from math import isnan
from typing import Any

from sqlmodel import Session

from db.tables import Study
from recux.insight import comments, themes


def comments_of(session: Session, study: Study) -> dict[str, Any]:
    """``written`` comments and the ``themes`` of the newest round: their ``words``, ``comments``, ``people``, ``share``
    of the people who wrote (with ``ci_low``, ``ci_high``), mean ``stars`` of their writers and of all ``others``.

    Themes of fewer people than the study's smallest group are left out.
    """
    with_comment, _ratings, whys = comments.written(session, study)
    names = comments.themes(session, study)
    found = themes.overview(themes.read(session, study), least=study.min_group) if names else None
    rows = [] if found is None else found.to_dict("records")
    return {"written": with_comment + whys, "themes": [_theme(row, names) for row in rows]}


def _theme(row: dict[Any, Any], names: dict[int, str]) -> dict[str, Any]:
    numbers = {name: round(float(row[name]), 4) for name in ("share", "ci_low", "ci_high")}
    moods = {name: None if isnan(row[name]) else round(float(row[name]), 4) for name in ("stars", "others")}
    counts = {name: int(row[name]) for name in ("comments", "people")}
    return {"words": names[int(row["theme"])], **counts, **numbers, **moods}
