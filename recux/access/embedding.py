"""Signed participant ids: how a web app brings its own users into a study, by a link, an iframe or an event.

A token is ``SLUG.ID.EXPIRES.SIGNATURE``: the participant's id in base64url without padding, the moment in epoch
seconds, and the HMAC-SHA256 of what stands before it, in hexadecimal digits. Each study has a key of its own, derived
from ``RECUX_SECRET_KEY``, so that a web app can sign for its study and for no other.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import NamedTuple

from sqlmodel import Session, select

from db.tables import Participant, Study, now
from recux.access.tokens import SHORTEST_KEY, secret_keys
from recux.collect.consent import OPEN, standing
from recux.errors import InvalidInput, NotAllowed, Unavailable
from recux.ingest.values import LONGEST_NAME, NOT_IN_NAMES
from recux.settings import Settings

LONGEST_DAYS = 31
"""A token that claims to work for longer is refused: a leaked link must end."""
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d{1,5})?")
LOCAL = ("localhost", "127.0.0.1")
NOBODY_NEW = "This study does not take new participants at the moment."


class Signed(NamedTuple):
    """What a token says, once its signature was checked."""

    study: Study
    participant_id: str
    """The participant's external id."""
    expires_at: datetime


def study_key(settings: Settings, study: Study) -> str:
    """The study's key for signing, as 64 hexadecimal digits. Raises Unavailable without ``RECUX_SECRET_KEY``."""
    return _study_keys(settings, study)[0]


def _study_keys(settings: Settings, study: Study) -> list[str]:
    """The key that signs now, and those that did before it and are still listed."""
    if len(settings.secret_key) < SHORTEST_KEY:
        raise Unavailable(
            f"embedding needs RECUX_SECRET_KEY with at least {SHORTEST_KEY} random characters, the same for every "
            "process; set it and restart"
        )
    purpose = f"recux embed/{study.slug}/{study.salt}".encode()
    return [hmac.new(key.encode(), purpose, hashlib.sha256).hexdigest() for key in secret_keys(settings.secret_key)]


def token_for(settings: Settings, study: Study, participant_id: str, expires_at: datetime) -> str:
    """A token for the participant. Raises InvalidInput for an id that names nobody, Unavailable without a secret."""
    if not 0 < len(participant_id.strip()) <= LONGEST_NAME or NOT_IN_NAMES.search(participant_id):
        raise InvalidInput("a participant id has 1 to 255 characters and no control characters")
    name = base64.urlsafe_b64encode(participant_id.encode()).decode().rstrip("=")
    body = f"{study.slug}.{name}.{int(expires_at.timestamp())}"
    return f"{body}.{_signature(study_key(settings, study), body)}"


def url_for(settings: Settings, token: str) -> str:
    """The address of a token, for a link or the ``src`` of an iframe."""
    return f"{settings.base_url}/embed/{token}"


def read_token(session: Session, settings: Settings, token: str) -> Signed:
    """What a token says. Raises NotAllowed when it is forged, damaged, or its time is over; Unavailable."""
    body, _, signature = token.rpartition(".")
    slug, _, rest = body.partition(".")
    name, _, until = rest.partition(".")
    study = session.exec(select(Study).where(Study.slug == slug)).first() if slug.isascii() and len(slug) < 65 else None
    expected = [_signature(key, body) for key in (_study_keys(settings, study) if study else ["nobody"])]
    right = [hmac.compare_digest(signature.encode(), one.encode()) for one in expected]
    if study is None or not any(right):
        raise NotAllowed("the signed id is not valid; the app that made it must sign with the study's key")
    left = int(until) - now().timestamp() if until.isdecimal() and len(until) < 12 else -1.0
    if not 0 < left <= LONGEST_DAYS * 86_400:
        raise NotAllowed(f"the signed id works no more, or for longer than {LONGEST_DAYS} days; a new one is needed")
    return Signed(study, _participant_id(name), datetime.fromtimestamp(int(until), UTC))


def find_person(session: Session, signed: Signed) -> Participant | None:
    """The participant, if they are known."""
    where = select(Participant).where(
        Participant.study_id == signed.study.id, Participant.external_id == signed.participant_id
    )
    return session.exec(where).first()


def person_of(session: Session, signed: Signed) -> Participant:
    """The participant, created when new. Raises NotAllowed when nobody new is taken in now."""
    person = find_person(session, signed)
    if person is not None:
        return person
    assert signed.study.id is not None  # it was read from the database
    person = Participant(study_id=signed.study.id, external_id=signed.participant_id)
    session.add(person)
    session.flush()
    if standing(session, person) != OPEN:
        raise NotAllowed(NOBODY_NEW)
    return person


def embed_hosts(settings: Settings) -> tuple[str, ...]:
    """Hosts whose pages may frame ours and send events. Raises InvalidInput that names what is no host."""
    hosts = tuple(host.strip().lower() for host in settings.embed_hosts.split(",") if host.strip())
    for host in hosts:
        if not HOST.fullmatch(host):
            raise InvalidInput(f"RECUX_EMBED_HOSTS: {host!r} is not a host name; write names such as shop.example.org")
    return hosts


def embed_origins(settings: Settings) -> tuple[str, ...]:
    """The same as origins: ``https`` alone, but for this machine, where developers have no certificate."""
    origins = []
    for host in embed_hosts(settings):
        origins.append(f"https://{host}")
        if host.partition(":")[0] in LOCAL:
            origins.append(f"http://{host}")
    return tuple(origins)


def _participant_id(name: str) -> str:
    try:
        found = base64.b64decode(name + "=" * (-len(name) % 4), altchars=b"-_", validate=True).decode().strip()
    except ValueError:
        found = ""
    if not 0 < len(found) <= LONGEST_NAME or NOT_IN_NAMES.search(found):
        raise NotAllowed("the signed id names no participant: it must be 1 to 255 characters in UTF-8")
    return found


def _signature(key: str, body: str) -> str:
    return hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
