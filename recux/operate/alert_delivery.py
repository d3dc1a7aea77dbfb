"""Sending alerts to the people who look after a study: by webhook and by e-mail, with retries that end.

Only hosts that the operator named are called, nothing is waited for longer than a few seconds, and what could not be
delivered says why on the page. A message may arrive twice after a crash, never not at all without a trace.
"""

import json
import re
import smtplib
import ssl
import time
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlmodel import Session, col, select

from db.engine import engine_for, write_session
from db.tables import Alert, AlertChannel, AlertDelivery, Study
from recux.errors import InvalidInput
from recux.operate.alerts import check
from recux.recommend.transport import exchange
from recux.settings import Settings

SECONDS = 5.0
"""Longest time for one message."""
AT_MOST = 8.0
"""Seconds after which no further message is begun, so that dead hosts cannot hold up the worker."""
WAITS = (1, 5, 15, 60)
"""Minutes between attempts; after the last one it has failed."""
ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Message(NamedTuple):
    """What is sent."""

    delivery: int
    kind: str
    target: str
    body: dict[str, Any]


def watch(settings: Settings, now: datetime) -> None:
    """Look at all live studies, and send what is waiting: what the worker calls every minute."""
    check(engine_for(settings.url), now)
    deliver(settings, now)


def add_channel(session: Session, settings: Settings, study: Study, kind: str, target: str, *, by: str) -> AlertChannel:
    """Send the study's alerts there from now on. Raises ``InvalidInput`` for a place that may not be reached."""
    target = target.strip()
    problem = _refused(settings, kind, target)
    if problem:
        raise InvalidInput(problem)
    here = (AlertChannel.study_id == study.id, AlertChannel.kind == kind, AlertChannel.target == target)
    if session.exec(select(AlertChannel).where(*here)).first():
        raise InvalidInput("alerts of this study go there already")
    channel = AlertChannel(study_id=study.id or 0, kind=kind, target=target, created_by=by)
    session.add(channel)
    session.flush()
    return channel


def deliver(settings: Settings, now: datetime) -> int:
    """Send what is due; returns how many messages arrived. Each is claimed before it is sent."""
    arrived, end = 0, time.monotonic() + AT_MOST
    while time.monotonic() < end and (message := _claimed(settings, now)):
        error = _send(settings, message)
        with write_session(engine_for(settings.url)) as session:
            delivery = session.get(AlertDelivery, message.delivery)
            if delivery is not None:  # the channel may have been removed meanwhile
                _note(delivery, error, now)
                session.add(delivery)
        arrived += not error
    return arrived


def host_of(target: str) -> str:
    """The host of an address; the path, which often holds a secret, is for nobody's eyes."""
    return urlsplit(target).hostname or ""


def text_of(study: str, alert: Alert) -> str:
    """An alert in one sentence, in English: for machines and mail boxes."""
    where = f" in arm {alert.arm}" if alert.arm else ""
    said = alert.details
    if alert.rule == "objective":
        return f"{study}: {alert.metric}{where} is {said['value']:.4g}, at most {said['target']:.4g} was promised"
    return f"{study}: {alert.metric}{where} is {said['value']:.4g}, {said['usual']:.4g} was usual"


def _claimed(settings: Settings, now: datetime) -> Message | None:
    """The oldest message that is due, marked as tried."""
    with write_session(engine_for(settings.url)) as session:
        statement = (
            select(AlertDelivery, Alert, AlertChannel, Study)
            .join(Alert, col(Alert.id) == col(AlertDelivery.alert_id))
            .join(AlertChannel, col(AlertChannel.id) == col(AlertDelivery.channel_id))
            .join(Study, col(Study.id) == col(Alert.study_id))
            .where(AlertDelivery.status == "waiting", col(AlertDelivery.next_at) <= now)
            .order_by(col(AlertDelivery.id))
            .limit(1)
            .with_for_update(skip_locked=True, of=AlertDelivery)
        )
        found = session.exec(statement).first()
        if found is None:
            return None
        delivery, alert, channel, study = found
        delivery.attempts += 1
        delivery.next_at = now + timedelta(minutes=WAITS[min(delivery.attempts, len(WAITS)) - 1])
        session.add(delivery)
        return Message(delivery.id or 0, channel.kind, channel.target, _body(settings, study, alert))


def _body(settings: Settings, study: Study, alert: Alert) -> dict[str, Any]:
    return {
        "text": text_of(study.title, alert),
        "study": study.slug,
        "rule": alert.rule,
        "metric": alert.metric,
        "arm": alert.arm or None,
        "began_at": alert.began_at.isoformat(timespec="seconds"),
        "opened_at": alert.opened_at.isoformat(timespec="seconds"),
        "details": alert.details,
        "page": f"{settings.base_url}/stability?study={study.slug}",
    }


def _note(delivery: AlertDelivery, error: str, now: datetime) -> None:
    delivery.error = error or None
    if not error:
        delivery.status, delivery.sent_at = "sent", now
    elif delivery.attempts > len(WAITS):
        delivery.status = "failed"


def _send(settings: Settings, message: Message) -> str:
    """Why it did not arrive; empty when it did."""
    problem = _refused(settings, message.kind, message.target)
    if problem:
        return problem
    return _post(message) if message.kind == "webhook" else _mail(settings, message)


def _refused(settings: Settings, kind: str, target: str) -> str:
    if kind == "email":
        if not settings.smtp_host:
            return "no mail server is set: RECUX_SMTP_HOST"
        return "" if ADDRESS.fullmatch(target) else f"{target!r} is not an e-mail address"
    try:
        parts = urlsplit(target)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return "this is not a web address"
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return "a webhook is an address that begins with https:// and holds no password"
    allowed = {one.strip().lower() for one in settings.alert_hosts.split(",") if one.strip()}
    return "" if host.lower() in allowed else f"the host {host} is not among RECUX_ALERT_HOSTS"


def _post(message: Message) -> str:
    headers = {"Content-Type": "application/json", "User-Agent": "recux"}
    found = exchange("POST", message.target, headers, json.dumps(message.body).encode(), SECONDS)
    if found.problem or found.status is None:
        return found.problem or "no answer"
    return "" if 200 <= found.status < 300 else f"the host answered {found.status}"


def _mail(settings: Settings, message: Message) -> str:
    mail = EmailMessage()
    mail["Subject"] = f"recux: {message.body['study']}: {message.body['metric']}"
    mail["From"], mail["To"] = settings.smtp_from or settings.smtp_user, message.target
    mail.set_content(f"{message.body['text']}\n\nSince {message.body['began_at']}.\n{message.body['page']}\n")
    try:
        with _server(settings) as server:
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        return f"{type(error).__name__}: {error}"[:300]
    return ""


def _server(settings: Settings) -> smtplib.SMTP:
    place, secure = (settings.smtp_host, settings.smtp_port), ssl.create_default_context()
    if settings.smtp_security == "tls":
        return smtplib.SMTP_SSL(*place, timeout=SECONDS, context=secure)
    server = smtplib.SMTP(*place, timeout=SECONDS)
    if settings.smtp_security == "starttls":
        server.starttls(context=secure)
    return server


def forget_channel(session: Session, study: Study, channel_id: int) -> None:
    """Send nothing there any more; what was sent or failed there goes with it."""
    here = (col(AlertChannel.id) == channel_id, col(AlertChannel.study_id) == study.id)
    session.connection().execute(sa.delete(AlertChannel).where(*here))
