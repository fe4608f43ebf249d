"""A browser at the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from seqhub.operations.services.roles import sync_roles
from tests.browser import open_page

PASSWORD = "correct-horse"


@pytest.fixture
def page(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    """An administrator's browser, at the dashboard; what it finds wrong fails."""
    # Playwright's loop runs in this thread, and Django takes that for asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    sync_roles()
    User.objects.create_superuser("anna", password=PASSWORD)
    mistakes: list[str] = []
    with open_page() as found:
        found.on("pageerror", lambda error: mistakes.append(str(error)))
        found.on(
            "console",
            lambda said: mistakes.append(said.text) if said.type == "error" else None,
        )
        found.goto(f"{live_server.url}/admin/")
        found.get_by_label("Username").fill("anna")
        found.get_by_label("Password").fill(PASSWORD)
        found.get_by_role("button", name="Log in").click()
        expect(found.get_by_role("heading", name="Dashboard")).to_be_visible()
        yield found
        # A fragment that is still being asked for must not outlive the database.
        found.goto("about:blank")
    assert mistakes == []
