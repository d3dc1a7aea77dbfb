"""The steps of an import: which column is which, and what came of it."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from db.engine import read_session, write_session
from db.tables import Study, User
from recux.access import audit
from recux.access.permissions import allow
from recux.errors import RecuxError
from recux.ingest import KINDS, ImportResult, Refused, import_file
from recux.insight.setup import imports
from recux.spreadsheet import safe_cell
from recux.ui import data, problems, times, uploads, words
from recux.ui.language import _

LOOK = 0.3
"""Seconds between two looks at a running import."""
SHOWN = 1000
"""Rows that were put aside on the screen; the download has all."""


def mapping(kind: str, path: Path, columns: tuple[str, ...]) -> Path:
    """Which column is which, by a map file from before or by hand; returns the map file that says so."""
    given = st.file_uploader(_("A map file saved earlier (optional)"), type="toml", key=f"map-{kind}")
    if given:
        return uploads.keep(given)
    chosen, places = {}, st.columns(4)
    for number, column in enumerate(KINDS[kind]):
        same = columns.index(column.name) if column.name in columns else None
        label = f"{column.name} *" if column.required else column.name
        chosen[column.name] = places[number % 4].selectbox(label, columns, index=same, placeholder=_("none"))
    create = kind not in {"items", "participants"} and st.checkbox(_("Create items that are not known yet"))
    text = uploads.map_text({ours: theirs for ours, theirs in chosen.items() if theirs}, create_items=create)
    map_path = path.with_suffix(".map.toml")
    map_path.write_text(text, encoding="utf-8")
    name = f"{kind}.toml"
    st.download_button(_("Save this mapping as a map file"), text, name, "application/toml", type="tertiary")
    return map_path


def run(me: User, study: Study, kind: str, path: Path, map_path: Path, *, skip_bad: bool, dry: bool) -> None:
    """Try or import the file, with its progress, and show what came of it."""
    with read_session(data.engine()) as session:
        allow(session, me.email, f"import.{kind}")
    try:
        result, refused = _watched(study, kind, path, map_path, skip_bad=skip_bad, dry=dry), False
    except Refused as refusal:
        result, refused = refusal.result, True
    except RecuxError as error:
        st.error(problems.said(error))
        return
    if refused:
        st.error(_("Nothing was written: some rows break a rule."))
    elif dry:
        st.info(_("This was a trial; nothing was written. The import would do this:"))
    else:
        with write_session(data.engine()) as session:
            counts = {"read": result.read, "written": result.written, "updated": result.updated}
            audit.record(session, actor=me.email, action=f"import.{kind}", target=study.slug, file=path.name, **counts)
        st.success(_("Imported."), icon=":material/check:")
    _result(result)


def earlier(study: Study) -> None:
    """What was imported before, also by an import that somebody left before its end."""
    with read_session(data.engine()) as session:
        runs = imports(session, study)
    if runs.empty:
        return
    with st.expander(_("Earlier imports ({n})").format(n=len(runs)), icon=":material/history:"):
        columns: dict[str, Any] = {"kind": _("What"), "file": _("File"), **words.import_counts()}
        named = runs.assign(kind=runs["kind"].map(words.kind))
        st.dataframe(named, hide_index=True, column_config=columns | {"finished_at": times.column(_("When"))})


def _watched(study: Study, kind: str, path: Path, map_path: Path, *, skip_bad: bool, dry: bool) -> ImportResult:
    """Import in a thread of its own and show how far it is: a click elsewhere leaves the page, not the import."""
    read = [0]
    folder, engine = data.settings().folder("quarantine"), data.engine()
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")
    work = pool.submit(
        import_file, engine, study.slug, kind, path, map_path=map_path, skip_bad=skip_bad, dry_run=dry,
        quarantine_folder=folder, progress=lambda rows: read.__setitem__(0, rows),
    )  # fmt: skip
    pool.shutdown(wait=False)
    place = st.empty()
    while not wait([work], timeout=LOOK).done:
        text = _("{n} rows read; the import goes on if you leave this page").format(n=f"{read[0]:,}")
        place.info(text, icon=":material/hourglass_top:")
    place.empty()
    return work.result()


def _result(result: ImportResult) -> None:
    counts = pd.DataFrame([{name: getattr(result, name) for name in words.import_counts()}])
    st.dataframe(counts.rename(columns=words.import_counts()), hide_index=True)
    if result.rejected:
        st.subheader(_("Rows that were put aside"))
        rows = [(r.line, r.column, str(r.value), problems.translated(r.reason)) for r in result.rejected[:SHOWN]]
        st.dataframe(pd.DataFrame(rows, columns=[_("Line"), _("Column"), _("Value"), _("Reason")]), hide_index=True)
        content, name = _put_aside(result)
        st.download_button(_("Download all of them"), content, name, "text/csv", type="primary")


def _put_aside(result: ImportResult) -> tuple[bytes, str]:
    """The rows that were put aside as a file: the one that was kept, or, after a trial, one made now."""
    if result.quarantine_file:
        return result.quarantine_file.read_bytes(), result.quarantine_file.name
    rows = [[safe_cell(cell) for cell in (r.line, r.column, str(r.value), r.reason)] for r in result.rejected]
    table = pd.DataFrame(rows, columns=["line", "column", "value", "reason"])
    return table.to_csv(index=False).encode(), "put-aside.csv"
