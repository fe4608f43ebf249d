"""The OpenAPI document, its page, and the API in a browser."""

from __future__ import annotations

from io import StringIO
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import open_page
from tests.clients import make_user
from tests.factories import RunfolderFactory

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_the_openapi_document_is_valid_and_complete() -> None:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    document = yaml.safe_load(out.getvalue())
    assert {
        "/api",
        "/api/1.0/runfolders",
        "/api/1.0/runfolders/next",
        "/api/1.0/runfolders/pickup",
        "/api/1.0/runfolders/path{path}",
        "/api/1.0/runfolders/test/markasready/path{path}",
        "/api/1.0/admin/log_level",
        "/api/runfolders",
        "/api/runfolders/{id}",
        "/api/samples",
        "/api/instruments",
        "/api/events",
        "/api/scans",
        "/api/archives",
        "/api/archives/{id}",
        "/api/archives/{id}/manifest",
        "/api/archives/{id}/verify",
        "/api/archives/keys",
        "/api/restores",
        "/api/restores/{id}/extend",
        "/api/runs",
        "/api/runs/{workflow_id}",
        "/api/runs/{workflow_id}/tasks",
        "/api/runs/{workflow_id}/tasks/{task_id}",
        "/api/launches",
        "/api/launches/{launch_id}",
        "/api/launches/{launch_id}/log",
        "/api/launches/{launch_id}/resume",
        "/api/launches/{launch_id}/relaunch",
        "/api/pipeline/schema",
        "/api/pipeline/refs",
        "/api/pipeline/clone",
        "/api/saved-pipelines",
        "/api/saved-pipelines/{id}",
        "/api/workflow/{workflow_id}/cancel",
        "/api/workflow/{workflow_id}",
    } <= document["paths"].keys()
    assert all(path.startswith("/api") for path in document["paths"])


def test_the_openapi_document_is_served_without_a_token(client: Client) -> None:
    for path in ("/api/schema/", "/api/schema"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert yaml.safe_load(answer.content)["info"]["title"] == "SeqHub"


@pytest.mark.browser
@pytest.mark.slow
def test_the_docs_work_offline_and_within_the_policy(live_server: LiveServer) -> None:
    problems: list[str] = []
    hosts: set[str] = set()
    with open_page() as page:
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(f"{live_server.url}/docs")
        for call in ("/api/1.0/runfolders/pickup", "/api/samples"):
            expect(page.get_by_text(call, exact=True)).to_be_visible()
    assert problems == []
    assert hosts - {""} == {urlsplit(live_server.url).netloc}


@pytest.mark.django_db
def test_a_person_browses_the_api_with_a_session(client: Client) -> None:
    run = RunfolderFactory.create()
    client.force_login(make_user("runfolders.view_runfolder", is_staff=True))
    for path in ("/api/runfolders", f"/api/runfolders/{run.pk}"):
        answer = client.get(path, headers=HTML)
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/html")
        assert run.name in answer.content.decode()


def test_somebody_without_a_session_is_shown_where_to_sign_in(client: Client) -> None:
    answer = client.get("/api/runfolders?state=ready", headers=HTML)
    assert answer.status_code == 401
    link = "/admin/login/?next=/api/runfolders%3Fstate%3Dready"
    assert link in answer.content.decode()


@pytest.mark.parametrize("path", ["/docs", "/api/runfolders"])
def test_no_script_may_stand_in_a_page(client: Client, path: str) -> None:
    policy = client.get(path, headers=HTML)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
