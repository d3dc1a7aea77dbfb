"""Who is it, which pages, run. Works under ``streamlit run streamlit_app.py`` and ``uvicorn streamlit_app:app``."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:  # imported by a server, once
    from streamlit.runtime.pages_manager import PagesManager

    from recux.access.oidc import secrets
    from recux.settings import Settings
    from recux.web import lifespan, middleware, routes

    # Without this, the first visitor's deep link shows a false "Page not found": st.navigation has not run yet.
    PagesManager.uses_pages_directory = False
    app = st.App(__file__, secrets=secrets(Settings()), routes=routes(), middleware=middleware(), lifespan=lifespan)
else:  # run by Streamlit, at every rerun
    from recux.ui.navigation import show

    show()
