"""Pictures of every admin page of a running server, for docs/screenshots.

    .venv/bin/python -m tests.e2e.pictures http://127.0.0.1:8501 ada@example.org 'her password' [FOLDER]

Each page at a desk in English, and on a tablet in Chinese and dark; cut where a reader has seen the message. With
``--whole`` to the end of the page, to be looked at.
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from recux.ui.story import ADMIN_PAGES
from tests.e2e.conftest import DESKTOP, FLAGS

LOOKS = {
    "": {"viewport": DESKTOP, "locale": "en-US", "color_scheme": "light"},
    "-tablet-zh-dark": {"viewport": {"width": 820, "height": 1180}, "locale": "zh-CN", "color_scheme": "dark"},
}
VIEWS = {
    **{page.name.replace("_", "-"): page.name for page in ADMIN_PAGES},
    "overview-days": "overview?by=cohort&period=day&metric=mean_rating",
    "effect-catalogue": "effect?view=catalogue",
    "people-care": "people?view=care",
    "people-invite": "people?view=invite",
}
TALLEST = 9000
COLOURS = 96
HEIGHT = "() => document.querySelector('[data-testid=stMainBlockContainer]').scrollHeight"


def main() -> None:
    """Sign in once a look, then walk through the pages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("email")
    parser.add_argument("password")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.add_argument("--study", default="demo")
    parser.add_argument("--whole", action="store_true")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for look in LOOKS:
            _walk(browser, look, asked)
        browser.close()


def _walk(browser: Browser, look: str, asked: argparse.Namespace) -> None:
    page = browser.new_context(timezone_id="Europe/Berlin", **LOOKS[look]).new_page()
    page.goto(f"{asked.url}/sign_in")
    page.locator("#email").fill(asked.email)
    page.locator("#password").fill(asked.password)
    page.locator(".recux-door button").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for name, path in VIEWS.items():
        if asked.only in name:
            page.set_viewport_size(LOOKS[look]["viewport"])
            page.goto(f"{asked.url}/{path}{'&' if '?' in path else '?'}study={asked.study}")
            _settled(page)
            if asked.whole:
                page.set_viewport_size(LOOKS[look]["viewport"] | {"height": min(TALLEST, page.evaluate(HEIGHT))})
                _settled(page)
            save(page, asked.folder / f"admin-{name}{look}.png")


def _settled(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_be_visible(timeout=60_000)
    expect(page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("stMain").get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(1200)  # charts draw themselves


def save(page: Page, path: Path) -> None:
    """The picture with few colours: a third of the size."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    main()
