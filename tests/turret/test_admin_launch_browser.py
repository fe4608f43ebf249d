"""Pages of launches in the distribution's Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.turret.factories import ComputeFactory, LaunchFactory, PipelineFactory
from turret.choices import LaunchState
from turret.models import Launch

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

LIST = "/admin/turret/launch/"


def page_of(server: LiveServer, row: Launch) -> str:
    return f"{server.url}{LIST}{row.pk}/change/"


def test_the_log_follows_to_its_end_and_shows_each_line_once(
    page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    log = tmp_path / "output.log"
    row = LaunchFactory.create(directory=str(tmp_path))
    page.goto(page_of(live_server, row))
    shown = page.locator("#launch-log pre")
    expect(shown).to_have_text("Nothing has been written yet.")
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    expect(shown).to_contain_text("line 99", timeout=10_000)
    with log.open("a") as file:
        file.write("<b>bold</b>\nno end")
    expect(shown).to_contain_text("<b>bold</b>", timeout=10_000)
    now = timezone.now()
    Launch.objects.filter(pk=row.pk).update(
        state=LaunchState.FAILED, finished_at=now, state_since=now
    )
    expect(shown).to_contain_text("no end", timeout=10_000)
    expect(page.locator(".log-next")).to_have_count(0, timeout=10_000)
    expect(page.locator("#do-resume")).to_be_visible(timeout=10_000)
    text = shown.text_content() or ""
    assert text.count("line 50\n") == 1
    assert text.endswith("line 99\n<b>bold</b>\nno end\n")


def test_a_launch_is_cancelled_from_the_keyboard(
    page: Page, live_server: LiveServer
) -> None:
    row = LaunchFactory.create(state=LaunchState.PENDING, started_at=None)
    page.goto(page_of(live_server, row))
    page.locator("#do-cancel").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Nextflow is told to stop")
    page.get_by_label("Reason").fill("the wrong sheet")
    page.get_by_role("button", name="Cancel launch").click()
    expect(page.locator("#run-head")).to_contain_text("cancelled before it began")


def test_a_long_address_is_no_wider_than_a_telephone(
    page: Page, live_server: LiveServer
) -> None:
    source = "https://git.example.org/" + "group-of-pipelines/" * 6 + "demo.git"
    row = LaunchFactory.create(source=source, workflow__project_name=source)
    page.set_viewport_size({"width": 380, "height": 800})
    workflow = f"/admin/turret/workflow/{row.workflow_id}/change/"
    for address in (page_of(live_server, row), f"{live_server.url}{workflow}"):
        page.goto(address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 380, f"{address} is {wide} wide"


def test_pages_of_launches_pass_the_checks_of_axe(
    page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    (tmp_path / "output.log").write_text("a line\n" * 200)
    pipeline = PipelineFactory.create(description="For the clinic")
    place = ComputeFactory.create(name="cluster", is_configured=False)
    parent = LaunchFactory.create(state=LaunchState.LOST, params={"genome": "x"})
    row = LaunchFactory.create(
        directory=str(tmp_path),
        pipeline=pipeline,
        compute=place,
        parent=parent,
        params={"genome": "y"},
        labels=["clinical"],
    )
    LaunchFactory.create(parent=row)
    turret = f"{live_server.url}/admin/turret"
    addresses = [f"{turret}/launch/", f"{turret}/pipeline/"]
    addresses += [
        f"{page_of(live_server, row)}?tab={tab}" for tab in ("", "parameters")
    ]
    addresses.append(f"{page_of(live_server, row)}?tab=command")
    addresses += [
        f"{turret}/pipeline/{pipeline.pk}/change/",
        f"{turret}/computeenvironment/{place.pk}/change/",
    ]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for address in addresses:
            page.goto(address)
            assert mistakes_of(page) == [], address


def mistakes_of(page: Page) -> list[str]:
    """What axe finds that keeps people out; the rest is unfold's."""
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    answer = Axe().run(page, options=rules).response
    return [
        f"{finding['id']} ({node['target'][0]}): {node['failureSummary']}"
        for finding in answer["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]
