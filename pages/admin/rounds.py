"""Is the loop turning? The open batch, the round that runs, and what its models are worth beside the baselines."""

import streamlit as st

from db.engine import read_session
from recux.access.accounts import has_role
from recux.insight import rounds
from recux.rounds.queue import close_and_enqueue
from recux.ui import address, data, definitions, frame, live, models, take, times, words, worker
from recux.ui.language import _

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    waiting, newest = rounds.open_batch(session, study), rounds.latest(session, study)
    past = rounds.history(session, study)
numbers = [int(number) for number in past.loc[past["status"] == "done", "number"]]
analyst = has_role(me, "analyst")

frame.heading(words.loop(newest, waiting.size), study)
if newest:
    live.round_panel(study, newest, by=me.email if analyst else None)

st.subheader(_("The open batch"))
st.progress(
    min(waiting.share, 1.0),
    text=_("{r} new ratings, {q} questionnaires; a round starts by itself at {size} of either").format(
        r=waiting.ratings, q=waiting.questionnaires, size=waiting.size
    ),
)
if newest is None or newest.status not in live.AT_WORK:  # else it stands above, beside the round
    worker.warn_if_down(None, waits=bool(waiting.ratings or waiting.answers))
if analyst and st.button(
    _("Close the batch and start its round now"), disabled=not (waiting.ratings or waiting.answers)
):
    started = close_and_enqueue(data.settings(), study.id, actor=me.email)
    if started is None:
        frame.done(_("There is nothing new to put into a batch."))
    frame.done(_("Batch {n} is closed; its round is queued.").format(n=started.number))

if numbers:
    asked = [str(number) for number in numbers]
    chosen = address.pick(
        _("What did this round learn?"), asked, key="round", names=lambda n: _("Round {n}").format(n=n)
    )
    with read_session(data.engine()) as session:
        looked_at = rounds.numbered(session, study, int(chosen or asked[0]))
    models.round_panel(study, looked_at, me)
elif newest is None:
    frame.empty(_("No round yet. A round fine-tunes the models on a closed batch and computes every figure."))

if not past.empty:
    st.subheader(_("All rounds"))
    shown = past.assign(
        message=past["message"].map(definitions.said, na_action="ignore").fillna(""),
        status=past["status"].map(words.round_status),
        closed_by=past["closed_by"].map(words.closed_by),
    )
    columns = words.round_columns() | {"started": times.column(_("Started"))}
    st.dataframe(shown, hide_index=True, column_config=columns, placeholder="")
    take.numbers(past, "rounds")
