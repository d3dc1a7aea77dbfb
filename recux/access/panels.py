"""Members of a panel (Prolific and the like): found again by a keyed hash, never readable in the database.

The key comes from ``RECUX_SECRET_KEY``. A member's id is sealed with Fernet (AES-128-CBC with HMAC-SHA256) and looked
up by HMAC-SHA256 under a second key, with the study's salt in it, so that one person in two studies cannot be linked.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlmodel import Session, col, select

from db.tables import PanelMember, Participant, Study
from recux.access.tokens import SHORTEST_KEY, secret_keys
from recux.collect.flow import Panel
from recux.errors import InvalidInput, NotAllowed, Unavailable
from recux.plain_text import INVISIBLE

LONGEST_ID = 255
HOW_TO = (
    "set RECUX_SECRET_KEY to at least 32 random characters, the same for every process (for example from "
    '`python -c "import secrets; print(secrets.token_urlsafe(32))"`), and restart'
)


@dataclass(frozen=True)
class Keys:
    """What seals and what finds; derived from one secret, so that knowing one does not give the other.

    The first key seals and is looked up first; those before it still open and find.
    """

    sealing: MultiFernet
    finding: tuple[bytes, ...]


@dataclass(frozen=True)
class Member:
    """One member of a panel who came in, as the panel knows them."""

    participant_id: str
    """External id of the participant."""
    ids: dict[str, str]
    """What the panel sent: the parameter's name -> value."""
    created_at: datetime
    finished_at: datetime | None
    withdrawn_at: datetime | None


def _(message: str) -> str:
    """Marks words for the catalogue; whoever shows them translates them."""
    return message


def keys_from(secret: str) -> Keys:
    """The keys of ``RECUX_SECRET_KEY``. Raises Unavailable, saying what to do, when it is missing or too short."""
    if not secret:
        raise Unavailable(f"panel ids cannot be kept without a key: {HOW_TO}")
    if len(secret) < SHORTEST_KEY:
        raise Unavailable(f"RECUX_SECRET_KEY has {len(secret)} characters, needs at least {SHORTEST_KEY}: {HOW_TO}")
    secrets = secret_keys(secret)
    sealing = [Fernet(base64.urlsafe_b64encode(_derived(one, b"recux panel ids: sealing"))) for one in secrets]
    return Keys(MultiFernet(sealing), tuple(_derived(one, b"recux panel ids: finding") for one in secrets))


def panel_of(study: Study) -> Panel | None:
    """The study's panel, if it has one."""
    return Panel.model_validate(study.panel) if study.panel else None


def ids_in(panel: Panel, sent: Mapping[str, str]) -> dict[str, str]:
    """What the panel sent, of the parameters that the study names: the member's id and whatever else came.

    Raises NotAllowed, in words for the person, when the id is missing, too long, or a placeholder that the panel was
    to fill in.
    """
    found = {
        name: INVISIBLE.sub("", sent.get(name, "")).strip()[: LONGEST_ID + 1] for name in (panel.parameter, *panel.also)
    }
    member = found[panel.parameter]
    if not member or len(member) > LONGEST_ID or any(mark in member for mark in "{}[]%"):
        raise NotAllowed(_("Please open the study from the page of your panel, so that it knows that you took part."))
    return {name: value for name, value in found.items() if value and len(value) <= LONGEST_ID}


def find(session: Session, study: Study, member: str, keys: Keys) -> Participant | None:
    """The participant that this member of the panel is, if they were here before."""
    known = select(Participant).join(PanelMember, col(PanelMember.participant_id) == Participant.id)
    hashed = [_lookup(study, member, key) for key in keys.finding]
    return session.exec(known.where(PanelMember.study_id == study.id, col(PanelMember.lookup).in_(hashed))).first()


def remember(session: Session, study: Study, participant: Participant, ids: Mapping[str, str], keys: Keys) -> None:
    """Keep which member a new participant is, sealed. ``ids`` are those of :func:`ids_in`."""
    assert study.id is not None and participant.id is not None  # noqa: PT018 - both were flushed
    sealed = keys.sealing.encrypt(json.dumps(dict(ids)).encode()).decode()
    lookup = _lookup(study, ids[study.panel["parameter"]], keys.finding[0])
    session.add(PanelMember(study_id=study.id, participant_id=participant.id, lookup=lookup, sealed=sealed))
    session.flush()


def seal_again(session: Session, keys: Keys) -> int:
    """Seal everything that an earlier key sealed with the first one; how many members that changed.

    Afterwards the earlier keys are needed no more, but for backups from before. Raises Unavailable when there are ids
    that none of the keys opens; nothing is changed then.
    """
    changed = 0
    for row, study in session.exec(select(PanelMember, Study).join(Study, col(Study.id) == PanelMember.study_id)):
        ids = unseal(row, keys)
        lookup = _lookup(study, next(iter(ids.values())), keys.finding[0])  # the member's own id stands first
        if row.lookup != lookup:
            row.lookup, row.sealed = lookup, keys.sealing.rotate(row.sealed).decode()
            session.add(row)
            changed += 1
    session.flush()
    return changed


def members(session: Session, study: Study, keys: Keys) -> list[Member]:
    """Everyone who came from the panel, oldest first, to be matched with its records and paid.

    Raises Unavailable when another key sealed them.
    """
    rows = session.exec(
        select(PanelMember, Participant)
        .join(Participant, col(Participant.id) == PanelMember.participant_id)
        .where(PanelMember.study_id == study.id, ~col(Participant.test))
        .order_by(col(PanelMember.id))
    )
    return [
        Member(person.external_id, unseal(row, keys), row.created_at, person.finished_at, person.withdrawn_at)
        for row, person in rows
    ]


def way_back(session: Session, study: Study, participant: Participant, secret: str) -> str:
    """The address that takes the person back to the panel; empty without one, or when it needs what cannot be read."""
    panel = panel_of(study)
    if panel is None or participant.came_by != "panel" or not panel.completion_url:
        return ""
    if "{" not in panel.completion_url:
        return panel.completion_url
    row = session.exec(select(PanelMember).where(PanelMember.participant_id == participant.id)).first()
    if row is None or len(secret) < SHORTEST_KEY:
        return ""
    ids = unseal(row, keys_from(secret))
    filled = {name: quote(ids.get(name, ""), safe="") for name in (panel.parameter, *panel.also)}
    return panel.completion_url.format(**filled)


def ids_of(session: Session, participant: Participant, secret: str) -> dict[str, str]:
    """What a panel sent of the person, for themselves to read; empty for whoever came otherwise.

    Without the key that sealed it, the value says that it cannot be read.
    """
    row = session.exec(select(PanelMember).where(PanelMember.participant_id == participant.id)).first()
    if row is None:
        return {}
    try:
        return unseal(row, keys_from(secret))
    except Unavailable:
        return {"panel": "kept encrypted with a key that is not at hand"}


def unseal(row: PanelMember, keys: Keys) -> dict[str, str]:
    """What the panel sent. Raises Unavailable when another key sealed it, InvalidInput when it is damaged."""
    try:
        ids = json.loads(keys.sealing.decrypt(row.sealed))
    except InvalidToken:
        raise Unavailable(
            "the panel ids were sealed with another RECUX_SECRET_KEY; set that one to read them"
        ) from None
    if not isinstance(ids, dict) or not ids:
        raise InvalidInput(f"the sealed ids of panel member {row.id} are damaged")
    return {str(name): str(value) for name, value in ids.items()}


def _derived(secret: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())


def _lookup(study: Study, member: str, key: bytes) -> str:
    return hmac.new(key, f"{study.salt}/{member}".encode(), hashlib.sha256).hexdigest()
