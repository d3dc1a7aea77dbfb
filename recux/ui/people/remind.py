"""Who was invited and has not finished yet, as a list to download and remind."""

from typing import Any

import streamlit as st

from db.engine import read_session, write_session
from db.tables import Study, User
from recux.access import audit
from recux.collect import rejecting
from recux.insight import people
from recux.spreadsheet import safe_cell
from recux.ui import data, frame, times, words
from recux.ui.language import _


def show(me: User, study: Study) -> None:
    """The list, those who came furthest first; downloading it is noted."""
    with read_session(data.engine()) as session:
        table = people.to_remind(session, study)
    if table.empty:
        frame.empty(_("Nobody is left to remind: everyone who was invited has finished, or nobody was invited yet."))
        return
    st.subheader(_("{n} people have not finished").format(n=len(table)))
    st.text(_("Their links still work. recux knows no addresses: send a reminder where you sent the link."))
    titles = {"invited": _("Invited"), "seen": _("Last seen"), "reminded": _("Reminded")}
    when = {name: times.column(title) for name, title in titles.items()}
    named = table.assign(step=table["step"].map(words.steps()))
    columns: dict[str, Any] = {"participant": _("Participant"), "cohort": _("Cohort"), "step": _("Last step reached")}
    st.dataframe(named, hide_index=True, column_config=columns | when)
    content = table.map(safe_cell).to_csv(index=False)
    if st.download_button(_("Download and note as reminded"), content, f"remind-{study.slug}.csv", "text/csv"):
        with write_session(data.engine()) as session:
            rejecting.note_reminded(session, study, table["participant"].tolist())
            audit.record(session, actor=me.email, action="study.remind", target=study.slug, people=len(table))
