"""The quick lane of single ratings: the same outcome as the ordinary way, in fewer transactions."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.engine import build_engine, write_session
from recux.access.keys import revoke_key
from recux.api.quick import QuickLane
from recux.collect.consent import current_consent, decide
from tests.api.conftest import Api

PERSON = "/studies/shop/participants/ann"
SAID = "SELECT rating, comment, current FROM rating ORDER BY id"


def lane(api: Api) -> QuickLane:
    found = api.app.router.routes[0].app.routes[-1].app
    assert isinstance(found, QuickLane)
    return found


@pytest.fixture
def ordinary(both, monkeypatch) -> list[str]:
    """The paths of requests that went the ordinary way."""
    paths: list[str] = []
    front = lane(both)
    routes = front.app

    async def noted(scope, receive, send):
        if scope["type"] == "http":
            paths.append(scope["path"].rpartition("/")[2])
        await routes(scope, receive, send)

    monkeypatch.setattr(front, "app", noted)
    return paths


@pytest.fixture
def slate(both) -> str:
    return both.call("POST", PERSON + "/slate").json()["slate_id"]


def put(api: Api, slate: str, stars: int, comment: str | None = None, item: str | None = None, **more):
    item = item or shown(api, slate)[0]
    said = {"slate_id": slate, "item_id": item, "rating": stars, "comment": comment}
    return api.call("PUT", PERSON + "/ratings", json=said, **more)


def shown(api: Api, slate: str) -> list[str]:
    query = "SELECT i.external_id FROM impression p JOIN item i ON i.id = p.item_id JOIN slate s ON s.id = p.slate_id"
    return [row[0] for row in api.rows(f"{query} WHERE s.external_id = '{slate}' ORDER BY p.position")]


def test_a_plain_rating_takes_the_quick_lane_and_is_answered_as_by_the_ordinary_way(both, slate, ordinary):
    quick = put(both, slate, 4, " warm\r\n").json()
    assert ordinary == []
    again = put(both, slate, 4, "warm", headers={"Idempotency-Key": "a"}).json()
    assert ordinary == ["ratings"]
    assert quick == again
    assert (quick["rating"], quick["comment"]) == (4.0, "warm")
    assert put(both, slate, 4, "warm").json() == quick
    assert put(both, slate, 2).json()["comment"] is None
    assert [(stars, words, bool(current)) for stars, words, current in both.rows(SAID)] == [
        (4, "warm", False),
        (2, None, True),
    ]


def test_what_is_not_plain_is_refused_in_the_words_of_the_ordinary_way(both, slate, ordinary):
    assert put(both, slate, 6).status_code == 422
    assert put(both, slate, 3, item="nope").status_code == 404
    assert put(both, slate, 3, "x" * 5001).status_code == 422
    assert put(both, slate, 3, scope="read").status_code == 403
    assert both.ingest("ratings", {"participant_id": "ann", "item_id": "i1", "rating": 9}).status_code == 422
    assert both.ingest("ratings", {"participant_id": "new", "item_id": "i1", "rating": 3}).json()["written"] == 1
    assert len(ordinary) == 6


def test_who_takes_back_consent_or_withdrew_is_not_rated_for_by_the_quick_lane(both, slate, ordinary):
    from db.tables import Participant, now

    with write_session(both.engine) as session:
        ann = session.get_one(Participant, 1)
        decide(session, ann, current_consent(session, ann, None), False)
    assert put(both, slate, 4).status_code == 403
    with write_session(both.engine) as session:
        ann = session.get_one(Participant, 1)
        ann.withdrawn_at = now()
        session.add(ann)
    assert both.ingest("ratings", {"participant_id": "ann", "item_id": "i1", "rating": 3}).status_code == 422
    assert both.rows(SAID) == []
    assert ordinary == ["ratings", "ratings"]


def test_a_rate_holds_in_the_quick_lane_and_a_rating_is_charged_once(both, slate, ordinary, monkeypatch):
    charged = []
    buckets = lane(both)._doorkeeper.buckets
    take = buckets.wait
    monkeypatch.setattr(buckets, "wait", lambda *asked: charged.append(asked) or take(*asked))
    put(both, slate, 4)
    put(both, slate, 6)
    assert len(charged) == 2
    monkeypatch.setattr(buckets, "wait", lambda *_: 3.0)
    assert put(both, slate, 5).status_code == 429
    assert both.rows("SELECT rating FROM rating") == [(4,)]


def test_a_revoked_key_ends_within_five_seconds_in_the_quick_lane_too(both, slate, monkeypatch):
    put(both, slate, 4)
    with write_session(both.engine) as session:
        revoke_key(session, both.keys["all"])
    known = lane(both)._doorkeeper._known
    for digest, (at, grant) in list(known.items()):
        known[digest] = (at - 5, grant)
    assert put(both, slate, 5).status_code == 401


def test_many_at_once_share_transactions_and_each_is_told_what_became_of_it(both, slate, monkeypatch):
    writer = lane(both)._writer
    groups = []
    write = writer._transaction
    monkeypatch.setattr(writer, "_transaction", lambda group: groups.append(len(group)) or write(group))
    items = shown(both, slate)

    def one(number: int):
        if number % 2:
            return put(both, slate, 1 + number % 5, item=items[number % len(items)])
        row = {"participant_id": "ann", "item_id": f"i{number % 10}", "rating": 3, "rated_at": 1_760_000_000 + number}
        return both.ingest("ratings", row)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(one, range(60)))
    assert {answer.status_code for answer in answers} == {200}
    assert max(groups) > 1
    assert sum(answer.json().get("written", 0) for answer in answers) == 30
    once = "SELECT count(*) FROM rating WHERE current GROUP BY study_id, row_key HAVING count(*) > 1"
    assert both.rows(once) == []
    assert both.rows("SELECT count(*) FROM rating WHERE rated_at < '2025-12-01'") == [(30,)]


def test_a_rating_that_comes_while_the_database_is_away_is_told_to_come_again(both, slate, monkeypatch):
    away = build_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    keeper = lane(both)._doorkeeper
    monkeypatch.setattr(keeper, "engine", away)
    monkeypatch.setattr(lane(both)._writer, "_engine", away)
    for known in (True, False):  # the key was looked up a moment ago, or has to be now
        if not known:
            keeper._known.clear()
        answer = put(both, slate, 4, item=shown(both, slate)[0])
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:recux:unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert both.rows(SAID) == []


def test_when_a_group_cannot_be_written_each_goes_the_ordinary_way(both, slate, ordinary, monkeypatch, caplog):
    from sqlalchemy.exc import IntegrityError

    from recux.api import quick

    def breaks(connection, given, **how):
        quick_write(connection, given, **how)
        raise IntegrityError("a rival was quicker", None, ValueError())

    quick_write = quick.write_together
    monkeypatch.setattr(quick, "write_together", breaks)
    with caplog.at_level(logging.INFO, "recux.api"):
        assert put(both, slate, 4).json()["rating"] == 4
    assert (ordinary, both.rows("SELECT rating FROM rating")) == (["ratings"], [(4,)])
    assert "go the ordinary way" in caplog.text
