"""Which PostgreSQL: the embedded one, or the one that the configuration names."""

from __future__ import annotations

from typing import Any

import dj_database_url

from seqhub.config import Config
from seqhub.postgres import EmbeddedPostgres

# Of libpq, so that a server that is gone without a word holds no web thread for long.
WEB_OPTIONS = {
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # ms
}
# No page and no call takes so long; the trace waits 20 s at most for a lock.
STATEMENT_LIMIT = "-c statement_timeout=30s"
WEB_MAX_AGE_S = 600


def embedded_postgres(config: Config) -> EmbeddedPostgres | None:
    """The server in the data directory; None where another one is configured."""
    return None if config.database.url else EmbeddedPostgres(config.data_dir)


def database_url(config: Config) -> str:
    """What libpq connects to."""
    return config.database.url or EmbeddedPostgres(config.data_dir).url


def django_databases(config: Config, *, web: bool) -> dict[str, Any]:
    """Django's DATABASES.

    A web process keeps a connection for each of its threads. There is no pool on
    purpose: while the database is away it makes each thread wait, a connection of
    the thread's own is refused at once.
    """
    parameters: dict[str, Any] = dict(dj_database_url.parse(database_url(config)))
    options = {**parameters.get("OPTIONS", {}), "application_name": "seqhub"}
    if web:
        options = {**WEB_OPTIONS, **options}
        # The last of equal ones counts: the site's own.
        options["options"] = f"{STATEMENT_LIMIT} {options.get('options', '')}".strip()
        parameters["CONN_MAX_AGE"] = WEB_MAX_AGE_S
        # After a restart of the database the connections are dead.
        parameters["CONN_HEALTH_CHECKS"] = True
    else:
        parameters["CONN_MAX_AGE"] = 0
    return {"default": {**parameters, "OPTIONS": options}}
