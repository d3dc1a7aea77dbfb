"""One frozen settings object, read from ``RECUX_*`` variables and a ``.env`` file."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where recux keeps its things and how it serves them. Built by callers, never at import.

    docs/deployment.md has a table of them all.
    """

    model_config = SettingsConfigDict(env_prefix="RECUX_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Path("var")
    """Folder of the SQLite file, rounds (models, training logs), uploads, quarantine files, own questionnaires and
    ``erasures.jsonl``. Created on first use. Processes log to standard error."""

    database_url: str = ""
    """SQLAlchemy URL; empty means the SQLite file ``recux.db`` in ``home``.
    ``postgresql://`` is understood as psycopg 3."""

    host: str = "127.0.0.1"
    port: int = 8501
    """Where the app listens."""

    public_url: str = ""
    """Address that participants use, without a trailing slash; empty means ``http://HOST:PORT``."""

    session_hours: int = 12
    """How long an account's sign-in lasts without use, in hours."""

    secure_cookies: bool = False
    """Mark cookies ``Secure``; switch on behind TLS."""

    recommender_hosts: str = ""
    """Hosts of recommenders that arms may call, separated by commas; empty leaves it to the arms' own lists."""

    image_hosts: str = ""
    """Hosts that item pictures may be loaded from, separated by commas; from any other, cards show a placeholder."""

    secret_key: str = ""
    """Seals panel ids and signs embedding links; at least 32 random characters, the same for every process. What needs
    it is off while it is empty. While it is changed: the new key, a comma, the old one, which then only opens."""

    embed_hosts: str = ""
    """Hosts of web apps that may show recux in a frame and send events, separated by commas; none without it."""

    api_max_body_mb: int = 256
    """Megabytes of one upload over the API, as sent and unpacked alike."""

    oidc_metadata_url: str = ""
    """Address of the identity provider's ``.well-known/openid-configuration``; empty: local accounts only."""

    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_title: str = ""
    """What the sign-in page calls the provider."""

    oidc_domains: str = ""
    """``example.org=viewer, ...``: addresses of these domains get an account with that role at their first sign-in;
    any other needs one before."""

    oidc_trust_email: bool = False
    """Take addresses as verified where the provider does not say. Only for one that lets nobody choose their own."""

    queues: str = "auto"
    """Queues that a worker takes rounds from, separated by commas: ``rounds``, and ``gpu`` for rounds that ask for a
    cuda device. ``auto``: ``rounds``, and ``gpu`` where the machine has an NVIDIA device."""

    lease_seconds: float = Field(default=20.0, ge=2.0, le=60.0)
    """Postgres: how long a worker may be silent before another one takes its round over, in seconds."""

    log: Literal["text", "json"] = "text"
    """How processes write their log: for people, or one JSON object a line."""

    file_days: int = Field(default=30, ge=0)
    """Days that uploaded files and quarantine files are kept; they hold people's rows as they came."""

    metrics_token: str = ""
    """What Prometheus must send as a bearer token to read ``/metrics``; without one only this machine may."""

    alert_hosts: str = ""
    """Hosts that alerts may be posted to as webhooks, separated by commas; none unless named."""

    smtp_host: str = ""
    """Mail server that sends alerts; without one there is no mail."""
    smtp_port: int = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = ""
    """Sender of alerts; empty means ``smtp_user``."""

    @property
    def url(self) -> str:
        """The database's SQLAlchemy URL, resolved."""
        if not self.database_url:
            return f"sqlite:///{self.home.resolve() / 'recux.db'}"
        for prefix in ("postgresql://", "postgres://"):
            if self.database_url.startswith(prefix):
                return "postgresql+psycopg://" + self.database_url.removeprefix(prefix)
        return self.database_url

    @property
    def base_url(self) -> str:
        """The address that links in invites start with."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    def folder(self, name: str) -> Path:
        """A folder below ``home``, created when absent."""
        path = self.home.resolve() / name
        path.mkdir(parents=True, exist_ok=True)
        return path
