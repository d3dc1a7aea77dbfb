"""What a real browser shows, and when: the first slate, and a star with its "Saved"."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
UNTIL_SAVED = """([input, status]) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("not confirmed within 30 s")), 30000);
    const began = performance.now();
    const done = () => status.textContent === "Saved" && (watch.disconnect(), resolve(performance.now() - began));
    const watch = new MutationObserver(done);
    watch.observe(status, { childList: true, characterData: true, subtree: true });
    input.click();
})"""
UNTIL_TEXT = """([input, app, text]) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("not confirmed within 30 s")), 30000);
    const began = performance.now();
    const done = () => app.textContent.includes(text) && (watch.disconnect(), resolve(performance.now() - began));
    const watch = new MutationObserver(done);
    watch.observe(app, { childList: true, characterData: true, subtree: true });
    input.click();
})"""
"""Milliseconds from the click to the changed text, by the page's own clock."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium, headless. Raises FileNotFoundError."""
    path = os.environ.get("RECUX_TEST_BROWSER") or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        raise FileNotFoundError("no Chromium found; install one, or name it in RECUX_TEST_BROWSER")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, address: str, cookie: str, page: str) -> tuple[BrowserContext, Page]:
    """A browser without cache, with that cookie, on its way to the page."""
    context = browser.new_context(viewport=PHONE, locale="en-US")
    if cookie:
        name, value = cookie.split("=", 1)
        context.add_cookies([{"name": name, "value": value, "url": f"http://{address}"}])
    tab = context.new_page()
    tab.goto(f"http://{address}/{page}", wait_until="commit")
    return context, tab


def first_paint(browser: Browser, address: str, cookie: str, page: str, what: str) -> float:
    """Seconds from asking for the page, with nothing cached, until ``what`` (a selector) is visible."""
    began = time.perf_counter()
    context, tab = opened(browser, address, cookie, page)
    tab.locator(what).first.wait_for(state="visible")
    seconds = time.perf_counter() - began
    context.close()
    return seconds


def stars(tab: Page, count: int) -> list[float]:
    """Milliseconds of ``count`` clicks on the stars of a slate, each until its "Saved"."""
    tab.locator(".stars").first.wait_for(state="visible")
    groups = tab.locator(".stars").all()
    taken = []
    for turn in range(count):
        group = groups[turn % len(groups)]
        # The first that is not chosen: a second click on a chosen star changes nothing.
        radio = group.locator("input[type=radio]:not(:checked)").first.element_handle()
        taken.append(tab.evaluate(UNTIL_SAVED, [radio, group.locator(".status").element_handle()]))
        tab.wait_for_timeout(300)
    return taken


def bare_stars(tab: Page, count: int) -> list[float]:
    """The same on the bare page."""
    buttons = tab.get_by_test_id("stFeedback").locator("button, input")
    buttons.first.wait_for(state="attached")
    taken = []
    for turn in range(count):
        value = turn % 5
        app = tab.get_by_test_id("stApp").element_handle()
        taken.append(tab.evaluate(UNTIL_TEXT, [buttons.nth(value).element_handle(), app, f"saved {value + 1}"]))
        tab.wait_for_timeout(300)
    return taken
