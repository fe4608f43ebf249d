"""What the issue of launching calls done: a new user in a real browser, the real
Nextflow, and SIGKILL to everything of ours in between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import open_page
from tests.e2e.sites import Site, new_site
from tests.nextflow.runs import PIPELINES, environment
from turret.engine.launching.files import LaunchFiles
from turret.engine.launching.process import kill, read_process

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Nextflow begins within seconds, and three times as late where much else runs.
PATIENCE_MS = 60_000
A_LAUNCH = re.compile(r"/launch/\d+/change/")


@pytest.fixture(scope="module")
def site(nextflow: Path) -> Iterator[Site]:
    """In an empty directory, but for where Nextflow is and what may be launched."""
    with new_site() as site, pytest.MonkeyPatch.context() as patched:
        for name, value in environment(site.directory).items():
            patched.setenv(name, value)
        (site.directory / "seqhub.yaml").write_text(
            f"host: {site.host}\nturret:\n  launcher:\n    nextflow: {nextflow}\n"
        )
        site.start()
        try:
            yield site
        finally:
            for directory in (site.data_dir / "launches").glob("*"):
                if script := read_process(LaunchFiles(directory)):
                    kill(LaunchFiles(directory), script)


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    """A browser with the administrator logged in, who has read the password where
    `up` has told it."""
    with open_page() as page:
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        mistakes: list[str] = []
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.goto(f"http://127.0.0.1:{site.port}/")
        page.get_by_label("Username").fill("admin")
        password = (site.data_dir / "admin-password").read_text().strip()
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()
        yield page
        assert mistakes == []


def fill_form(page: Page, pipeline: str, **values: str) -> None:
    """From the dashboard's side to a form that is ready to be sent."""
    page.get_by_role("link", name="Launches", exact=True).first.click()
    page.locator("a[href$='/turret/launch/add/']").first.click()
    page.get_by_label("Pipeline", exact=True).fill(str(PIPELINES / pipeline))
    page.get_by_label("Pipeline", exact=True).press("Tab")
    for name, value in values.items():
        page.get_by_label(name, exact=True).fill(value)
        page.get_by_label(name, exact=True).press("Tab")


def send(page: Page, button: str = "Launch") -> str:
    """The address of the launch's page."""
    with page.expect_navigation(url=A_LAUNCH):
        page.get_by_role("button", name=button, exact=True).click()
    # Gone with the first reload.
    page.evaluate("window.isTheSame = true")
    return page.url


def head(page: Page) -> Locator:
    return page.locator("#run-head")


def chip(page: Page, word: str) -> Locator:
    """The launch's state, once it is this one: an icon's name and the word."""
    text = re.compile(rf"^[a-z_]+{word}$")
    return page.locator("#run-head .chip").filter(has_text=text)


def log(page: Page) -> Locator:
    return page.locator("#launch-log pre")


def test_a_pipeline_is_launched_from_the_form_and_seen_to_move(page: Page) -> None:
    fill_form(page, "three", samples="x,y")
    expect(page.locator("#launch-problems")).to_contain_text("Nothing wrong is seen")
    send(page)
    expect(chip(page, "running")).to_be_visible()
    expect(log(page)).to_contain_text("Submitted process > MAKE (x)")
    expect(chip(page, "succeeded")).to_be_visible()
    expect(head(page)).to_contain_text("5 of 5 tasks")
    expect(log(page)).to_contain_text("Submitted process > MERGE")
    assert page.evaluate("window.isTheSame"), "the page was loaded again"
    page.locator("#see-workflow").click()
    for name in ("MAKE", "COUNT", "MERGE"):
        expect(page.get_by_role("link", name=name, exact=True)).to_be_visible()


def test_what_is_too_much_is_said_and_what_was_written_is_kept(page: Page) -> None:
    fill_form(page, "three")
    page.get_by_role("button", name="YAML").click()
    text = page.get_by_label("Parameters as YAML or JSON")
    text.fill(f"samples: {'x' * 10_000_000}")
    said = page.get_by_role("alert")
    expect(said).to_contain_text("nothing was done")
    assert len(text.input_value()) > 10_000_000
    text.fill("samples: x")
    expect(said).to_be_hidden()
    expect(page.locator("#launch-problems")).to_contain_text("Nothing wrong is seen")


def test_it_is_cancelled_resumed_and_outlives_the_site(page: Page, site: Site) -> None:
    fill_form(page, "sleeps", samples="a", seconds="600")
    send(page)
    expect(log(page)).to_contain_text("Submitted process > SLEEP (a)")
    expect(head(page)).to_contain_text("1 of 2 tasks left")

    page.locator("#do-cancel").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the wrong time")
    dialog.get_by_role("button", name="Cancel launch").click()
    expect(chip(page, "cancelled")).to_be_visible()
    expect(head(page)).to_contain_text("1 aborted")

    # As it was: what is done is not computed again.
    page.locator("#do-resume").click()
    dialog.get_by_role("button", name="Resume", exact=True).click()
    expect(head(page)).to_contain_text("resumed")
    expect(log(page)).to_contain_text("Cached process > QUICK (a)")
    expect(log(page)).to_contain_text("Submitted process > SLEEP (a)")
    page.locator("#do-cancel").click()
    dialog.get_by_role("button", name="Cancel launch").click()
    expect(chip(page, "cancelled")).to_be_visible()

    # With another parameter, which is told.
    page.locator("#do-edit-resume").click()
    page.get_by_label("seconds", exact=True).fill("15")
    page.get_by_label("seconds", exact=True).press("Tab")
    address = send(page, "Resume")
    expect(log(page)).to_contain_text("Cached process > QUICK (a)")
    expect(log(page)).to_contain_text("Submitted process > SLEEP (a)")

    site.kill_everything()
    site.start()
    page.goto(address)
    expect(chip(page, "succeeded")).to_be_visible()
    expect(head(page)).to_contain_text("2 of 2 tasks")
    expect(head(page)).to_contain_text("1 cached")
    page.get_by_role("link", name="Parameters").first.click()
    changed = page.locator("tr.is-changed")
    expect(changed).to_contain_text("seconds")
    expect(changed).to_contain_text("600")
    page.get_by_role("link", name="Launches", exact=True).first.click()
    expect(page.locator("#result_list tbody tr")).to_have_count(4)
    assert "errored" not in site.log
