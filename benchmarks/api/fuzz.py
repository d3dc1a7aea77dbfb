"""Requests made to break the API: drawn by schemathesis from its own OpenAPI document, half not as documented."""

import os
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NamedTuple

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from starlette.applications import Starlette
from starlette.routing import Mount

from db.engine import engine_for, write_session
from db.migrate import upgrade
from db.tables import Arm, Consent, ConsentText, Item, Participant, Study
from recux.access.keys import MOST_PER_MINUTE, SCOPES, create_key

WANTED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "ignored_auth",
)


class Fuzzed(NamedTuple):
    """What came of it."""

    requests: int
    server_errors: int
    violations: list[str]
    statuses: Counter[int]


def measure(*, requests: int, seed: int = 8) -> Fuzzed:
    """Send at least ``requests`` requests in this process, spread over all operations."""
    app, key = _api()
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    operations = [found.ok() for found in schema.get_all_operations()]
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    while (left := requests - seen.total()) > 0:  # some operations have fewer different requests than their share
        for operation in operations:
            _try(operation, key, -(-left // len(operations)), seed, seen, wrong)
            seed += 1
    return Fuzzed(seen.total(), sum(n for status, n in seen.items() if status >= 500), wrong, seen)


def _try(operation: Any, key: str, each: int, seed: int, seen: Counter[int], wrong: list[str]) -> None:
    checks = [CHECKS.get_one(name) for name in WANTED]

    @seeded(seed)
    @settings(
        max_examples=each,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def attempt(case: Any) -> None:
        if seen.total() % 5:  # made-up names alone would hardly get past "there is no such study"
            known = {"study": "shop", "participant": "ann", "instrument": "nps", "question": "score"}
            case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        try:
            response = case.call(headers={"Authorization": f"Bearer {key}"})
            seen[response.status_code] += 1
            case.validate_response(response, checks=checks)
        except FailureGroup as failures:
            wrong.extend(f"{operation.label}: {failure}" for failure in failures.exceptions)
        except Exception as error:  # the application's own, past its handlers
            seen[500] += 1
            wrong.append(f"{operation.label}: {error!r}")

    attempt()


def _api() -> tuple[Starlette, str]:
    home = Path(mkdtemp(prefix="recux-fuzz-"))
    os.environ |= {"RECUX_HOME": str(home), "RECUX_DATABASE_URL": "", "RECUX_SECRET_KEY": "f" * 40}
    from recux.api.app import create_api
    from recux.settings import Settings

    url = Settings().url
    upgrade(url)
    key = plant(url)
    return Starlette(routes=[Mount("/api", create_api(Settings()))]), key


def plant(url: str) -> str:
    """A live study ``shop`` with a person ``ann`` who consented, items, and a key that opens everything."""
    with write_session(engine_for(url)) as session:
        study = Study(slug="shop", title="Shop", salt="salt", status="live")
        session.add(study)
        session.flush()
        text = ConsentText(study_id=study.id, language="en", text="Agree?")
        session.add_all([Arm(study_id=study.id, key="a", title="A", source="popularity"), text])
        session.add_all(Item(study_id=study.id, external_id=f"i{n}", title=f"Item {n}") for n in range(12))
        ann = Participant(study_id=study.id, external_id="ann")
        session.add(ann)
        session.flush()
        session.add(Consent(participant_id=ann.id, consent_text_id=text.id, given=True))
        return create_key(session, "fuzz", list(SCOPES), per_minute=MOST_PER_MINUTE).secret
