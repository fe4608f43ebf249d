"""The launch form in the distribution's Chromium."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.staff import staff
from tests.turret.factories import PipelineFactory
from tests.turret.launch_forms import (
    FORM,
    PIPELINES,
    THREE,
    begin,
    launch,
    launch_below,
)
from tests.turret.test_admin_browser import go, violations
from turret.models import Launch

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]
RNASEQ = PIPELINES.parent / "schemas" / "nf-core-rnaseq.nextflow_schema.json"


@pytest.fixture(autouse=True)
def data(settings: Settings, tmp_path: Path) -> Path:
    """The directory that may be browsed."""
    return launch_below(settings, tmp_path)


@pytest.fixture
def rnaseq(tmp_path: Path) -> str:
    """A pipeline of as many parameters as pipelines have."""
    made = tmp_path / "rnaseq"
    made.mkdir()
    (made / "nextflow_schema.json").write_text(RNASEQ.read_text())
    (made / "nextflow.config").write_text("profiles { test { params.x = 1 } }\n")
    return str(made)


def test_a_pipeline_is_launched_from_its_name(
    page: Page, live_server: LiveServer, data: Path
) -> None:
    (data / "sheet.csv").write_text("sample\na\n")
    go(page, live_server, FORM)
    page.get_by_label("Pipeline", exact=True).fill(THREE)
    page.get_by_label("Pipeline", exact=True).press("Tab")
    lines = page.get_by_label("lines", exact=True)
    expect(lines).to_be_hidden()
    page.get_by_label("Show 1 hidden parameter").check()
    lines.fill("many")
    expect(page.locator("#launch-problems")).to_contain_text("1 problem")
    error = page.locator(".launch-param:has(:focus) > .field-error")
    expect(error).to_have_text("must be a whole number.")
    lines.fill("3")
    expect(page.locator("#launch-problems")).to_contain_text("Nothing wrong is seen")
    expect(error).to_be_hidden()
    page.get_by_role("button", name="test", exact=True).click()
    page.get_by_label("Look for input").click()
    sheet = page.get_by_role("dialog").get_by_role("button", name="sheet.csv")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        sheet.click()
    expect(page.get_by_label("input", exact=True)).to_have_value(f"{data}/sheet.csv")
    page.get_by_role("button", name="Launch", exact=True).dblclick()
    page.wait_for_url(re.compile(r"/launch/\d+/change/"))
    row = Launch.objects.get()
    assert (row.source, row.profile) == (THREE, "test")
    assert row.params == {"lines": 3, "input": f"{data}/sheet.csv"}


def test_form_and_yaml_hold_the_same(page: Page, live_server: LiveServer) -> None:
    go(page, live_server, f"{FORM}?pipeline={THREE}&param.samples=x")
    expect(page.get_by_label("samples", exact=True)).to_have_value("x")
    page.get_by_role("button", name="YAML").click()
    text = page.get_by_label("Parameters as YAML or JSON")
    expect(text).to_have_value("samples: x\n")
    text.fill("samples: y\nother: 1\n")
    page.get_by_role("button", name="Form", exact=False).first.click()
    expect(page.get_by_label("samples", exact=True)).to_have_value("y")
    expect(page.locator("#launch-extra")).to_have_value("other: 1\n")


def test_a_problem_behind_a_fold_can_be_reached(
    page: Page, live_server: LiveServer, rnaseq: str
) -> None:
    go(page, live_server, f"{FORM}?pipeline={rnaseq}&param.min_trimmed_reads=many")
    problem = page.locator("#launch-problems a", has_text="min_trimmed_reads")
    expect(problem).to_be_visible()
    page.get_by_role("heading", name="Read trimming options").click()
    field = page.get_by_label("min_trimmed_reads", exact=True)
    expect(field).to_be_hidden()
    problem.click()
    expect(field).to_be_focused()


def test_a_refusal_brings_its_problems_to_the_keyboard(
    page: Page, live_server: LiveServer, rnaseq: str
) -> None:
    go(page, live_server, f"{FORM}?pipeline={rnaseq}")
    expect(page.locator("[name='param.outdir']")).to_be_visible()
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#launch-problems")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[name='param.input']")).to_be_focused()


def test_a_group_of_many_is_gone_to_from_the_head(
    page: Page, live_server: LiveServer, rnaseq: str
) -> None:
    go(page, live_server, f"{FORM}?pipeline={rnaseq}")
    field = page.get_by_label("min_trimmed_reads", exact=True)
    expect(field).to_be_hidden()
    page.get_by_role("link", name="Read trimming options").press("Enter")
    expect(field).to_be_visible()
    expect(page.locator("summary:focus")).to_contain_text("Read trimming options")


def test_enter_in_a_field_launches_nothing(page: Page, live_server: LiveServer) -> None:
    go(page, live_server, f"{FORM}?pipeline={THREE}")
    page.get_by_label("samples", exact=True).press("Enter")
    expect(page.locator("#launch-problems")).to_contain_text("Nothing wrong is seen")
    assert not Launch.objects.exists()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_no_wider_than_a_telephone(
    page: Page, live_server: LiveServer, rnaseq: str, theme: str
) -> None:
    page.evaluate(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
    PipelineFactory.create(source=rnaseq)
    found: list[str] = []
    for address in (FORM, f"{FORM}?pipeline={rnaseq}"):
        go(page, live_server, address)
        if "?" in address:
            expect(page.locator("[name='param.outdir']")).to_be_visible()
            page.get_by_label("email", exact=True).fill("nonsense")
            page.locator(".launch-param > .field-error:visible").wait_for()
            page.locator("#launch-preview-fold summary").first.click()
            page.get_by_role("button", name="Show what would be run").click()
            expect(page.locator("#launch-preview")).to_contain_text("-params-file")
        found += [f"{address}: {line}" for line in violations(page)]
        page.set_viewport_size({"width": 380, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 380, f"{address} is {wide} wide"
        page.set_viewport_size({"width": 1400, "height": 900})
    assert found == []


def test_two_requests_at_once_launch_once() -> None:
    client = staff("operator")
    fields = begin(client, pipeline=THREE)

    def send(_number: int) -> str:
        other = Client()
        other.cookies.update(client.cookies)
        try:
            return str(launch(other, fields)["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert Launch.objects.count() == 1
