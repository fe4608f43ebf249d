from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_people_find_the_console(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")
