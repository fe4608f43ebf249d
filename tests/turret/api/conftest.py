from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.turret.launching.site import Site, standin


@pytest.fixture
def client(db: None) -> APIClient:
    """An administrator's token that may read; its first use is noted already."""
    client = client_with("read")
    client.get("/api/runs")
    return client


@pytest.fixture
def viewer(db: None) -> APIClient:
    """Of somebody who may see runs, but no secrets."""
    return client_with("read", user=make_user("turret.view_workflow"))


@pytest.fixture
def site(tmp_path: Path, settings: Settings) -> Site:
    """Launches here lie below `tmp_path`; nothing is started."""
    site = Site(tmp_path, standin(tmp_path))
    (tmp_path / "allowed").mkdir()
    settings.CONFIG = site.config()
    return site


@pytest.fixture
def operator(db: None) -> APIClient:
    """Of somebody who may launch, and may see secrets."""
    user = make_user(
        "turret.view_launch",
        "turret.view_workflow",
        "turret.view_pipeline",
        "turret.launch_launch",
        "turret.see_secrets_workflow",
    )
    return client_with("read", "write", user=user)
