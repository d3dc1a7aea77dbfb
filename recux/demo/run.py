"""The demonstration from nothing to a served app."""

import sys
from time import monotonic

import sqlalchemy as sa
from sqlmodel import col, select

from db.engine import read_session, write_session
from db.migrate import upgrade
from db.queries import rounds_of, study_by_slug
from db.tables import Participant
from recux.collect.study_data import erase_files, erase_study
from recux.demo.doors import doors
from recux.demo.figures import main_figures
from recux.demo.pilot import Demo, Say, build, run_round_of
from recux.errors import Conflict
from recux.settings import Settings

SLUG = "demo"


def run_demo(
    settings: Settings,
    *,
    participants: int = 60,
    rounds: int = 1,
    seed: int = 1,
    serve: bool = True,
    reset: bool | None = None,
    languages: tuple[str, ...] = ("en", "zh_CN"),
    base_model: str | None = None,
    slug: str = SLUG,
    say: Say = print,
) -> None:
    """Simulate a pilot in the study ``slug``, run whole rounds on it here, print the main figures, and serve.

    From the second round on, the planted problem that was suggested is accepted, fixed in an arm beside the control,
    and judged. An existing demonstration is kept with ``reset`` False and built anew with True; with None the person
    at the terminal is asked, and nobody there means keep. ``base_model`` is the encoder to start from (default: the
    embedded one). ``say`` gets every line for the person.

    Raises:
        Conflict: the study holds real people, so it is not a demonstration.
    """
    demo = Demo(settings, participants, rounds, seed, languages, base_model, slug, say)
    upgrade(settings.url)
    start = monotonic()
    if not _kept(demo, reset):
        build(demo)
        say(f"Ready after {monotonic() - start:.0f} s.")
    for line in ("", *main_figures(demo.engine, slug), "", *doors(demo.engine, settings, slug)):
        say(line)
    if serve:
        from recux.serve import serve as serve_app

        say("Serving; stop with Ctrl+C.")
        serve_app(settings, worker=True)


def _kept(demo: Demo, reset: bool | None) -> bool:
    """Whether there is a demonstration to go on with; one that is to go has been erased."""
    people, finished = _what_is_there(demo)
    if people is None:
        return False
    if reset is None:
        question = f"There is a demo with {people} people already. Build it anew? [y/N] "
        reset = sys.stdin.isatty() and input(question).strip().lower() in {"y", "yes"}
    if reset:
        _erase(demo)
        return False
    demo.say(f"Keeping the demo that is there ({people} people); `recux demo --reset` builds it anew.")
    if not finished:
        run_round_of(demo)  # it was interrupted
    return True


def _what_is_there(demo: Demo) -> tuple[int | None, bool]:
    """How many people an earlier demonstration has (None without one), and whether a round of it was finished."""
    with read_session(demo.engine) as session:
        study = study_by_slug(session, demo.slug)
        if study is None or study.id is None:
            return None, False
        if not study.synthetic:
            raise Conflict(f"the study {demo.slug!r} holds real people; the demo does not touch it")
        people = select(sa.func.count(col(Participant.id))).where(Participant.study_id == study.id)
        finished = any(round_.status == "done" for round_ in rounds_of(session, study.id))
        return session.exec(people).one(), finished


def _erase(demo: Demo) -> None:
    with write_session(demo.engine) as session:
        study = study_by_slug(session, demo.slug)
        assert study is not None  # it was there a moment ago
        files = erase_study(session, study)
    erase_files(demo.settings.home, files)
