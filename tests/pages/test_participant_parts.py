"""What the participant pages are made of: cards that trust nothing, and saving that neither loses nor doubles."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from db.tables import Impression, Item
from recux.errors import InvalidInput
from recux.instruments import load
from recux.ui import cards
from recux.ui.board.autosave import Ledger, Said, Saved, settle, unsettled
from recux.ui.forms import drawn


def change(value: float | None = None, *, nonce: str = "n", base: int | None = None, **more: object) -> dict:
    return {"value": value, "text": None, "refused": False, "base": base, "nonce": nonce} | more


class Store:
    """Keeps answers as the pages do: each save is a new revision."""

    def __init__(self, **kept: Saved | None) -> None:
        self.kept = kept
        self.written: list[Said] = []

    def save(self, said: Said) -> None:
        self.written.append(said)
        self.kept[said.name] = Saved(100 + len(self.written), said.value, said.text, said.refused)

    def settle(self, ledger: Ledger, **pending: object) -> int:
        return settle(ledger, pending, dict(self.kept), self.save, "not saved")


def known() -> Ledger:
    """The ledger of a session that has seen the page before."""
    return Ledger(fresh=False)


def test_a_change_that_is_sent_again_is_written_once() -> None:
    store, ledger = Store(q=None), known()
    assert [store.settle(ledger, q=change(4)) for _ in range(3)] == [1, 0, 0]
    assert ledger.settled == {"q": "n"}


def test_the_later_of_two_tabs_wins_even_on_an_older_revision() -> None:
    store, ledger = Store(q=Saved(7, 5)), known()
    store.settle(ledger, q=change(3, base=None))
    assert [said.value for said in store.written] == [3]


def test_after_a_restart_a_change_that_was_overtaken_elsewhere_is_dropped() -> None:
    store, ledger = Store(q=Saved(7, 5)), Ledger()
    store.settle(ledger, q=change(3, base=None))
    assert store.written == []
    assert ledger.settled == {"q": "n"}


def test_after_a_restart_a_change_that_never_arrived_is_written() -> None:
    store, ledger = Store(q=Saved(7, 5)), Ledger()
    store.settle(ledger, q=change(3, base=7))
    assert [said.value for said in store.written] == [3]


def test_stars_are_written_before_their_comment_whatever_the_order_sent() -> None:
    store = Store(**{"1/stars": None, "1/comment": None})
    store.settle(known(), **{"1/comment": change(text="why", nonce="c"), "1/stars": change(2, nonce="s")})
    assert [said.name for said in store.written] == ["1/stars", "1/comment"]


def test_what_cannot_be_saved_is_told_and_does_not_stop_the_rest() -> None:
    store, ledger = Store(a=None, b=None), known()

    def refuse_a(said: Said) -> None:
        if said.name == "a":
            raise InvalidInput("no")
        store.save(said)

    settle(ledger, {"a": change(1), "b": change(2)}, dict(store.kept), refuse_a, "not saved")
    assert ledger.problems == {"a": "not saved"}
    assert [said.name for said in store.written] == ["b"]
    store.settle(ledger, a=change(1, nonce="again"))
    assert ledger.problems == {}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
parts = {"value": json_values, "text": json_values, "refused": json_values, "base": json_values | st.floats()}
entries = st.fixed_dictionaries({"nonce": st.text() | json_values}, optional=parts)


@example({"q": {"nonce": "n", "base": float("inf"), "value": 10**400}})
@example({"q": {"nonce": "n", "base": float("nan"), "value": True}})
@given(json_values | st.dictionaries(st.sampled_from(["q", "other"]), entries | json_values))
def test_nothing_a_manipulated_browser_sends_breaks_the_page_or_runs_it_forever(pending: object) -> None:
    store, ledger = Store(q=None), known()
    settle(ledger, pending, dict(store.kept), store.save, "not saved")
    assert unsettled(ledger, pending, store.kept) == []
    assert {said.name for said in store.written} <= {"q"}


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "//example.org/a.png",
        "http://localhost/a.png",
        "http://printer/a.png",
        "http://router.local/a.png",
        "http://10.0.0.1/a.png",
        "http://127.1/a.png",
        "http://0x7f.1/a.png",
        "http://2130706433/a.png",
        "http://169.254.169.254/latest",
        "http://[::1]/a.png",
        "http://[::ffff:10.0.0.1]/a.png",
        "http://user:secret@example.org/a.png",
        "http://example.org:99999/a.png",
        "http://[broken/a.png",
    ],
)
def test_a_picture_that_is_no_public_web_address_is_not_loaded(address: str | None) -> None:
    assert cards.picture(address) == ""


@pytest.mark.parametrize(
    "address", ["https://example.org/a.png?x=1", "http://cdn.example.org:8080/a", "https://8.8.8.8/a"]
)
def test_a_picture_on_the_public_web_may_load(address: str) -> None:
    assert cards.picture(address) == address


def test_a_card_shows_what_is_known_and_cuts_what_is_endless() -> None:
    item = Item(
        study_id=1,
        external_id="x",
        title="\u202eDress " + "x" * 500,
        category="Dresses",
        price=1234.5,
        tags=["Dresses", "linen"],
        attributes={"currency": "EUR"},
    )
    card = cards.card_of(item, Impression(slate_id=1, item_id=1, position=1, explanation=None))
    assert card.facts == "Dresses · 1,234.50 EUR · linen"
    assert card.title.startswith("Dress x")
    assert len(card.title) == cards.LONGEST_TITLE
    assert (card.initial, card.reason, card.image) == ("D", "", "")


def test_only_required_questions_can_be_declined_and_the_ends_are_spoken() -> None:
    score, why = (drawn(question, "zh_CN") for question in load("nps").questions)
    assert score.refusal == {"text": "Prefer not to say"}
    assert [option["spoken"] for option in score.options][::10] == ["0: 完全不可能", "10: 非常可能"]
    assert (why.refusal, why.when) == (None, {"question": "score", "at_least": 0})
