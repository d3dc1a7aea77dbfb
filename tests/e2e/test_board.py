"""Every kind of question in a real browser: what it stores, and that nothing is set before it is used."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.server import ROOT, free_port

pytestmark = pytest.mark.browser
SCRIPT = Path(__file__).parent / "board_script.py"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return tmp_path / "answers.json"


class App:
    """The page of ``board_script.py`` in a process of its own, to be killed and started again at the same address."""

    def __init__(self, answers: Path) -> None:
        self.port = free_port()
        self.environment = os.environ | {"RECUX_TEST_ANSWERS": str(answers), "PYTHONPATH": str(ROOT)}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", str(SCRIPT), "--server.port", str(self.port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, **quiet)
        _wait(f"{self.address}/_stcore/health")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def app(answers: Path) -> Iterator[App]:
    one = App(answers)
    one.start()
    yield one
    one.kill()


@pytest.fixture
def page(phone: Page, app: App) -> Page:
    phone.goto(app.address)
    expect(phone.get_by_role("group")).to_have_count(5)
    return phone


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"{address} did not answer")


def kept(answers: Path, name: str) -> tuple[float | None, str | None, bool]:
    one = json.loads(answers.read_text())[name]
    return one["value"], one["text"], one["refused"]


def test_every_kind_keeps_what_was_chosen_and_can_be_refused(page: Page, answers: Path) -> None:
    assert page.locator("input:checked").count() == 0
    assert page.locator("input.untouched").get_attribute("aria-valuetext") == "–"
    several, one, much, stars, words = (page.get_by_role("group").nth(n) for n in range(5))

    several.get_by_label("one").click()
    several.get_by_label("three").click()
    expect(several.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "a") == (None, "1;3", False)
    several.get_by_label("Prefer not to say").click()
    expect(several.get_by_label("three")).not_to_be_checked()
    expect(several.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "a") == (None, None, True)

    one.get_by_label("two").click()
    expect(one.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "b") == (2, None, False)

    much.get_by_role("slider").click()  # its very middle
    expect(much.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "c") == (50, None, False)
    page.keyboard.press("ArrowRight")
    expect(much.locator(".number")).to_have_text("51")
    page.keyboard.press("Tab")
    expect(much.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "c") == (51, None, False)

    stars.get_by_label("4 of 5 stars").click()
    expect(stars.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "d") == (4, None, False)

    words.get_by_role("textbox").fill("by and large")
    expect(words.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "e") == (None, "by and large", False)
    words.get_by_label("Prefer not to say").click()
    expect(words.get_by_role("textbox")).to_have_value("")
    expect(words.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "e") == (None, None, True)


def test_what_is_unchecked_again_is_taken_back(page: Page, answers: Path) -> None:
    several = page.get_by_role("group").first
    several.get_by_label("two").click()
    expect(several.get_by_role("status")).to_have_text("Saved")
    several.get_by_label("two").click()
    expect(several.get_by_label("two")).not_to_be_checked()
    expect(several.get_by_role("status")).to_have_text("Saved")  # the click itself made it "Saving…"
    assert json.loads(answers.read_text()) == {}


def test_what_is_said_while_there_is_no_line_is_sent_as_soon_as_there_is_one(page: Page, answers: Path) -> None:
    page.evaluate("""() => {
        const slot = [...recuxBoards.values()][0], later = window.setTimeout;
        window.held = slot.line;
        slot.line = null;
        window.setTimeout = (run, wait, ...more) => (wait < 4000 ? later(run, wait, ...more) : 0); // no second try
    }""")
    stars = page.get_by_role("group").nth(3)
    stars.get_by_label("2 of 5 stars").click()
    expect(stars.get_by_role("status")).to_have_text("Saving…")
    page.wait_for_timeout(100)
    assert not answers.exists()
    page.evaluate("() => { const slot = [...recuxBoards.values()][0]; slot.line = window.held; slot.update(); }")
    expect(stars.get_by_role("status")).to_have_text("Saved")
    assert kept(answers, "d") == (2, None, False)


def test_a_first_answer_that_is_given_while_the_server_restarts_is_kept(page: Page, app: App, answers: Path) -> None:
    """Streamlit's browser runs nothing by itself then, as the last thing that ran was the whole page."""
    app.kill()
    stars = page.get_by_role("group").nth(3)
    stars.get_by_label("5 of 5 stars").click()
    expect(stars.get_by_role("status")).to_have_text("Saving…")
    page.wait_for_timeout(1000)  # it was sent into the void
    app.start()
    expect(stars.get_by_role("status")).to_have_text("Saved", timeout=30_000)
    assert kept(answers, "d") == (5, None, False)
