from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest

from seqhub.config import build_config
from seqhub.database import django_databases


@pytest.mark.parametrize(
    ("web", "asked", "limit"),
    [
        (True, "", "30s"),
        (True, "options=-c%20statement_timeout%3D5s", "5s"),
        (False, "", "0"),
    ],
)
def test_statements_of_web_processes_have_a_limit(
    monkeypatch: pytest.MonkeyPatch, web: bool, asked: str, limit: str
) -> None:
    """What works for hours, such as migrations, has none."""
    url = os.environ["DATABASE_URL"]
    values = {"database": {"url": f"{url}{'&' if '?' in url else '?'}{asked}"}}
    monkeypatch.delenv("DATABASE_URL")
    config = build_config(values, Path("/base"))
    made = django_databases(config, web=web)["default"]
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    names |= {"HOST": "host", "PORT": "port"}
    parameters = {ours: made[key] for key, ours in names.items() if made[key]}
    with psycopg.connect(**parameters, **made["OPTIONS"]) as connection:
        row = connection.execute("SHOW statement_timeout").fetchone()
    assert row == (limit,)
