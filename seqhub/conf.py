"""The sections of the configuration that belong to no app."""

from __future__ import annotations

import dj_database_url
from pydantic import AnyHttpUrl, Field, IPvAnyNetwork, field_validator

from seqhub.lib.sections import Section


class ServerSection(Section):
    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: AnyHttpUrl | None = None
    trusted_proxies: list[IPvAnyNetwork] = Field(default_factory=list)
    allowed_hosts: list[str] = Field(default_factory=list)

    @field_validator("public_url")
    @classmethod
    def _has_no_path(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url and (url.path not in (None, "/") or url.query or url.username):
            raise ValueError(
                "must name a host only, as in https://seqhub.example.org: SeqHub"
                " answers at the root of its address"
            )
        return url


class DatabaseSection(Section):
    # None: the embedded PostgreSQL in the data directory.
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _is_postgresql(cls, url: str | None) -> str | None:
        if not url:
            return None
        try:
            name = dj_database_url.parse(url).get("NAME")
        except (ValueError, dj_database_url.ParseError):
            name = ""
        if not name or not url.startswith(("postgres://", "postgresql://")):
            raise ValueError(
                "must be a PostgreSQL address, as in postgresql://user@host/name"
            )
        return url


class ApiSection(Section):
    # Networks whose requests to /api/1.0 and the trace need no token.
    open_to: list[IPvAnyNetwork] = Field(default_factory=list)
