from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.clients import client_with, make_user


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
