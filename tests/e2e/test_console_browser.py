"""The paths that staff walk, in the distribution's Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from archiving.models import ArchiveJob
from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.sequencing import override_sequencing
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import SYSTEM, record_event
from seqhub.operations.services.roles import sync_roles
from tests.archiving.factories import ArchiveJobFactory
from tests.console.pages import fill, page_of
from tests.factories import RunfolderFactory, SampleFactory

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
USER = "anna"
PASSWORD = "correct-horse"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="needs the package chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, and Django takes that for
    # asynchronous code.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium
        found = chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield found
        found.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A browser with an administrator logged in, at the dashboard.

    Fails when a page wrote an error to the browser's console.
    """
    sync_roles()
    User.objects.create_superuser(USER, password=PASSWORD)
    context = browser.new_context(base_url=live_server.url)
    found = context.new_page()
    mistakes: list[str] = []
    found.on("pageerror", lambda error: mistakes.append(str(error)))
    found.on(
        "console",
        lambda said: mistakes.append(said.text) if said.type == "error" else None,
    )
    log_in(found)
    yield found
    # A fragment that is still being asked for must not outlive the database.
    found.goto("about:blank")
    context.close()
    assert mistakes == []


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill(USER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def open_menu(page: Page) -> None:
    page.locator("#more-actions-button").click()


def test_staff_walk_from_the_dashboard_to_a_run_and_hold_it(page: Page) -> None:
    run = RunfolderFactory.create(complete=True)
    page.reload()
    page.get_by_role("link", name=run.name).click()
    expect(page.locator(".headline")).to_contain_text("Waiting to be picked up")

    page.get_by_role("link", name="Put on hold").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("New index plate")
    dialog.get_by_role("button", name="Put on hold").click()
    expect(page.locator(".headline")).to_contain_text("On hold")
    expect(page.locator(".headline")).to_contain_text("New index plate")

    page.get_by_role("link", name="Release from hold").click()
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.locator(".headline")).to_contain_text("Waiting to be picked up")

    open_menu(page)
    page.get_by_role("link", name="Set the state").click()
    dialog.get_by_label("State").select_option("done")
    dialog.get_by_label("Reason").fill("Done by hand")
    dialog.get_by_role("button", name="Set state").click()
    expect(page.locator(".headline")).to_contain_text("Done")

    page.get_by_label("A note for everybody").fill("Low yield in lane 2")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".notes")).to_contain_text("Low yield in lane 2")

    page.get_by_role("link", name="Timeline").click()
    timeline = page.locator(".timeline")
    for words in ("Put on hold. New index plate", "Done by hand", "Low yield"):
        expect(timeline).to_contain_text(words)

    page.get_by_role("link", name="Raw").click()
    expect(page.locator(".raw")).to_contain_text(f'"{run.name}"')


def test_a_refusal_stays_in_the_dialog(page: Page) -> None:
    run = RunfolderFactory.create(complete=True)
    page.goto(page_of(run))
    page.get_by_role("link", name="Put on hold").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Mine")
    # Meanwhile somebody else did it.
    other = page.context.new_page()
    other.goto(page_of(run))
    other.get_by_role("link", name="Put on hold").click()
    other.get_by_role("dialog").get_by_label("Reason").fill("Theirs")
    other.get_by_role("dialog").get_by_role("button", name="Put on hold").click()
    expect(other.locator(".headline")).to_contain_text("Theirs")
    other.close()
    dialog.get_by_role("button", name="Put on hold").click()
    expect(dialog.get_by_role("alert")).to_contain_text("is on hold already")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_attention_is_set_aside_from_the_dashboard(page: Page) -> None:
    run = RunfolderFactory.create()
    open_attention(run.subject, "x", "It stands still.", runfolder=(run.pk, run.name))
    page.reload()
    page.get_by_role("link", name="Ignore: It stands still.").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Known")
    page.get_by_role("dialog").get_by_role("button", name="Set aside").click()
    expect(page.locator("#panel-attention")).to_contain_text("Nothing needs attention")


def test_a_run_fills_up_before_the_eyes(page: Page) -> None:
    run = RunfolderFactory.create(cycles_done=87, total_cycles=318)
    page.goto(page_of(run))
    expect(page.locator(".labelled-bar-wide")).to_contain_text("cycle 87/318")
    rows = Runfolder.objects.filter(pk=run.pk)
    rows.update(cycles_done=88)
    expect(page.locator(".labelled-bar-wide")).to_contain_text("cycle 88/318")
    page.get_by_role("link", name="Timeline").click()
    expect(page.locator("#panel-timeline")).to_contain_text("Nothing here yet")
    mark_complete(run)
    expect(page.locator(".headline")).to_contain_text("Complete")
    expect(page.locator(".timeline")).to_contain_text("By hand: It is.")
    # What is over is asked for no more.
    expect(page.locator("#run-head[hx-get]")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("complete, by hand, ready")


def mark_complete(run: Runfolder) -> None:
    override_sequencing(run.pk, Sequencing.COMPLETE, actor=SYSTEM, reason="It is.")


def test_an_open_menu_and_the_focus_survive_a_refresh(page: Page) -> None:
    run = RunfolderFactory.create(cycles_done=87, total_cycles=318)
    page.goto(page_of(run))
    open_menu(page)
    page.locator("#do-hold").focus()
    Runfolder.objects.filter(pk=run.pk).update(cycles_done=88)
    expect(page.locator(".labelled-bar-wide")).to_contain_text("cycle 88/318")
    expect(page.locator("#do-hold")).to_be_focused()


def test_an_archive_fills_up_before_the_eyes_and_a_choice_stays(page: Page) -> None:
    job = ArchiveJobFactory.create(
        status="processing", stage="sealing", bytes_done=61, bytes_total=100
    )
    page.goto("/admin/archiving/archivejob/")
    cell = page.locator(f"#job-{job.pk}-progress")
    expect(cell).to_contain_text("sealing 61 %")
    page.locator("input.action-select").check()
    rows = ArchiveJob.objects.filter(pk=job.pk)
    rows.update(bytes_done=62)
    expect(cell).to_contain_text("sealing 62 %")
    rows.update(status="failed")
    expect(page.locator(f"#job-{job.pk}-status")).to_contain_text("failed")
    expect(page.locator("input.action-select")).to_be_checked()
    # What is over is asked for no more.
    expect(page.locator("#list-poll[hx-get]")).to_have_count(0)


def test_ctrl_k_leads_to_a_sample(page: Page) -> None:
    sample = SampleFactory.create(sample_id="liver-3")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_focused()
    page.keyboard.type("liver-3")
    found = page.locator("#command-results").get_by_text("liver-3", exact=True)
    expect(found).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".run-name")).to_contain_text(sample.runfolder.name)
    expect(page.locator("#panel-samples")).to_contain_text("liver-3")


def test_the_keyboard_alone_is_enough_to_hold_a_run(page: Page) -> None:
    run = RunfolderFactory.create(complete=True)
    page.goto(page_of(run))
    page.locator("#do-hold").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".headline")).to_contain_text("By keyboard")


def test_the_colour_theme_is_kept(page: Page) -> None:
    page.keyboard.press("Control+e")
    expect(page.locator("html")).to_have_class("light")
    page.keyboard.press("Control+e")
    expect(page.locator("html")).to_have_class("dark")
    page.reload()
    expect(page.locator("html")).to_have_class("dark")


def test_a_token_is_made_and_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/admin/operations/apitoken/add/")
    page.get_by_label("Name").fill("demultiplexer")
    page.get_by_role("button", name="Make token").click()
    page.get_by_role("button", name="Copy the token").click()
    text = page.locator(".token code").inner_text()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == text


@pytest.mark.parametrize("width", [380, 1400])
def test_no_page_is_wider_than_the_window(page: Page, width: int) -> None:
    run = fill(7)[0]
    page.set_viewport_size({"width": width, "height": 800})
    for address in addresses(run):
        page.goto(address)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{address} is {wide} wide"


def test_no_card_of_a_narrow_list_is_cut_off(page: Page) -> None:
    name = "230825_M04034_0043_000000000-L6NVV_of_the_second_batch"
    RunfolderFactory.create(name=name)
    record_event("host:a", "found", f"Found at /data/instrument/{name}", actor=SYSTEM)
    page.set_viewport_size({"width": 380, "height": 800})
    for address in ("/admin/runfolders/runfolder/", "/admin/operations/event/"):
        page.goto(address)
        cut = page.locator("#result_list tbody td").evaluate_all(
            "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth + 1"
            " || cell.scrollHeight > cell.clientHeight + 1)"
            ".map(cell => cell.textContent)"
        )
        assert cut == [], address


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_accessible(page: Page, theme: str) -> None:
    run = fill(7)[0]
    page.evaluate(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
    found: list[str] = []
    for address in addresses(run):
        page.goto(address)
        expect(page.locator("html")).to_have_class(theme)
        found += [f"{address}: {line}" for line in violations(page)]
    page.goto(page_of(run))
    page.locator("#do-hold, #do-release").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found += violations(page)
    assert found == []


def addresses(run: Runfolder) -> list[str]:
    tabs = [
        f"{page_of(run)}?tab={tab}" for tab in ("samples", "archive", "timeline", "raw")
    ]
    sealed = ArchiveJob.objects.filter(status="encrypted")[0]
    archive = f"/admin/archiving/archivejob/{sealed.pk}/change/"
    restore = f"/admin/archiving/restore/{sealed.restores.all()[0].pk}/change/"
    return [
        "/admin/",
        "/admin/health/",
        "/admin/runfolders/runfolder/",
        "/admin/runfolders/sample/",
        "/admin/runfolders/instrument/",
        "/admin/runfolders/root/",
        "/admin/archiving/archivejob/",
        "/admin/archiving/restore/",
        "/admin/archiving/archivecopy/",
        "/admin/archiving/recipient/",
        archive,
        *(f"{archive}?tab={tab}" for tab in ("verifications", "copies", "restores")),
        restore,
        "/admin/operations/attention/",
        "/admin/operations/event/",
        "/admin/operations/apitoken/",
        "/admin/operations/apitoken/add/",
        "/admin/auth/user/",
        page_of(run),
        *tabs,
    ]


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
