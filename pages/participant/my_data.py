"""What is kept about the person, and the ways to take it back."""

import json

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Participant
from recux.access import panels
from recux.collect import own_data
from recux.collect.consent import OPEN
from recux.collect.progress import Step
from recux.operate import erasures
from recux.ui import data, forms, visit
from recux.ui.language import _


def _can_be_corrected(step: Step) -> bool:
    return bool(step.done) if step.name in {"rate", "survey"} else step.name == "preferences" and step.complete


here = visit.enter(None)
with read_session(data.engine()) as session:
    panel_ids = panels.ids_of(session, here.participant, data.settings().secret_key)
    kept = own_data.export(session, here.participant, panel_ids=panel_ids)
    learned_from = own_data.batches_with(session, here.participant)

st.title(_("My data and my rights"), anchor=False)
st.markdown(_("You are known here only by this pseudonym:"))
st.code(here.participant.external_id, language=None, wrap_lines=True)
st.markdown(_("Everything that is kept about you, with every earlier version of your answers:"))
with st.container(horizontal=True):
    whole = json.dumps(kept, ensure_ascii=False, indent=2)
    table = own_data.as_csv(kept).encode("utf-8-sig")  # spreadsheets take the mark for UTF-8
    st.download_button(_("Download (JSON)"), whole, file_name="my-data.json", mime="application/json", width="stretch")
    st.download_button(_("Download (CSV)"), table, file_name="my-data.csv", mime="text/csv", width="stretch")

reached = [step for step in here.way if _can_be_corrected(step)]
if reached and here.standing == OPEN:
    st.subheader(_("Correct"), anchor=False)
    st.markdown(_("Change an answer where you gave it. The new one counts; the earlier one stays in your data."))
    for number, step in enumerate(reached):
        label = _("What I like") if step.name == "preferences" else forms.title_of(here, step)
        if visit.button(label, f"correct {number}", width="stretch"):
            visit.go_to(step)

if learned_from:
    st.info(
        _(
            "Some of your answers were already used to train a model. Withdrawing or erasing keeps them out of "
            "everything that follows; what that model has learned can only be removed by training it again without you."
        )
    )

st.subheader(_("Withdraw"), anchor=False)
if here.participant.withdrawn_at:
    st.markdown(_("You have withdrawn. Your answers are not used any more."))
else:
    st.markdown(_("You stop taking part, and your answers are left out of every later result and model."))
    if st.checkbox(_("I want to withdraw"), key="_sure_to_withdraw") and visit.button(_("Withdraw now"), "withdraw"):
        with write_session(data.engine()) as session:
            own_data.withdraw(session, session.get_one(Participant, here.participant_id))
        visit.heard()
        st.rerun()

st.subheader(_("Erase"), anchor=False)
st.markdown(_("Everything you gave is deleted for good, and your link stops working."))
if st.checkbox(_("I want everything to be deleted"), key="_sure_to_erase") and visit.button(_("Erase now"), "erase"):
    with write_session(data.engine()) as session:
        own_data.erase(session, session.get_one(Participant, here.participant_id))
    erasures.keep(data.engine(), data.settings().home)
    visit.heard()
    st.success(_("Everything about you was deleted. You can close this page."))
    st.stop()
if visit.button(_("Back"), "back"):
    visit.go_to(here.next)
