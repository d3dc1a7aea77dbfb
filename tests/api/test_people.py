"""An app that embeds the questions: consent, slate, ratings, answers, links, events - and the client doing it."""

import base64
import hmac
import json
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlmodel import select

from db.engine import write_session
from db.tables import Participant, Study
from recux.access.embedding import read_token, study_key, token_for
from recux.api.scorer import Scorer
from recux.client import ApiError, Client
from recux.collect.own_data import erase, withdraw
from recux.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from recux.settings import Settings
from recux.web import security_headers
from tests.api.conftest import SECRET

ANN = "/studies/shop/participants/ann"
ZOE = "/studies/shop/participants/zoe"
CLICK = {"item_id": "i1", "kind": "click", "occurred_at": "2026-05-01T10:00:00Z"}


def token(api, person: str = "ann", *, hours: float = 1) -> str:
    with write_session(api.engine) as session:
        study = session.exec(select(Study).where(Study.slug == "shop")).one()
        return token_for(Settings(), study, person, datetime.now(UTC) + timedelta(hours=hours))


def beacon(api, events, *, key: str | None = None, **headers: str):
    body = json.dumps({"token": key or token(api), "events": events})
    return api.call("POST", "/events", scope=None, headers={"Content-Type": "text/plain"} | headers, content=body)


def test_a_new_person_consents_rates_answers_and_is_done(both):
    consent = both.call("GET", ZOE + "/consent").json()
    assert (consent["text"], consent["given"]) == ("Agree?", None)
    assert both.call("POST", ZOE + "/slate").status_code == 404
    stale = both.call("PUT", ZOE + "/consent", json={"version": 2, "given": True})
    assert (stale.status_code, "version 1" in stale.json()["detail"]) == (409, True)
    assert both.call("PUT", ZOE + "/consent", json={"version": 1, "given": True}).json()["given"] is True
    slate = both.call("POST", ZOE + "/slate").json()
    assert both.call("POST", ZOE + "/slate").json() == slate == both.call("GET", ZOE + "/slate").json()
    place = {"slate_id": slate["slate_id"], "item_id": slate["items"][0]["item_id"]}
    for stars in (4, 4, 2):
        assert both.call("PUT", ZOE + "/ratings", json=place | {"rating": stars}).json()["rating"] == stars
    assert both.call("GET", ZOE + "/slate").json()["items"][0]["rating"] == 2
    assert both.rows("SELECT rating, current FROM rating ORDER BY id") == [(4.0, False), (2.0, True)]
    unfinished = both.call("POST", ZOE + "/responses/nps/complete")
    assert (unfinished.status_code, "score" in unfinished.json()["detail"]) == (409, True)
    assert both.call("PUT", ZOE + "/responses/nps/score", json={"value": 9}).json()["wording"].startswith("How likely")
    assert both.call("POST", ZOE + "/responses/nps/complete").status_code == 200


@pytest.mark.parametrize("name", ["%20ann", "ann%20", "%20", "a%00b"])
def test_a_name_that_an_import_would_cut_is_no_name(api, name):
    answer = api.call("PUT", f"/studies/shop/participants/{name}/consent", json={"version": 1, "given": True})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "path.participant"


def test_an_answer_is_refused_in_the_words_of_the_pages(api):
    assert api.call("PUT", ANN + "/responses/nps/score", json={"value": 11}).status_code == 422
    assert api.call("PUT", ANN + "/responses/sus/q1", json={"value": 1}).status_code == 404
    assert api.call("PUT", ANN + "/ratings", json={"slate_id": "x", "item_id": "i1", "rating": 3}).status_code == 404
    assert api.call("PUT", ANN + "/ratings", json={"slate_id": "x", "item_id": "i1", "rating": 3.5}).status_code == 422
    assert api.call("PUT", ANN + "/consent", json={"version": 1, "given": True, "extra": 1}).status_code == 422


def test_who_withdrew_gives_nothing_more_and_who_is_erased_leaves_no_reply(api):
    headers = {"Idempotency-Key": "mine"}
    assert api.call("PUT", ANN + "/responses/nps/score", json={"value": 3}, headers=headers).status_code == 200
    with write_session(api.engine) as session:
        ann = session.exec(select(Participant).where(Participant.external_id == "ann")).first()
        withdraw(session, ann)
    assert api.call("PUT", ANN + "/responses/nps/score", json={"value": 4}).status_code == 403
    assert api.ingest("ratings", {"participant_id": "ann", "item_id": "i1", "rating": 3}).status_code == 422
    assert beacon(api, [CLICK]).status_code == 403
    with write_session(api.engine) as session:
        erase(session, session.get_one(Participant, ann.id))
    assert api.rows("SELECT count(*) FROM api_reply") == [(0,)]


def test_lists_come_in_pages(api):
    first = api.call("GET", "/studies/shop/items?limit=6").json()
    second = api.call("GET", f"/studies/shop/items?limit=6&after={first['next']}").json()
    assert [row["item_id"] for row in first["data"] + second["data"]] == [f"i{n}" for n in range(10)]
    assert second["next"] is None
    assert api.call("GET", "/studies/shop/items?limit=0").status_code == 422
    assert api.call("GET", "/studies/shop/items?after=99999999999").status_code == 422


def test_an_app_signs_for_its_users_with_two_lines_of_its_own(api):
    with write_session(api.engine) as session:
        study = session.exec(select(Study).where(Study.slug == "shop")).one()
        key = study_key(Settings(), study)
        name = base64.urlsafe_b64encode("Zoë/1".encode()).decode().rstrip("=")
        body = f"shop.{name}.{int(time.time()) + 3600}"
        signed = read_token(
            session, Settings(), f"{body}.{hmac.new(key.encode(), body.encode(), 'sha256').hexdigest()}"
        )
        assert (signed.study.slug, signed.participant_id) == ("shop", "Zoë/1")


def test_a_signed_link_opens_the_study_once_it_is_framed_by_a_cookie_for_frames(api):
    url = api.call("POST", ZOE + "/link", json={"hours": 1}).json()["url"].replace("http://127.0.0.1:8501", "")
    plain = api.get(url)
    assert (plain.status_code, plain.headers["cache-control"]) == (303, "no-store")
    assert "SameSite=lax" in plain.headers["set-cookie"]
    framed = api.get(url, headers={"Sec-Fetch-Dest": "iframe"})
    assert {"SameSite=None", "Secure", "Partitioned", "HttpOnly"} <= set(framed.headers["set-cookie"].split("; "))
    assert api.rows("SELECT count(*) FROM participant WHERE external_id = 'zoe'") == [(1,)]


def test_only_the_named_hosts_may_frame(api, monkeypatch):
    policy = security_headers(Settings())["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://shop.example.org")
    monkeypatch.setenv("RECUX_EMBED_HOSTS", "")
    url = "/embed/" + token(api)
    assert "SameSite=lax" in api.get(url, headers={"Sec-Fetch-Dest": "iframe"}).headers["set-cookie"]
    monkeypatch.setenv("RECUX_EMBED_HOSTS", "x; script-src *")
    with pytest.raises(InvalidInput, match="RECUX_EMBED_HOSTS"):
        security_headers(Settings())


FORGERIES = {
    "nonsense": lambda good: "x",
    "another person": lambda good: good.replace(".YW5u.", ".Ym9i."),
    "another study": lambda good: good.replace("shop.", "other."),
    "a later end": lambda good: ".".join([*good.split(".")[:2], "1999999999", good.split(".")[3]]),
    "no signature": lambda good: good.rpartition(".")[0] + ".",
    "other letters": lambda good: good[:-1] + "é",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_id_opens_nothing(api, how):
    forged = FORGERIES[how](token(api))
    assert api.get(f"/embed/{forged}").status_code == 403
    assert beacon(api, [CLICK], key=forged).status_code == 403


def test_an_id_whose_time_is_over_or_never_ends_opens_nothing(api):
    for hours in (-1, 24 * 60):
        with write_session(api.engine) as session, pytest.raises(NotAllowed, match="works no more"):
            read_token(session, Settings(), token(api, hours=hours))


def test_a_link_that_the_key_before_signed_still_opens_while_that_key_is_listed(api, monkeypatch):
    old, opens = token(api), []
    for keys in (f"{'n' * 40},{SECRET}", "n" * 40):
        monkeypatch.setenv("RECUX_SECRET_KEY", keys)
        opens.append([api.get(f"/embed/{one}").status_code for one in (old, token(api))])
    assert opens == [[303, 303], [403, 303]]


def test_embedding_needs_a_secret(api, monkeypatch):
    monkeypatch.setenv("RECUX_SECRET_KEY", "short")
    with pytest.raises(Unavailable, match="RECUX_SECRET_KEY"):
        token(api)


def test_a_beacon_is_kept_once_in_every_form_browsers_send(api):
    assert beacon(api, [CLICK, CLICK | {"item_id": "nope"}]).json() == {"received": 2, "kept": 1}
    form = {"token": token(api), "events": json.dumps([CLICK])}
    assert api.call("POST", "/events", scope=None, data=form).json() == {"received": 1, "kept": 1}
    assert api.rows("SELECT kind FROM interaction") == [("click",)]


def test_a_beacon_comes_from_the_named_hosts_alone(api):
    ours = beacon(api, [CLICK], Origin="https://shop.example.org")
    assert ours.headers["access-control-allow-origin"] == "https://shop.example.org"
    assert beacon(api, [CLICK], Origin="https://evil.example.org").status_code == 403
    preflight = api.call("OPTIONS", "/events", scope=None, headers={"Origin": "https://shop.example.org"})
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "POST")


def test_a_beacon_that_never_stops_is_slowed_down_and_one_that_is_too_large_refused(api):
    many = [CLICK | {"dwell_ms": n} for n in range(100)]
    assert [beacon(api, many).status_code for _ in range(2)] == [200, 429]
    assert beacon(api, [CLICK] * 101).status_code == 422
    assert beacon(api, [CLICK | {"slate_id": "x" * 255}] * 900).status_code == 413


def test_events_of_people_who_have_not_consented_are_not_kept(api):
    assert beacon(api, [CLICK], key=token(api, "stranger")).status_code == 403


ECHO = "import sys, json\nfor line in sys.stdin:\n print(json.dumps({'rows': [json.loads(line)]}), flush=True)"
REFUSE = 'print(\'{"error": "NotFound", "message": "no model"}\', flush=True)'


def scorer(code: str, seconds: float = 5) -> Scorer:
    return Scorer(Settings(), command=(sys.executable, "-c", code), seconds=seconds)


def test_the_scoring_process_answers_is_kept_and_is_started_again_when_it_ended(api):
    asked = scorer(ECHO)
    assert asked.ask({"n": 1}) == [{"n": 1}]
    first = asked._child
    assert (asked.ask({"n": 2}), asked._child is first) == ([{"n": 2}], True)
    first.kill()
    first.wait()
    assert (asked.ask({"n": 3}), asked._child is first) == ([{"n": 3}], False)
    asked.close()


def test_a_scoring_process_that_refuses_hangs_or_dies_is_no_failure_of_ours(api):
    for code, kind in ((REFUSE, NotFound), ("import time; time.sleep(60)", Unavailable), ("", Unavailable)):
        asked = scorer("import sys; sys.stdin.readline()\n" + code, seconds=2)
        with pytest.raises(kind):
            asked.ask({"n": 1})
        asked.close()


def test_a_prediction_without_a_model_says_what_to_do(api):
    answer = api.call("POST", "/studies/shop/predictions/satisfaction", json={"texts": ["fine"]})
    assert (answer.status_code, "recux round run" in answer.json()["detail"]) == (404, True)


def test_a_pair_may_say_its_position_which_counts_from_one(api):
    for position, status in ((0, 422), (3, 404)):
        pair = {"participant_id": "p1", "item_id": "i1", "position": position}
        answer = api.call("POST", "/studies/shop/predictions/behaviour", json={"pairs": [pair]})
        assert answer.status_code == status


@pytest.fixture
def client(api):
    made = Client("http://recux.test", api.keys["all"])
    made._http = type(api)(api.app, base_url="http://recux.test/api/v1", headers=made._http.headers)
    return made


def test_the_client_does_the_whole_way(client):
    rows = [{"participant_id": f"p{n}", "item_id": "i1", "rating": 1 + n % 5} for n in range(30)]
    assert client.ingest("shop", "ratings", rows)["written"] == 30
    assert client.ingest("shop", "ratings", rows)["unchanged"] == 30
    assert client.consent("shop", "zoe")["version"] == 1
    client.decide("shop", "zoe", version=1, given=True)
    slate = client.slate("shop", "zoe")
    item = slate["items"][0]["item_id"]
    assert client.rate("shop", "zoe", slate["slate_id"], item, 5, comment="good")["comment"] == "good"
    assert client.answer("shop", "zoe", "nps", "score", value=10)["value"] == 10
    assert client.complete("shop", "zoe", "nps")["instrument"] == "nps"
    assert len(list(client.rows("studies/shop/ratings", limit=7))) == 31
    assert client.report("shop")["study"] == "shop"
    with pytest.raises(ApiError, match=r"422.*item_id") as failed:
        client.ingest("shop", "ratings", [{"participant_id": "p", "item_id": "nope", "rating": 3}])
    assert failed.value.problem["quarantined"] == 1


def test_the_client_repeats_what_a_restart_or_a_proxy_cut_off_with_the_same_key(monkeypatch):
    pauses, keys = [], []
    turns = iter([httpx.ConnectError("gone"), (502, {}), (503, {"Retry-After": "7"}), (200, {})])

    def server(request):
        keys.append(request.headers["Idempotency-Key"])
        turn = next(turns)
        if isinstance(turn, Exception):
            raise turn
        return httpx.Response(turn[0], headers=turn[1], json={"instrument": "nps"})

    monkeypatch.setattr("recux.client.time.sleep", pauses.append)
    made = Client("http://recux.test", "rx_1")
    made._http = httpx.Client(base_url="http://recux.test/api/v1", transport=httpx.MockTransport(server))
    assert made.complete("shop", "zoe", "nps") == {"instrument": "nps"}
    assert pauses == [0.5, 1.0, 7.0]
    assert len(keys) == 4
    assert len(set(keys)) == 1


def test_the_client_says_when_what_answers_is_not_recux():
    made = Client("http://recux.test", "rx_1", retries=0)
    page = httpx.MockTransport(lambda _request: httpx.Response(404, text="<h1>nothing here</h1>"))
    made._http = httpx.Client(base_url="http://recux.test/api/v1", transport=page)
    with pytest.raises(ApiError, match="404: the answer is not a JSON object: <h1>nothing"):
        made.report("shop")


@pytest.mark.parametrize("withdrawn", [True, False])
def test_who_may_not_take_part_now_is_shown_no_list_but_what_they_were_shown_can_be_read(api, withdrawn):
    slate = api.call("POST", ANN + "/slate").json()
    if withdrawn:
        with write_session(api.engine) as session:
            withdraw(session, session.exec(select(Participant).where(Participant.external_id == "ann")).first())
    else:
        api.call("PUT", ANN + "/consent", json={"version": 1, "given": False})
    assert api.call("POST", ANN + "/slate").status_code == 403
    assert api.call("GET", ANN + "/slate").json() == slate


def test_a_closed_study_shows_no_list(api):
    api.call("POST", ANN + "/slate")
    with write_session(api.engine) as session:
        session.exec(select(Study).where(Study.slug == "shop")).one().status = "closed"
    refused = api.call("POST", ANN + "/slate")
    assert (refused.status_code, refused.json()["detail"]) == (403, "no answers are taken from 'ann' now: closed")


@pytest.mark.parametrize("bad", [True, "4"])
def test_truth_and_text_are_no_numbers_and_words_are_no_consent(api, bad):
    slate = api.call("POST", ANN + "/slate").json()
    place = {"slate_id": slate["slate_id"], "item_id": slate["items"][0]["item_id"]}
    assert api.call("PUT", ANN + "/ratings", json=place | {"rating": bad}).status_code == 422
    assert api.call("PUT", ANN + "/ratings", json=place | {"rating": 5.0}).json()["rating"] == 5
    assert api.call("PUT", ANN + "/responses/nps/score", json={"value": bad}).status_code == 422
    assert api.call("PUT", ZOE + "/consent", json={"version": 1, "given": "on"}).status_code == 422
    assert api.call("PUT", ZOE + "/consent", json={"version": bad, "given": True}).status_code == 422
    assert api.call("POST", ANN + "/link", json={"hours": bad}).status_code == 422
    assert beacon(api, [CLICK | {"dwell_ms": bad}]).status_code == 422
    assert beacon(api, [CLICK | {"occurred_at": True}]).status_code == 422
    assert api.rows("SELECT count(*) FROM participant WHERE external_id = 'zoe'") == [(0,)]


@pytest.mark.parametrize("name", ["%FF", "a%C3", "%ED%A0%80", "%EF%BF%BD"])
def test_people_whose_names_are_not_utf8_are_not_taken_for_one(api, name):
    person = f"/studies/shop/participants/{name}"
    answer = api.call("PUT", person + "/consent", json={"version": 1, "given": True})
    assert (answer.status_code, answer.json()["errors"][0]["at"]) == (422, "path.participant")
    rating = {"slate_id": "x", "item_id": "i1", "rating": 3}
    assert api.call("PUT", person + "/ratings", json=rating).status_code == 422
