"""Pages of workflows in the distribution's Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.turret.factories import ProcessFactory, TaskFactory, WorkflowFactory
from tests.turret.pages import LIST, page_of
from turret.choices import Status, TaskStatus
from turret.models import Workflow, WorkflowProcess, WorkflowTask

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]


def go(page: Page, server: LiveServer, address: str) -> None:
    page.goto(f"{server.url}{address}")


def running() -> Workflow:
    row = WorkflowFactory.create(running=1, process_names=["DEMO:ALIGN"])
    ProcessFactory.create(workflow=row, name="DEMO:ALIGN", running=1)
    TaskFactory.create(workflow=row, task_id=1, status=TaskStatus.RUNNING, exit=None)
    return row


def test_the_first_run_appears_on_the_empty_page_by_itself(
    page: Page, live_server: LiveServer
) -> None:
    go(page, live_server, LIST)
    expect(page.locator(".empty")).to_contain_text(f"-with-tower {live_server.url}")
    row = running()
    expect(page.get_by_role("link", name=str(row))).to_be_visible(timeout=10_000)


def test_a_page_follows_its_run_until_it_has_failed(
    page: Page, live_server: LiveServer, settings: Settings, tmp_path: Path
) -> None:
    section = settings.CONFIG.turret.model_copy(update={"readable_roots": [tmp_path]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})
    (tmp_path / ".command.err").write_text("No space left on device\n")
    row = running()
    go(page, live_server, page_of(row))
    expect(page.locator("#process-rows")).to_contain_text("0 of 1")
    expect(page.locator("#tile-running")).to_contain_text("1")

    WorkflowTask.objects.update(
        status=TaskStatus.FAILED,
        exit=1,
        error_action="terminate",
        workdir=str(tmp_path),
    )
    WorkflowProcess.objects.update(running=0, failed=1)
    Workflow.objects.update(
        status=Status.FAILED, running=0, failed=1, ended_at=timezone.now()
    )
    # Neither the page nor the tab was loaded anew.
    failures = page.locator("#panel-failures")
    expect(failures).to_contain_text("No space left on device", timeout=10_000)
    expect(page.locator("#process-rows")).to_contain_text("1 of 1")
    expect(page.locator("#tile-failed")).to_contain_text("1")


def test_rows_of_tasks_move_while_a_drawer_is_open(
    page: Page, live_server: LiveServer
) -> None:
    row = running()
    go(page, live_server, f"{page_of(row)}?tab=tasks")
    page.locator("#task-1").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("echo hello")
    WorkflowTask.objects.update(status=TaskStatus.COMPLETED)
    expect(page.locator("#task-rows")).to_contain_text("succeeded", timeout=10_000)
    expect(drawer).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_an_owner_is_set_in_a_dialog(page: Page, live_server: LiveServer) -> None:
    row = WorkflowFactory.create(ended=True, owner=None)
    go(page, live_server, page_of(row))
    page.locator("#more-actions-button").click()
    page.get_by_role("link", name="Set the owner").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Owner").select_option("anna")
    dialog.get_by_label("Reason").fill("Hers")
    dialog.get_by_role("button", name="Set owner").click()
    expect(page.locator("#panel-facts")).to_contain_text("anna")


def addresses(row: Workflow) -> list[str]:
    tabs = ("overview", "tasks", "resources", "reports", "inputs", "timeline")
    return [
        LIST,
        *(f"{page_of(row)}?tab={tab}" for tab in tabs),
        f"{LIST}{row.pk}/tasks/1/",
        f"{LIST}{row.pk}/do/delete/",
    ]


def full() -> Workflow:
    row = WorkflowFactory.create(
        status=Status.FAILED,
        ended_at=timezone.now(),
        run_name="a_very_long_name_of_a_run_that_takes_more_than_one_line",
        labels=["clinical"],
        error_report="Error executing process",
        params={"input": "/data/" + "long/" * 30},
        work_dir="/data/" + "long/" * 30,
        metrics=[
            {
                "process": "ALIGN",
                "cpu": {"mean": 180},
                "mem": {"mean": 2**30},
                "memUsage": {"max": 97},
            }
        ],
    )
    ProcessFactory.create(workflow=row, name="DEMO:ALIGN", failed=1, succeeded=1)
    TaskFactory.create(workflow=row, task_id=1, status=TaskStatus.FAILED, exit=137)
    TaskFactory.create(workflow=row, task_id=2)
    return row


def test_no_page_is_wider_than_a_telephone(page: Page, live_server: LiveServer) -> None:
    row = full()
    page.set_viewport_size({"width": 380, "height": 800})
    for address in (*addresses(row), f"{LIST}?q=nothing"):
        go(page, live_server, address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 380, f"{address} is {wide} wide"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(page: Page, live_server: LiveServer, theme: str) -> None:
    page.evaluate(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
    found: list[str] = []
    go(page, live_server, LIST)
    found += violations(page)
    row = full()
    for address in addresses(row):
        go(page, live_server, address)
        expect(page.locator("html")).to_have_class(theme)
        found += [f"{address}: {line}" for line in violations(page)]
    go(page, live_server, f"{page_of(row)}?tab=tasks")
    page.locator("#task-1").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += [f"drawer: {line}" for line in violations(page)]
    assert found == []


def violations(page: Page) -> list[str]:
    """Serious and critical findings of axe, WCAG 2 A and AA."""
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    answer = Axe().run(page, options=rules).response
    return [
        f"{finding['id']} ({node['target'][0]}): {node['failureSummary']}"
        for finding in answer["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
