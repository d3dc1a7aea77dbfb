"""Which arm is better, by how much, and how sure that is."""

import streamlit as st

from db.engine import read_session
from recux import charts
from recux.insight import experiment
from recux.ui import data, figures, frame, words
from recux.ui.language import _
from recux.ui.plain import plain

frame.enter("viewer")
study = frame.chosen_study()
with read_session(data.engine()) as session:
    arms = frame.arm_titles(session, study)
    found = experiment.now(session, study) if len(arms) > 1 else None
frame.heading(_("Which arm is better?"), study)
if found is None:
    frame.empty(
        _("This study has one arm, so there is nothing to compare."), "studies", _("Set up a study with two arms")
    )
    st.stop()
if found.split.ok is False:
    st.error(
        _("People are not split between the arms as planned, so nothing below can be trusted. First find out why.")
    )

control = next(iter(arms.values()))
for one in found.primary:
    st.subheader(words.sentence(one, arms))
    st.text(words.because(one))
decides = experiment.table(found.primary)
drawn = decides[decides["value"].notna()]
if not drawn.empty:
    drawn = drawn.assign(arm=drawn["arm"].map(arms))
    drawn = drawn.assign(label=drawn["arm"] + "|" + drawn["verdict"].map(words.verdict))
    title = _("{metric}: difference to {control}").format(metric=words.metric(study.primary_metric), control=control)
    margin = drawn["margin"].iloc[0]
    form = "+" + figures.number_format(study.primary_metric)
    st.altair_chart(charts.differences(drawn, list(arms.values()), title=title, margin=margin, number=form))
    st.text(_("The line is the interval (95 %); inside the grey band a difference is too small to matter."))

counts = " · ".join(f"{arms[arm]}: {n}" for arm, n in found.split.counts.items())
split = _("no reason to doubt the split") if found.split.ok else found.split.reason or _("not as planned")
st.markdown(f"**{_('People')}**: {plain(counts)} ({plain(split)})")

others = experiment.table([one for one in found.comparisons if not one.primary])
if not others.empty:
    st.subheader(_("Everything else that was measured"))
    st.text(_("These do not decide; their p-values are corrected for looking at all of them."))
    shown = [
        {
            _("Metric"): words.metric(row.metric),
            _("Arm"): arms[row.arm],
            _("Difference"): figures.signed(row.value, row.metric),
            _("Interval (95 %)"): figures.between(row, row.metric),
            _("n"): row.n,
            _("Verdict"): words.verdict(row.verdict),
        }
        for row in others.itertuples()
    ]
    st.dataframe(shown, hide_index=True)
