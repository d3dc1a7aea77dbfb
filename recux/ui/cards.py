"""An item as people see it. Titles, texts and picture addresses come from elsewhere and are trusted in nothing."""

import hashlib
import ipaddress
from urllib.parse import urlsplit

from db.tables import Impression, Item
from recux.plain_text import INVISIBLE
from recux.recommend.reasons import in_other_words
from recux.ui.board import Card
from recux.ui.language import _, language

LONGEST_DESCRIPTION = 400
LONGEST_TITLE = 200


def card_of(item: Item, impression: Impression) -> Card:
    """The card of an item at its place in a slate."""
    reason = visible(in_other_words(impression.explanation or "", language()), LONGEST_DESCRIPTION)
    title = visible(item.title, LONGEST_TITLE) or item.external_id
    return Card(
        title=title,
        facts=" · ".join(_facts(item)),
        description=visible(item.description, LONGEST_DESCRIPTION),
        reason=_("Why you see this: {reason}").format(reason=reason) if reason else "",
        image=picture(item.image_url),
        initial=title[:1].upper(),
        hue=_hue(item.category or title),
    )


def visible(text: str | None, longest: int) -> str:
    """``text`` without invisible control characters, cut with an ellipsis after ``longest`` characters."""
    kept = INVISIBLE.sub("", text or "").strip()
    return kept if len(kept) <= longest else kept[: longest - 1].rstrip() + "…"


def picture(address: str | None) -> str:
    """``address`` if a browser may load a picture from it, else nothing: only http(s), and no private hosts."""
    try:
        parts = urlsplit((address or "").strip())
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or parts.username is not None or not _is_public(host):
        return ""
    return parts.geturl()


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        # A name needs a dot and a last part that is no number: 127.1 and 0x7f.1 are addresses in disguise.
        name, _dot, last = host.rstrip(".").rpartition(".")
        return bool(name) and last.isalpha() and last not in {"local", "localhost", "internal", "lan"}


def _facts(item: Item) -> list[str]:
    facts = [visible(item.category, 60)] if item.category else []
    if item.price is not None:
        currency = visible(str(item.attributes.get("currency", "")), 8)
        facts.append(f"{item.price:,.2f} {currency}".strip())
    return facts + [visible(tag, 40) for tag in item.tags[:4] if tag != item.category]


def _hue(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=2).digest()) % 360
