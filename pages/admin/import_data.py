"""Bring in a file: look, map its columns, try without writing, import. The same code as ``recux import``."""

import pandas as pd
import streamlit as st

from recux.ingest import KINDS
from recux.ui import frame, importing, uploads, words
from recux.ui.language import _

me = frame.enter("analyst")
study = frame.chosen_study()
frame.heading(_("Import"), study)
if study.status == "closed":
    frame.empty(
        _("This study is closed: nothing more can be imported. Duplicate it to go on."), "studies", _("Studies")
    )
    st.stop()

kind = st.selectbox(
    _("What is in the file?"), list(KINDS), format_func=words.kind, key="kind", bind="query-params"
)  # fmt: skip
upload = st.file_uploader(_("CSV, JSON Lines or Parquet, also gzipped"), key=f"file-{kind}")
importing.earlier(study)
if upload is None:
    needed = ", ".join(column.name for column in KINDS[kind] if column.required)
    frame.empty(_("The file needs these columns, under any name: {columns}").format(columns=needed))
    st.stop()

path = uploads.keep(upload)
seen = uploads.look(path)
st.subheader(_("The first rows"))
st.dataframe(pd.DataFrame(seen.rows), hide_index=True)
st.subheader(_("Which column is which"))
map_path = importing.mapping(kind, path, seen.columns)

skip = st.checkbox(_("Keep the good rows when some are bad"))
with st.container(horizontal=True):
    dry = st.button(_("Try without writing"))
    wet = st.button(_("Import"), type="primary")
if dry or wet:
    importing.run(me, study, kind, path, map_path, skip_bad=skip, dry=dry)
