"""What every participant page begins with: who is here, in which language, and where on the way they are."""

from dataclasses import dataclass, replace
from typing import Any, NoReturn

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Participant, Study
from recux.collect.consent import OPEN, standing
from recux.collect.progress import Shown, Step, StepName, share_done, shown_slates, steps_with
from recux.collect.progress import go_past as passed
from recux.collect.slates import ShownSlate
from recux.ui import data, identity
from recux.ui import language as languages
from recux.ui.language import _, language
from recux.ui.plain import plain

PAGES: dict[StepName, str] = {
    "consent": "welcome",
    "preferences": "preferences",
    "rate": "rate",
    "survey": "survey",
    "thanks": "thanks",
}
STYLE = """<style>
.stMainBlockContainer{padding:1.25rem 1rem 3rem}
.stAppHeader{display:none}
.stMain h1{hyphens:auto}
.st-key-language{position:absolute;width:0!important;overflow:hidden}
.stPageLink a{padding-inline:0}
.stPageLink a p{text-decoration:underline;text-underline-offset:.2em}
.stPageLink a:focus-visible{outline:3px solid #12827C;outline-offset:2px}
.st-key-line .stElementContainer{opacity:1!important}
</style>"""
"""What the theme cannot say: Streamlit leaves a hand's breadth empty above the page for a toolbar that is not there,
makes room for a component that shows nothing, breaks long words in a title anywhere, indents links, and shows neither
that a link is one nor, but for a breath of grey, that it has the keyboard's focus. And it pales what is about to be
drawn anew, which the progress is after every answer."""
STEP = "_step"
"""Key of the step that the page shows, while the person goes back and forth."""
WISH = "_wish"


@dataclass(frozen=True)
class Visit:
    """One run of one page for one person."""

    participant: Participant
    study: Study
    way: list[Step]
    standing: str
    shown: Shown
    """The slates as they were when the page began."""
    here: Step
    """The step that the page is about."""

    @property
    def slate(self) -> ShownSlate | None:
        """The slate that the page is about, as it was when the page began; None before there is one."""
        return self.shown.get(self.here.period)

    @property
    def participant_id(self) -> int:
        """The person's row."""
        assert self.participant.id is not None
        return self.participant.id

    @property
    def lists(self) -> int:
        """How many slates the study shows to a person."""
        return sum(step.name == "rate" for step in self.way)

    @property
    def next(self) -> Step:
        """The first step that is not complete."""
        return next((step for step in self.way if not step.complete), self.way[-1])


def enter(step: StepName | None) -> Visit:
    """Begin a page: the page of ``step``, or with None one that is open at any time.

    Whoever may not take part now reads why; whoever is not that far yet is led to where they are.
    """
    visit = _look()
    languages.choose(
        [st.session_state.get(languages.CHOSEN), visit.participant.language, languages.of_browser()],
        visit.study.languages,
    )
    st.set_page_config(page_title=visit.study.title, layout="centered")
    _head(visit)
    if step is not None and visit.standing != OPEN:
        _explain(visit.standing)
    return visit if step is None else _at(visit, step)


def button(label: str, wish: str, **options: Any) -> bool:
    """A button whose click is not lost when an answer that is being saved interrupts the run that it started.

    True from the click on until :func:`heard` or a page change; what it does must bear being done twice.
    """
    st.button(label, key=f"_button_{wish}", on_click=st.session_state.__setitem__, args=(WISH, wish), **options)
    return st.session_state.get(WISH) == wish


def is_asked() -> bool:
    """Whether a button was clicked that has not had its effect."""
    return st.session_state.get(WISH) is not None


def heard() -> None:
    """The clicked button has had its effect, and the page stays."""
    st.session_state.pop(WISH, None)


def go_to(step: Step) -> NoReturn:
    """Open the page of ``step``."""
    heard()
    st.session_state[STEP] = step.key
    st.switch_page(f"pages/participant/{PAGES[step.name]}.py")


def go_on(step: Step) -> NoReturn:
    """Open the page after ``step``, or the first incomplete one before it."""
    way = _look().way
    after = next(place for place, other in enumerate(way) if other.key == step.key) + 1
    go_to(next((other for other in way[:after] if not other.complete), way[after]))


def go_past(visit: Visit, step: Step) -> NoReturn:
    """Open the page after ``step``, which may stay as it is: nobody is sent back to it."""
    with write_session(data.engine()) as session:
        passed(session, session.get_one(Participant, visit.participant_id), step)
    go_on(step)


def go_to_next() -> NoReturn:
    """Open the page of the first step that is not complete, as things are after what was just written."""
    go_to(_look().next)


def go_back(visit: Visit, step: Step) -> NoReturn:
    """Open the page before ``step``."""
    go_to(visit.way[_place(visit, step) - 1])


def can_go_back(visit: Visit, step: Step) -> bool:
    """Whether there is a page before ``step`` that still has something to say; an agreement given does not."""
    return visit.way[_place(visit, step) - 1].name != "consent"


def progress(visit: Visit) -> None:
    """How much is done, on a page that has no board to say it."""
    share, words = how_far(visit)
    st.progress(share, text=words)


def how_far(visit: Visit, now: Step | None = None) -> tuple[float, str]:
    """How much is done, 0 to 1, and in words, counted in items and questions; ``now`` is the step as it is after
    this run's saving.

    What somebody went past without an answer is behind them as well, and the words say how much that is.
    """
    way = [now if now and step.key == now.key else step for step in visit.way]
    asked = [step for step in way if step.name in {"rate", "survey"}]
    done, total = sum(step.done for step in asked), sum(step.total for step in asked)
    left_out = sum(step.total - step.done for step in asked if step.complete)
    words = _("{done} of {total} answered, {n} left out") if left_out else _("{done} of {total} answered")
    return share_done(asked), words.format(done=done, total=total, n=left_out)


def foot() -> None:
    """The way to one's own data, on every page."""
    st.page_link("pages/participant/my_data.py", label=_("My data and my rights"))


def _look() -> Visit:
    with read_session(data.engine()) as session:
        participant = identity.participant(session)
        if participant is None:
            st.stop()  # the session ended between the navigation's look and ours
        study = session.get_one(Study, participant.study_id)
        shown = shown_slates(session, participant)
        way = steps_with(session, participant, shown)
        return Visit(participant, study, way, standing(session, participant), shown, way[0])


def _place(visit: Visit, step: Step) -> int:
    return next(place for place, other in enumerate(visit.way) if other.key == step.key)


def _at(visit: Visit, name: StepName) -> Visit:
    """The visit at the step of that name: the one that was gone to last, else the next one, else the last one done.

    Whoever is not that far yet, or whose study has no such step, is led to where they are.
    """
    reached = [step for step in visit.way[: _place(visit, visit.next) + 1] if step.name == name]
    if not reached:
        go_to(visit.next)
    asked = [step for step in reached if step.key == st.session_state.get(STEP)]
    open_ = [step for step in reached if not step.complete]
    return replace(visit, here=(asked or open_ or reached)[0 if asked or open_ else -1])


def _head(visit: Visit) -> None:
    st.html(STYLE)
    languages.tell_browser()
    row = st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center")
    with row:
        st.markdown(f"**{plain(visit.study.title)}**", width="content")
        _switch_language(visit)
    if visit.participant.test:
        st.badge(_("Test: these answers do not count"), color="orange")
    if visit.study.synthetic:
        st.badge(_("Synthetic data: a made-up study"), color="orange")


def _switch_language(visit: Visit) -> None:
    offered = [code for code in visit.study.languages if code in languages.NAMES]
    with st.container(horizontal=True, width="content"):
        wished = [code for code in offered if code != language() and _language_button(code)]
    if wished:
        languages.choose(wished, offered)
        with write_session(data.engine()) as session:
            session.get_one(Participant, visit.participant_id).language = wished[0]
        heard()
        st.rerun()


def _language_button(code: str) -> bool:
    return button(languages.NAMES[code], f"language {code}", type="tertiary", icon=":material/translate:")


def _explain(why: str) -> NoReturn:
    texts = {
        "withdrawn": _("You have withdrawn from this study. Thank you for the time you gave."),
        "not_started": _("This study has not started yet. Please come back later."),
        "paused": _("This study is paused. What you answered is kept. Please come back later."),
        "closed": _("This study is closed. Thank you for your interest. What you answered is kept."),
    }
    st.info(texts[why])
    foot()
    st.stop()
