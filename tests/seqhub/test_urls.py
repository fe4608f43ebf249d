from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/", "/admin"])
def test_people_find_the_console(client: Client, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize(
    "path",
    [
        "/user/ann/watch/4Bi5xBK6E2Nbhj",
        "/user/ann/watch/4Bi5xBK6E2Nbhj/",
        "/orgs/lab/workspaces/seq/watch/4Bi5xBK6E2Nbhj",
        "/orgs/lab/workspaces/seq/watch/4Bi5xBK6E2Nbhj/",
    ],
)
def test_links_that_tw_prints_lead_to_the_run(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert response.headers["Location"].rstrip("/") == (
        "/admin/turret/workflow/by-id/4Bi5xBK6E2Nbhj"
    )
