"""What the page of a report can reach, in the distribution's Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser import open_page
from tests.turret.factories import WorkflowFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

PASSWORD = "correct-horse"
# Tries all that a hostile report would, and writes down how each attempt ended.
HOSTILE = """<!doctype html><title>report</title><ul id="tried"></ul><script>
const tried = {
  cookie: () =>
    Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').get.call(document),
  database: () => indexedDB.open('x'),
  parent: () => parent.document.body.innerHTML,
  opener: () => top.location.href,
  navigate: () => { top.location = 'about:blank'; },
  popup: () => { if (!window.open('/admin/')) throw Error('no window'); },
  fetch: () => fetch('/admin/', {credentials: 'include'}),
  elsewhere: () => fetch('ELSEWHERE', {mode: 'no-cors'}),
  image: () => new Promise((yes, no) => {
    const image = new Image();
    image.onload = yes; image.onerror = no; image.src = '/static/console/favicon.svg';
  }),
  worker: () => navigator.serviceWorker.register('/sw.js'),
};
(async () => {
  for (const [name, attempt] of Object.entries(tried)) {
    let end = 'refused';
    try { await attempt(); end = 'DONE'; } catch (error) {}
    const line = document.createElement('li');
    line.textContent = `${name} ${end}`;
    document.getElementById('tried').append(line);
  }
  document.body.append('all tried at ' + self.origin);
})();
</script>"""


class Elsewhere(HTTPServer):
    """A server to which nothing may be told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Listener)
        self.told: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Listener(BaseHTTPRequestHandler):
    server: Elsewhere

    def do_GET(self) -> None:
        self.server.told.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with Elsewhere() as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def page(
    live_server: LiveServer,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    tmp_path: Path,
) -> Iterator[Page]:
    """An administrator's browser, at the reports of a workflow."""
    # Playwright's loop runs in this thread, and Django takes that for asynchronous.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    section = settings.CONFIG.turret.model_copy(update={"readable_roots": [tmp_path]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})
    User.objects.create_superuser("anna", password=PASSWORD)
    row = WorkflowFactory.create(ended=True, launch_dir=str(tmp_path))
    with open_page() as found:
        found.goto(f"{live_server.url}/admin/")
        found.get_by_label("Username").fill("anna")
        found.get_by_label("Password").fill(PASSWORD)
        found.get_by_role("button", name="Log in").click()
        expect(found.get_by_role("heading", name="Dashboard")).to_be_visible()
        (tmp_path / "multiqc_report.html").write_text("<p>hello")
        found.goto(
            f"{live_server.url}/admin/turret/workflow/{row.pk}/change/?tab=reports"
        )
        yield found
        # A fragment that is still being asked for must not outlive the database.
        found.goto("about:blank")


def open_report(page: Page) -> FrameLocator:
    page.get_by_role("link", name="multiqc_report.html", exact=True).click()
    return page.frame_locator("#report")


def test_a_report_reaches_nothing_but_itself(
    page: Page, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    path = tmp_path / "multiqc_report.html"
    path.write_text(HOSTILE.replace("ELSEWHERE", elsewhere.url))
    frame = open_report(page)
    expect(frame.get_by_text("all tried at null")).to_be_visible()
    lines = frame.locator("li").all_text_contents()
    assert len(lines) == 10
    assert [line for line in lines if not line.endswith(" refused")] == []
    assert elsewhere.told == []
    expect(page.get_by_role("link", name="All reports")).to_be_visible()


def test_a_report_can_not_lead_its_frame_elsewhere(
    page: Page, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    (tmp_path / "multiqc_report.html").write_text(
        f"<p>going<script>location = '{elsewhere.url}?stolen'</script>"
    )
    with page.expect_console_message(
        lambda said: "frame-src" in said.text or "default-src" in said.text
    ):
        open_report(page)
    assert elsewhere.told == []


def test_a_report_alone_is_led_back_into_its_frame(page: Page) -> None:
    open_report(page)
    address = page.locator("#report").get_attribute("src")
    assert address is not None
    page.goto(page.url.split("/admin/")[0] + address)
    expect(page.locator("#report")).to_be_visible()


def test_a_report_may_remember_something_while_it_is_open(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "multiqc_report.html").write_text(
        "<!doctype html><html lang='en'><title>x</title><p id='kept'>no<script>"
        "localStorage.setItem('a', 1);"
        "document.getElementById('kept').textContent = ["
        "localStorage.getItem('a'), localStorage.getItem('b'), localStorage.length,"
        "document.compatMode, document.documentElement.lang, document.cookie].join()"
        "</script>"
    )
    expect(open_report(page).locator("#kept")).to_have_text("1,,1,CSS1Compat,en,")
