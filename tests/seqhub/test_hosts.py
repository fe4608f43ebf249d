from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "no such name"])
def test_health_is_told_under_any_name(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/admin/login/", "/api/1.0/runfolders"])
def test_everything_else_refuses_a_name_that_is_not_ours(
    client: Client, path: str
) -> None:
    response = client.get(path, headers={"host": "evil.example"})
    assert response.status_code == 400
