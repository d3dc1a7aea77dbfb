"""Set up a study: from a template of its domain, through a checklist, to its launch."""

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from db.engine import read_session, write_session
from recux import instruments, templates
from recux.access import audit
from recux.access.accounts import has_role
from recux.collect import definitions, studies
from recux.errors import RecuxError
from recux.insight.setup import checklist
from recux.ui import data, frame, words
from recux.ui.language import _
from recux.ui.plain import plain
from recux.validation import first_problem

me = frame.enter("viewer")
with read_session(data.engine()) as session:
    known = studies.list_studies(session)

frame.heading(_("Studies"))
if known:
    study = frame.chosen_study()
    st.subheader(plain(study.title))
    st.text(f"{study.slug} · {words.study_status(study.status)} · {words.domain(study.domain)}")
    with read_session(data.engine()) as session:
        checks = checklist(session, study)
    for check in checks:
        mark = "check_circle" if check.ok else "radio_button_unchecked"
        st.markdown(f":material/{mark}: {words.check(check.code, check.number)}")
    step = {"draft": (_("Launch"), studies.launch_study), "live": (_("Close the study"), studies.close_study)}.get(
        study.status
    )
    if step and has_role(me, "admin"):
        label, act = step
        draft = study.status == "draft"
        ready = all(check.ok for check in checks if check.needed)
        sure = ready if draft else st.checkbox(_("Nothing more will be collected. This cannot be undone."))
        if st.button(label, type="primary", disabled=not sure):
            with write_session(data.engine()) as session:
                said = act(session, studies.get_study(session, study.slug))
                audit.record(session, actor=me.email, action=f"study.{act.__name__}", target=study.slug)
            frame.done("\n".join([_("Done."), *(said or [])]))

if has_role(me, "admin"):
    with st.expander(_("Set up a new study"), icon=":material/add:", expanded=not known):
        domain = st.selectbox(_("What is recommended?"), templates.available(), format_func=words.domain)
        preset = definitions.read_definition(None, template=domain)
        left, right = st.columns(2)
        title = left.text_input(_("Title"), placeholder=_("Spring pilot"))
        slug = right.text_input(_("Short name, for addresses"), placeholder="spring-pilot")
        asked = st.multiselect(_("Questionnaires"), instruments.available(), default=preset.instruments)
        left, middle, right = st.columns(3)
        metric = left.selectbox(_("What decides"), definitions.PLAIN_METRICS, format_func=words.metric)
        size = middle.number_input(_("Items a person sees"), 1, 100, preset.slate_size)
        batch = right.number_input(_("Ratings and answers that make a batch"), 1, 1_000_000, preset.batch_size)
        st.markdown(_("**Arms**: the ways of recommending that are compared. The first is the control."))
        arms = st.data_editor(
            pd.DataFrame([{"key": "a", "title": "", "weight": 1.0, "source": "popularity", "url": ""}]),
            num_rows="dynamic",
            column_config={"source": st.column_config.SelectboxColumn(options=words.SOURCES, required=True)},
        )
        consent = {
            lang: st.text_area(_("Consent text") + f" ({lang})", preset.consent.get(lang, ""))
            for lang in preset.languages
        }
        if st.button(_("Create as a draft"), type="primary"):
            try:
                rows = [{k: v for k, v in row.items() if pd.notna(v) and v != ""} for row in arms.to_dict("records")]
                definition = definitions.StudyDefinition.model_validate(
                    preset.model_dump()
                    | {"title": title, "instruments": asked, "primary_metric": metric, "slate_size": size}
                    | {"batch_size": batch, "arms": rows, "consent": consent}
                )
                with write_session(data.engine()) as session:
                    studies.create_study(session, slug.strip(), definition)
                    audit.record(session, actor=me.email, action="study.create", target=slug.strip())
            except (RecuxError, ValidationError) as error:
                st.error(plain(first_problem(error) if isinstance(error, ValidationError) else str(error)))
            else:
                frame.choose(slug.strip())
                frame.done(_("The study is a draft. Next: import its items."))
