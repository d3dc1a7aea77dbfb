"""Bring in a file: look, map its columns, try without writing, import. The same code as ``recux import``."""

import pandas as pd
import streamlit as st

from recux.access.accounts import has_role
from recux.ingest import KINDS, Refused, import_file
from recux.ui import data, frame, uploads, words
from recux.ui.language import _

me = frame.enter("analyst")
study = frame.chosen_study()
frame.heading(_("Import"), study)

kind = st.selectbox(_("What is in the file?"), list(KINDS), format_func=words.kind)
upload = st.file_uploader(_("CSV, JSON Lines or Parquet, also gzipped"), key=f"file-{kind}")
if upload is None:
    needed = ", ".join(column.name for column in KINDS[kind] if column.required)
    frame.empty(_("The file needs these columns, under any name: {columns}").format(columns=needed))
    st.stop()

path = uploads.keep(upload)
seen = uploads.look(path)
st.subheader(_("The first rows"))
st.dataframe(pd.DataFrame(seen.rows), hide_index=True)

st.subheader(_("Which column is which"))
given = st.file_uploader(_("A map file from before (optional)"), type="toml")
if given:
    map_path = uploads.keep(given)
else:
    choices = st.columns(4)
    chosen = {}
    for number, column in enumerate(KINDS[kind]):
        same = seen.columns.index(column.name) if column.name in seen.columns else None
        label = f"{column.name} *" if column.required else column.name
        chosen[column.name] = choices[number % 4].selectbox(label, seen.columns, index=same, placeholder=_("none"))
    create = st.checkbox(_("Create items that are not known yet"))
    text = uploads.map_text({ours: theirs for ours, theirs in chosen.items() if theirs}, create_items=create)
    map_path = path.with_suffix(".map.toml")
    map_path.write_text(text, encoding="utf-8")
    st.download_button(_("Save this mapping as a map file"), text, f"{kind}.toml", "application/toml", type="tertiary")

skip = st.checkbox(_("Keep the good rows when some are bad"))
trial, real, _rest = st.columns([1, 1, 4])
dry = trial.button(_("Try without writing"))
wet = real.button(_("Import"), type="primary", disabled=not has_role(me, "analyst"))
if dry or wet:
    with st.spinner(
        _("Reading ..."), show_time=True
    ):  # nothing of Streamlit inside: a click elsewhere must not cut it off
        try:
            result = import_file(
                data.engine(), study.slug, kind, path, map_path=map_path, skip_bad=skip, dry_run=dry,
                quarantine_folder=data.settings().folder("quarantine"),
            )  # fmt: skip
            refused = False
        except Refused as refusal:
            result, refused = refusal.result, True
    if refused:
        st.error(_("Nothing was written: some rows break a rule."))
    elif dry:
        st.info(_("This was a trial; nothing was written. The import would do this:"))
    else:
        st.success(_("Imported."), icon=":material/check:")
    counts = pd.DataFrame([{name: getattr(result, name) for name in words.import_counts()}])
    st.dataframe(counts.rename(columns=words.import_counts()), hide_index=True)
    if result.rejected:
        st.subheader(_("Rows that were put aside"))
        rows = [(r.line, r.column, str(r.value), r.reason) for r in result.rejected]
        st.dataframe(pd.DataFrame(rows, columns=[_("Line"), _("Column"), _("Value"), _("Reason")]), hide_index=True)
    if result.quarantine_file:
        st.download_button(_("Download all of them"), result.quarantine_file.read_bytes(), result.quarantine_file.name)
