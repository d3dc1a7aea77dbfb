"""Where the pictures of a study's items come from, and whether people will see them."""

from urllib.parse import urlsplit

from sqlmodel import Session, col, select

from db.tables import Item

NAMED = 3
"""Hosts that a message names; of more it says how many."""


def unseen(session: Session, study_id: int, image_hosts: str) -> list[str]:
    """Hosts of the items' pictures that are not among ``image_hosts`` (names, separated by commas), sorted.

    Browsers load pictures from the named hosts alone, and over https; people see a placeholder for any other.
    """
    addresses = session.exec(
        select(Item.image_url).where(Item.study_id == study_id, col(Item.image_url).is_not(None)).distinct()
    )
    named = {host.strip().lower() for host in image_hosts.split(",")}
    return sorted({_host(address or "") for address in addresses} - named - {""})


def caution(hosts: list[str]) -> str:
    """What to do about pictures that nobody will see."""
    more = f" and {len(hosts) - NAMED} more" if len(hosts) > NAMED else ""
    return (
        f"pictures from {', '.join(hosts[:NAMED])}{more} are not shown, a placeholder is; "
        "name the hosts in RECUX_IMAGE_HOSTS and restart"
    )


def _host(address: str) -> str:
    try:
        parts = urlsplit(address.strip())
        return (parts.netloc.rpartition("@")[2] if parts.scheme in {"http", "https"} else "").lower()
    except ValueError:
        return ""
