"""Which PostgreSQL: the embedded one, or the one that the configuration names."""

from __future__ import annotations

from typing import Any

import dj_database_url

from seqhub.config import Config
from seqhub.postgres import EmbeddedPostgres


def embedded_postgres(config: Config) -> EmbeddedPostgres | None:
    """The server in the data directory; None where another one is configured."""
    return None if config.database.url else EmbeddedPostgres(config.data_dir)


def database_url(config: Config) -> str:
    """What libpq connects to."""
    return config.database.url or EmbeddedPostgres(config.data_dir).url


def django_databases(config: Config, *, pooled: bool) -> dict[str, Any]:
    """Django's DATABASES. `pooled` in web processes only: a pool that was
    opened before a fork hangs the child (qcluster forks its workers)."""
    parameters: dict[str, Any] = dict(dj_database_url.parse(database_url(config)))
    options = {**parameters.get("OPTIONS", {})}
    options["application_name"] = "seqhub"
    if pooled:
        options["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
        # After a restart of the database the pool holds dead connections.
        parameters["CONN_HEALTH_CHECKS"] = True
    else:
        parameters["CONN_MAX_AGE"] = 0
    return {"default": {**parameters, "OPTIONS": options}}
