"""The part of the admin: accept the suggestion about a planted problem, put the fix into an arm, read the verdict."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import Session, col, select

from db.engine import read_session, write_session
from db.queries import arms_of
from db.tables import Arm, Round, Study, Suggestion
from recux.collect.studies import get_study
from recux.demo.figures import figure_in_words
from recux.demo.pilot import Demo
from recux.simulate import Truth
from recux.simulate.truth import pools

ARM = "fixed"
ACTOR = "recux demo"


def adopt(demo: Demo, truth: Truth) -> Truth:
    """Accept what the first round suggests about a planted problem, and open an arm beside the control that has it not.

    Returns the truth of the next round; the same one, after saying so, when nothing planted was suggested.
    """
    from recux.suggest import accept, implement

    with write_session(demo.engine) as session:
        study = get_study(session, demo.slug)
        found = planted(truth, _proposed(session, study))
        if found is None:
            demo.say("None of the planted problems that one arm can fix was suggested: nothing to accept.")
            return truth
        problem, suggestion = found
        _open_arm(session, study, truth, suggestion)
        accept(session, suggestion, actor=ACTOR, note="accepted by the demonstration")
        implement(session, suggestion, actor=ACTOR, arm=ARM, control=truth.control.key)
        demo.say(f"Accepted: {suggestion.title['en']}")
        demo.say(f"  predicted effect of the change: {figure_in_words(suggestion.predicted)}")
        demo.say(f"  the fix runs as the arm {ARM!r} beside {truth.control.key!r}, judged by round 2")
    return truth.with_fix(problem, ARM)


def planted(truth: Truth, suggestions: Sequence[Suggestion]) -> tuple[str, Suggestion] | None:
    """The first suggestion about a planted problem that an arm beside the control can fix, and the problem."""
    for problem, is_about in (("segment", _about_segment), ("theme", _about_theme)):
        for suggestion in suggestions:
            if is_about(truth, suggestion):
                return problem, suggestion
    return None


def tell_verdicts(demo: Demo, number: int) -> None:
    """Say what round ``number`` found about what was accepted before."""
    with read_session(demo.engine) as session:
        study = get_study(session, demo.slug)
        for line in _verdicts(session, study, number):
            demo.say(line)


def _proposed(session: Session, study: Study) -> list[Suggestion]:
    statement = select(Suggestion).where(Suggestion.study_id == study.id, Suggestion.status == "proposed")
    return list(session.exec(statement.order_by(col(Suggestion.rank).desc(), col(Suggestion.id))))


def _about_segment(truth: Truth, suggestion: Suggestion) -> bool:
    where: Mapping[str, Any] = suggestion.predicted.get("where") or {}
    return where.get("cohort") == truth.cohort and where.get("category") == truth.category


def _about_theme(truth: Truth, suggestion: Suggestion) -> bool:
    if suggestion.metric != "theme_share":
        return False
    words = pools()["themes"][truth.theme]
    phrases = " ".join(part for language in words.values() for part in (*language["who"], *language["what"])).lower()
    said = str((suggestion.predicted.get("where") or {}).get("theme", "")).lower().split(" | ")
    return any(word and word in phrases for word in said)


def _open_arm(session: Session, study: Study, truth: Truth, suggestion: Suggestion) -> None:
    """Copy the control into a new arm; the other arms take nobody new, so that both get half of the people."""
    assert study.id is not None  # it was read from the database
    arms = arms_of(session, study.id)
    control = next(arm for arm in arms if arm.key == truth.control.key)
    for arm in arms:
        arm.weight = 1.0 if arm is control else 0.0
        session.add(arm)
    from recux.suggest.life import arm_title

    fixed = Arm(study_id=study.id, key=ARM, title=arm_title(suggestion), source=control.source, options=control.options)
    session.add(fixed)
    session.flush()


def _verdicts(session: Session, study: Study, number: int) -> Iterator[str]:
    from recux.suggest.life import event_of

    judged = select(Suggestion).join(Round, col(Round.id) == Suggestion.round_id)
    judged = judged.where(Suggestion.study_id == study.id, Suggestion.judged_in_round == number, Round.number < number)
    for suggestion in session.exec(judged.where(col(Suggestion.verdict).is_not(None)).order_by(col(Suggestion.id))):
        said = event_of(session, suggestion, "judged") or {}
        yield f"Verdict of round {number}: {str(suggestion.verdict).replace('_', ' ')}: {suggestion.title['en']}"
        yield f"  predicted {figure_in_words(suggestion.predicted)}, seen {figure_in_words(said.get('actual'))}"
