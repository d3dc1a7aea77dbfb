"""The API as a program meets it, in this process, with a study that has one person who consented."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from db.engine import engine_for, write_session
from db.tables import Arm, Consent, ConsentText, Item, Participant, Study
from recux.access.keys import MOST_PER_MINUTE, SCOPES, create_key
from recux.web import routes

SITE = "http://recux.test"
SECRET = "s" * 40


class Api(TestClient):
    """A client with keys; ``key`` is sent unless headers say otherwise."""

    engine: sa.Engine
    keys: dict[str, str]

    def call(self, method: str, path: str, *, scope: str | None = "all", **more: Any):
        headers = dict(more.pop("headers", {}))
        if scope is not None:
            headers.setdefault("Authorization", f"Bearer {self.keys[scope]}")
        return self.request(method, f"/api/v1{path}", headers=headers, **more)

    def ingest(self, kind: str, rows: Any, **more: Any):
        return self.call("POST", f"/studies/shop/import/{kind}", json=rows, **more)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


@pytest.fixture
def api(sqlite_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    yield from make_api(sqlite_url, tmp_path, monkeypatch)


@pytest.fixture
def both(database_url: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The same on either database."""
    yield from make_api(database_url, tmp_path, monkeypatch)


def make_api(url: str, folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    settings = {"DATABASE_URL": url, "HOME": str(folder), "SECRET_KEY": SECRET, "EMBED_HOSTS": "shop.example.org"}
    for name, value in settings.items():
        monkeypatch.setenv(f"RECUX_{name}", value)
    engine = engine_for(url)
    keys = plant(engine)
    with Api(Starlette(routes=routes()), base_url=SITE, follow_redirects=False) as client:
        client.engine, client.keys = engine, keys
        yield client
    engine.dispose()


def plant(engine: sa.Engine) -> dict[str, str]:
    with write_session(engine) as session:
        for slug in ("shop", "other"):
            study = Study(slug=slug, title=slug.title(), salt=f"salt of {slug}", status="live")
            session.add(study)
            session.flush()
            text = ConsentText(study_id=study.id, language="en", text="Agree?")
            session.add_all([Arm(study_id=study.id, key="a", title="A", source="popularity"), text])
            session.add_all(Item(study_id=study.id, external_id=f"i{n}", title=f"Item {n}") for n in range(10))
            ann = Participant(study_id=study.id, external_id="ann")
            session.add(ann)
            session.flush()
            session.add(Consent(participant_id=ann.id, consent_text_id=text.id, given=True))
        per_minute = MOST_PER_MINUTE
        made = {scope: create_key(session, scope, [scope], per_minute=per_minute) for scope in SCOPES}
        made["all"] = create_key(session, "all", list(SCOPES), per_minute=per_minute)
        made["other"] = create_key(session, "other", list(SCOPES), study=study, per_minute=per_minute)
    return {name: key.secret for name, key in made.items()}
