"""Small pages of our own, served without Streamlit: why a link does not work, and the door of an open link.

They load nothing and need no script, so that they also work where the app itself could not be shown.
"""

import gettext
from collections.abc import Callable
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse

LOCALE = Path(__file__).parent.parent / "locale"
PAGE = """<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<style>:root{{color-scheme:light dark;--ours:#0b6e6e;--on:#fff}}body{{font:1.125rem/1.6 "Source Sans",system-ui,
sans-serif;
max-width:34rem;margin:14vh auto 4rem;padding:0 1.25rem;overflow-wrap:anywhere}}h1{{font-size:1.5rem;line-height:1.3}}
button{{font:inherit;font-weight:600;width:100%;min-height:3rem;padding:.6rem 1rem;border:0;border-radius:.6rem;
background:var(--ours);color:var(--on);cursor:pointer}}button:focus-visible{{outline:3px solid var(--ours);
outline-offset:3px}}small{{display:block;margin-top:1.5rem;opacity:.8}}
@media(prefers-color-scheme:dark){{:root{{--ours:#12827c}}body{{background:#14181a;color:#f2f4f4}}}}</style>
<main><h1>{title}</h1>{body}</main></html>"""


def translator(request: Request) -> Callable[[str], str]:
    """Into the first language that the browser asks for, if there is a catalogue of it."""
    wanted = _language(request)
    return gettext.translation("recux", LOCALE, languages=[wanted], fallback=True).gettext


def refuse(request: Request, title: str, *paragraphs: str, status: int = 403) -> HTMLResponse:
    """A page that says why not, and what to do; both already in the reader's language."""
    body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    return _page(request, title, body, status)


def away(request: Request) -> HTMLResponse:
    """The page for the moment in which the database does not answer."""
    _ = translator(request)
    text = _("The database does not answer. Nothing that was saved is lost; please try again in a minute.")
    return refuse(request, _("Please try again in a minute"), text, status=503)


def door(request: Request, title: str, text: str, button: str, small: str) -> HTMLResponse:
    """A page with one button, which posts to the page's own address."""
    body = (
        f'<p>{escape(text)}</p><form method="post"><button type="submit">{escape(button)}</button></form>'
        f"<small>{escape(small)}</small>"
    )
    return _page(request, title, body, 200)


def _page(request: Request, title: str, body: str, status: int) -> HTMLResponse:
    words = {"language": _language(request).replace("_", "-"), "title": escape(title), "body": body}
    return HTMLResponse(PAGE.format(**words), status_code=status, headers={"Cache-Control": "no-store"})


def _language(request: Request) -> str:
    return "zh_CN" if request.headers.get("accept-language", "").strip().lower().startswith("zh") else "en"
