"""The report as one JSON document: what is known of a study at this moment."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sqlmodel import Session

from db.queries import rounds_of
from db.tables import Batch, Study, now
from recux.evaluation import data_quality
from recux.evaluation.experiment import Comparison
from recux.evaluation.recommendation import RELEVANT_FROM
from recux.evaluation.satisfaction import instruments
from recux.evaluation.scope import Scope, live
from recux.evaluation.snapshot import Figures, Snapshot, flags, snapshot
from recux.evaluation.stability import objectives
from recux.evaluation.texts import quarantined
from recux.insight.drivers import drivers_of, structures_of
from recux.insight.small_groups import hide_comparison, too_few
from recux.report.comments import comments_of
from recux.report.history import before_after_of, decisions_of, models_of, suggestions_of, trend_of, unknown_token_share

Json = dict[str, Any]


def build_report(
    session: Session,
    study: Study,
    *,
    without_flagged: bool = False,
    language: str | None = None,
    least: int | None = None,
) -> Json:
    """The report of a study in the shape of the public contract, before any round too.

    Figures are of everything that counts now; the trend, models and suggestions are of the rounds. Flagged people's
    answers are in unless ``without_flagged``. ``language`` is that of the words on paper (by default
    English) and of the suggestions (by default the study's first). Where there are several arms, figures of those of
    fewer than ``least`` people (by default the study's ``min_group``) are hidden.
    """
    least = study.min_group if least is None else least
    scope = live(study)
    everything = snapshot(session, study, scope)
    flagged = flags(session, scope, everything)
    data = everything.without(flagged) if without_flagged else everything
    return {
        "study": study.slug,
        "title": study.title,
        "synthetic": study.synthetic,
        "language": language or "en",
        "generated_at": now().isoformat(timespec="seconds"),
        "flagged_included": not without_flagged,
        "rounds": _rounds(session, study),
        "arms": data.arms,
        "satisfaction": hidden(_satisfaction(data), least) | _behind(data) | {"trend": trend_of(session, study)},
        "recommendation": {
            "k": data.k,
            "relevance_threshold": RELEVANT_FROM,
            **hidden(_with_arms(data, lambda part: _json(part.recommendation())), least),
        },
        "stability": _stability(data),
        "comments": comments_of(session, study),
        "models": models_of(session, study),
        "experiment": _experiment(data, least),
        "before_after": [_without_few(one, least) for one in before_after_of(session, study)],
        "suggestions": suggestions_of(session, study, language or study.languages[0]),
        "decisions": decisions_of(session, study),
        "data_quality": _data_quality(session, scope, everything, data_quality.count(flagged))
        | {"unknown_token_share": unknown_token_share(session, study)},
    }


def hidden(part: Json, least: int) -> Json:
    """``part`` with the figures of its arms taken out where they are of 1 to ``least`` - 1 people.

    One arm alone is everybody, and no group.
    """
    if len(part["by_arm"]) == 1:
        return part
    return {**part, "by_arm": {arm: _without_small(figures, least) for arm, figures in part["by_arm"].items()}}


def _without_small(part: Any, least: int) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("value") is not None and "definition" in part:
        small = 0 < (part.get("n") or 0) < least
        return {"value": None, "reason": too_few(least), "definition": part["definition"]} if small else part
    return {name: _without_small(one, least) for name, one in part.items()}


def _without_few(change: Json, least: int) -> Json:
    """The change of an arm without its figures where fewer than ``least`` people are behind one of its ends."""
    if not change["arm"] or min(change["n_before"] or 0, change["n_after"] or 0) >= least:
        return change
    hidden = {"value": None, "reason": too_few(least), "definition": change["difference"].get("definition", "")}
    return change | {"difference": hidden, "p": None, "p_adjusted": None} if least > 1 else change


def for_outsiders(report: Json) -> Json:
    """The report without what names rows or members of the team: for links that are read without signing in."""
    nameless = [{name: value for name, value in one.items() if name != "by"} for one in report["decisions"]]
    told = [
        {name: value for name, value in one.items() if name not in {"evidence", "owner"}} | {"evidence": {}}
        for one in report["suggestions"]
    ]
    return {**report, "decisions": nameless, "suggestions": told}


def _json(figures: Figures) -> Json:
    return {name: value.to_json() for name, value in figures.items()}


def _with_arms(data: Snapshot, part: Callable[[Snapshot], Json]) -> Json:
    return {**part(data), "by_arm": {arm: part(data.of_arm(arm)) for arm in data.arms}}


def _satisfaction(data: Snapshot) -> Json:
    return _with_arms(data, _satisfaction_of)


def _satisfaction_of(data: Snapshot) -> Json:
    constructs = {
        name: {
            "n": one.n,
            "constructs": {
                construct: {
                    "score": both.score.to_json(),
                    "alpha": both.alpha.to_json(),
                    "omega": both.omega.to_json(),
                    "item_rest": _json(both.item_rest),
                }
                for construct, both in one.constructs.items()
            },
        }
        for name, one in instruments(data.answers, data.instruments).items()
    }
    counts = {"ratings": len(data.ratings), "people": len(data.people)}
    return {**_json(data.satisfaction()), "instruments": constructs, **counts}


def _behind(data: Snapshot) -> Json:
    """What goes along with satisfaction, and whether the questions group as they should."""
    found = drivers_of(data.ratings, data.answers, data.instruments)
    models = structures_of(data.answers, data.instruments)
    return {
        "drivers": None if found is None else found.to_json(),
        "structure": {name: one.to_json() for name, one in models.items()},
    }


def _stability(data: Snapshot) -> Json:
    found = data.stability()
    broken = [asdict(one) for one in objectives(data.objectives, found)]
    return {**_with_arms(data, lambda part: _json(part.stability())), "calls": len(data.requests), "objectives": broken}


def _experiment(data: Snapshot, least: int) -> Json:
    split, people = data.sample_ratio(), {arm: _people_of(data.of_arm(arm)) for arm in data.arms}
    return {
        "primary_metric": data.primary_metric,
        "control": data.arms[0] if data.arms else None,
        "srm": {"p": split.p, "ok": split.ok, "counts": split.counts, "reason": split.reason},
        "comparisons": [_comparison(hide_comparison(one, people, least)) for one in data.comparisons()],
    }


def _people_of(data: Snapshot) -> int:
    """How many rated or answered."""
    return len(set(data.ratings["participant"]) | set(data.answers["participant"]))


def _comparison(one: Comparison) -> Json:
    return {
        "metric": one.metric,
        "primary": one.primary,
        "arm": one.arm,
        "control": one.control,
        "within_people": one.within,
        "difference": one.difference.to_json(),
        "p": one.p,
        "p_adjusted": one.p_adjusted,
        "margin": one.margin,
        "verdict": one.verdict,
        "because": one.because,
        "more_people_per_arm": asdict(one.further) if one.further else None,
    } | one.details()


def _data_quality(session: Session, scope: Scope, data: Snapshot, flagged: dict[str, int]) -> Json:
    missing, refused = data_quality.unanswered(data.answers, data.instruments)
    return {
        "responses": int(data.answers["response"].nunique()),
        "ratings": len(data.ratings),
        "flagged": flagged,
        "rules": data_quality.RULES,
        "missing": missing,
        "refused": refused,
        "quarantined": quarantined(session, scope),
    }


def _rounds(session: Session, study: Study) -> list[Json]:
    found = []
    for one in rounds_of(session, study.id or 0):
        batch = session.get_one(Batch, one.batch_id)
        found.append(
            {
                "number": one.number,
                "batch_size": batch.ratings,
                "answers": batch.answers,
                "started_at": one.started_at.isoformat(timespec="seconds") if one.started_at else None,
                "finished_at": one.finished_at.isoformat(timespec="seconds") if one.finished_at else None,
                "status": one.status,
            }
        )
    return found
