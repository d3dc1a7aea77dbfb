"""The settings of a study as a form: to create one from a template, and to change one that is there."""

from typing import Any

import streamlit as st
from pydantic import ValidationError

from db.engine import read_session, write_session
from db.tables import Study, User
from recux import templates
from recux.access import audit
from recux.collect import definitions, studies, study_life
from recux.collect.definitions import StudyDefinition
from recux.errors import RecuxError
from recux.instruments import Instruments
from recux.questionnaires import instruments_of
from recux.ui import data, frame, problems, words
from recux.ui.language import _
from recux.ui.study import parts

EDITING = "_editing"
"""Slug -> edit version that the form on this screen began from."""


def create(me: User) -> None:
    """A new study, from the template of its domain."""
    domain = st.selectbox(_("What is recommended?"), templates.available(), format_func=words.domain)
    preset = definitions.read_definition(None, template=domain)
    slug = st.text_input(_("Short name, for addresses"), placeholder="spring-pilot").strip()
    wanted = _fields(preset.model_copy(update={"arms": parts.FIRST_ARMS}), f"new-{domain}", frozen=False)
    if st.button(_("Create as a draft"), type="primary"):
        try:
            definition = _definition(wanted, {})
            with write_session(data.engine()) as session:
                studies.create_study(session, slug, definition)
                audit.record(session, actor=me.email, action="study.create", target=slug)
        except (RecuxError, ValidationError, ValueError) as error:
            _say(error)
        else:
            frame.choose(slug)
            frame.done(_("The study is a draft. Next: import its items."))


def edit(me: User, study: Study) -> None:
    """Change the settings. What a launch has fixed is shown and cannot be changed."""
    versions: dict[str, int] = st.session_state.setdefault(EDITING, {})
    version = versions.setdefault(study.slug, study.edit_version)
    with read_session(data.engine()) as session:
        present, kept = study_life.definition_of(session, study), instruments_of(session, study)
    frozen = study.status != "draft"
    if frozen:
        st.info(_("The launch has fixed what gives answers their meaning; those fields are grey."))
    wanted = _fields(present, f"{study.slug}-{version}", frozen=frozen)
    if st.button(_("Save"), type="primary", key=f"save-{study.slug}"):
        try:
            definition = _definition(wanted, kept)
            with write_session(data.engine()) as session:
                here = studies.get_study(session, study.slug)
                changed = study_life.change_study(session, here, definition, version=version)
                if changed:
                    audit.record(session, actor=me.email, action="study.change", target=study.slug, changed=changed)
        except (RecuxError, ValidationError, ValueError) as error:
            _say(error)
        else:
            versions.pop(study.slug)
            frame.done(_("Saved.") if changed else _("Nothing was changed."))
    if version != study.edit_version:
        st.warning(_("Somebody else has changed the settings since you began, so yours cannot be saved."))
        if st.button(_("Drop mine and show theirs")):
            versions.pop(study.slug)
            st.rerun()


def _fields(start: StudyDefinition, key: str, *, frozen: bool) -> dict[str, Any]:
    """The settings as they stand in the form."""
    basics, arms, flow, texts, batches = st.tabs(
        [_("Basics"), _("Arms"), _("What people do"), _("Consent and words"), _("Batches and promises")]
    )
    with basics:
        found = _plain(start) | parts.basics(start, key, frozen=frozen)
    with arms:
        found |= parts.arms(start, key, frozen=frozen)
    with flow:
        found |= parts.flow(start, key, found["instruments"], frozen=frozen)
    with texts:
        found |= parts.texts(start, key, found["languages"])
    with batches:
        found |= parts.batches(start, key)
    return found


def _plain(start: StudyDefinition) -> dict[str, Any]:
    return {name: getattr(start, name) for name in StudyDefinition.model_fields}


def _definition(wanted: dict[str, Any], kept: Instruments) -> StudyDefinition:
    """The definition in the form; ``kept`` are the instruments that a launched study goes on with."""
    said = wanted | {"arms": parts.read_arms(wanted["arms"])}
    return StudyDefinition.model_validate(said, context={"instruments": kept})


def _say(error: Exception) -> None:
    st.error(problems.said(error))
