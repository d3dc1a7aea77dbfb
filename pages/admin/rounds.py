"""Is the loop turning? The open batch, the round that runs, and what its models are worth beside the baselines."""

import streamlit as st

from db.engine import read_session, write_session
from recux import charts
from recux.access import audit
from recux.access.accounts import has_role
from recux.insight import rounds
from recux.rounds.queue import close_and_enqueue
from recux.ui import data, frame, live, words
from recux.ui.language import _
from recux.ui.plain import plain

me = frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    waiting, newest = rounds.open_batch(session, study), rounds.latest(session, study)
    done = rounds.last_done(session, study)
    models = rounds.models(session, done) if done else None
    past = rounds.history(session, study)
analyst = has_role(me, "analyst")

frame.heading(words.loop(newest, waiting.size), study)
if newest:
    live.round_panel(study, newest, may_cancel=analyst)

st.subheader(_("The open batch"))
st.progress(
    min(waiting.ratings / waiting.size, 1.0),
    text=_("{r} new ratings and {a} new answers; a round starts by itself at {size} ratings").format(
        r=waiting.ratings, a=waiting.answers, size=waiting.size
    ),
)
if analyst and st.button(
    _("Close the batch and start its round now"), disabled=not (waiting.ratings or waiting.answers)
):
    started = close_and_enqueue(data.settings(), study.id)
    if started is None:
        frame.done(_("There is nothing new to put into a batch."))
    with write_session(data.engine()) as session:
        audit.record(session, actor=me.email, action="batch.close", target=study.slug, round=started.number)
    frame.done(_("Batch {n} is closed; its round is queued.").format(n=started.number))

if models is not None and not models.empty:
    st.subheader(_("What round {n} learned").format(n=done.number))
    st.write(_("Measured on people whom the models never saw."))
    for tab, head in zip(
        st.tabs([words.head(h) for h in models["head"].unique()]), models["head"].unique(), strict=True
    ):
        rows = models[models["head"] == head]
        champion = rows[rows["champion"]]
        if not champion.empty:
            best = words.model(champion["model"].iloc[0])
            tab.success(_("Champion, serving now: {model}").format(model=best), icon=":material/trophy:")
        names = [words.model(name) for name in rows.sort_values("baseline")["model"].unique()]
        measures = rows.assign(measure=rows["measure"].map(words.measure), model=rows["model"].map(words.model))
        tab.altair_chart(charts.models(measures, names=names, title=_("Value on held-out people, interval (95 %)")))
        for reason in rows["why"].dropna().unique():
            tab.markdown(f":material/info: {plain(reason)}")
elif newest is None:
    frame.empty(_("No round yet. A round fine-tunes the models on a closed batch and computes every figure."))

if not past.empty:
    st.subheader(_("All rounds"))
    shown = past.assign(
        message=past["message"].fillna(""),
        status=past["status"].map(words.round_status),
        closed_by=past["closed_by"].map(words.closed_by),
    )
    columns = words.round_columns() | {
        "started": st.column_config.DatetimeColumn(_("Started"), timezone=st.context.timezone)
    }
    st.dataframe(shown, hide_index=True, column_config=columns)
