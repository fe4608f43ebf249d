"""Reports on the pages of workflows, and as they are sent to browsers."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from seqhub.lib import turns
from seqhub.lib.turns import MOST_AT_ONCE, NoTurn, Turn
from tests.clients import client_with, make_user
from tests.staff import staff
from tests.turret.factories import WorkflowFactory
from turret.admin.reports import SCRIPTED, STILL, STORAGE
from turret.engine.reports import Report
from turret.models import Workflow
from turret.panels import reports

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PAGE = "<script>document.title = 'drawn'</script>"


def readable(settings: Settings, *roots: Path) -> None:
    section = settings.CONFIG.turret.model_copy(update={"readable_roots": [*roots]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})


@pytest.fixture
def place(settings: Settings, tmp_path: Path) -> Path:
    """A launch directory that may be read."""
    place = tmp_path / "data" / "launch"
    place.mkdir(parents=True)
    readable(settings, place.parent)
    return place


@pytest.fixture
def row(place: Path) -> Workflow:
    return WorkflowFactory.create(ended=True, launch_dir=str(place))


@pytest.fixture
def viewer(row: Workflow) -> Client:
    return staff("viewer")


def list_link(row: Workflow) -> str:
    return reverse("admin:turret_workflow_reports", args=[row.pk])


def lines(client: Client, row: Workflow) -> list[reports.Line]:
    found: list[reports.Line] = client.get(list_link(row)).context["lines"]
    return found


def text_of(client: Client, row: Workflow) -> str:
    return client.get(list_link(row), headers=HTMX).content.decode()


def only(client: Client, row: Workflow) -> reports.Line:
    [line] = lines(client, row)
    return line


def body_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_page_of_a_workflow_asks_for_the_list(
    viewer: Client, row: Workflow, place: Path
) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    page = reverse("admin:turret_workflow_change", args=[row.pk])
    text = viewer.get(page, {"tab": "reports"}).content.decode()
    assert f'hx-get="{list_link(row)}" hx-trigger="load"' in text
    assert "multiqc_report" not in text
    text = text_of(viewer, row)
    assert "multiqc_report.html" in text
    assert "<html" not in text
    assert "<html" in viewer.get(list_link(row)).content.decode()


def test_what_nextflow_lists_comes_first_and_once(
    viewer: Client, row: Workflow, place: Path
) -> None:
    for name in ("a_report.html", "multiqc_report.html", "table.csv"):
        (place / name).write_text(PAGE)
    (place / f"nf-{row.workflow_id}-reports.tsv").write_text(
        "key\tpath\tsize\tdisplay\tmime_type\n"
        f"*.csv\t{place}/table.csv\t1\tAll <samples>\ttext/csv\n"
        f"*.html\t{place}/multiqc_report.html\t1\tMultiQC\t\n"
        "*.html\ts3://bucket/gone.html\t1\tGone\t\n"
    )
    shown = [line.report.display for line in lines(viewer, row)]
    assert shown == ["All <samples>", "MultiQC", "a_report.html"]
    text = text_of(viewer, row)
    assert "All &lt;samples&gt;" in text
    assert "1 report that Nextflow lists can&#x27;t be read here" in text


def test_the_copy_of_the_list_in_the_work_directory_is_read(
    viewer: Client, place: Path
) -> None:
    work = place.parent / "work"
    work.mkdir()
    (place / "a.html").write_text(PAGE)
    row = WorkflowFactory.create(launch_dir="/elsewhere", work_dir=str(work))
    name = f"nf-{row.workflow_id}-reports.tsv"
    (work / name).write_text(f"path\n{place}/a.html\n")
    assert only(viewer, row).report.path == f"{place}/a.html"


def test_output_directories_are_searched_too(viewer: Client, place: Path) -> None:
    results = place.parent / "results"
    (results / "multiqc").mkdir(parents=True)
    (results / "multiqc" / "multiqc_report.html").write_text(PAGE)
    row = WorkflowFactory.create(launch_dir=str(place), output_dir=str(results))
    assert only(viewer, row).report.name == "multiqc_report.html"


def test_a_report_of_an_earlier_workflow_is_called_so(
    viewer: Client, row: Workflow, place: Path
) -> None:
    path = place / "multiqc_report.html"
    path.write_text(PAGE)
    assert "Older than this run" not in text_of(viewer, row)
    then = (timezone.now() - dt.timedelta(days=3)).timestamp()
    os.utime(path, (then, then))
    assert "Older than this run" in text_of(viewer, row)


@pytest.mark.parametrize(
    ("roots", "launch_dir", "why"),
    [
        ([], "/data/launch", "turret.readable_roots in the configuration"),
        (["/data"], "", "has not said in which directory"),
        (["/data"], "/scratch/launch", "not below a directory of turret.readable_root"),
        (["/data"], "/data/../etc", "not below a directory of turret.readable_root"),
        (["/data"], "s3://bucket/launch", "not below a directory of turret.readable"),
        (["{place}"], "{place}/gone", "No such file or directory"),
        (["{place}"], "{place}", "is like **/multiqc_report.html, **/*_report.html"),
    ],
)
def test_an_empty_list_says_why(
    settings: Settings,
    place: Path,
    viewer: Client,
    roots: list[str],
    launch_dir: str,
    why: str,
) -> None:
    readable(settings, *(Path(root.format(place=place)) for root in roots))
    row = WorkflowFactory.create(launch_dir=launch_dir.format(place=place))
    assert why in text_of(viewer, row)


def test_a_page_is_shown_in_a_sandbox_of_its_own(
    viewer: Client, row: Workflow, place: Path
) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    line = only(viewer, row)
    page = viewer.get(line.link).content.decode()
    assert f'src="{line.file_link}"' in page
    assert 'sandbox="allow-scripts allow-downloads"' in page
    answer = viewer.get(line.file_link)
    body = body_of(answer)
    assert body == STORAGE + PAGE.encode()
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert answer["Content-Length"] == str(len(body))
    assert answer["Content-Security-Policy"] == SCRIPTED
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Content-Disposition"].startswith("inline")
    assert not answer.cookies
    assert "allow-same-origin" not in SCRIPTED


def test_no_other_page_may_be_framed(viewer: Client, row: Workflow) -> None:
    for link in (list_link(row), reverse("admin:index")):
        answer = viewer.get(link)
        assert answer["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]


def test_a_page_alone_is_led_back_into_its_frame(
    viewer: Client, row: Workflow, place: Path
) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    line = only(viewer, row)
    alone = {"Sec-Fetch-Dest": "document"}
    answer = viewer.get(line.file_link, headers=alone)
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.FOUND, line.link)
    answer = viewer.get(f"{line.file_link}?download", headers=alone)
    assert answer["Content-Disposition"].startswith("attachment")
    assert body_of(answer) == PAGE.encode()


@pytest.mark.parametrize(
    ("name", "content_type", "is_shown"),
    [
        ("a.csv", "text/plain; charset=utf-8", True),
        ("a.json", "text/plain; charset=utf-8", True),
        ("a.PNG", "image/png", True),
        ("a.svg", "image/svg+xml", True),
        ("a.pdf", "application/octet-stream", False),
        ("a.xhtml", "application/octet-stream", False),
        ("a", "application/octet-stream", False),
    ],
)
def test_other_files_run_nothing(
    settings: Settings,
    viewer: Client,
    row: Workflow,
    place: Path,
    name: str,
    content_type: str,
    is_shown: bool,
) -> None:
    section = settings.CONFIG.turret.model_copy(update={"report_globs": ["**/a*"]})
    settings.CONFIG = settings.CONFIG.model_copy(update={"turret": section})
    (place / name).write_text(PAGE)
    line = only(viewer, row)
    answer = viewer.get(line.file_link)
    assert body_of(answer) == PAGE.encode()
    assert answer["Content-Type"] == content_type
    assert answer["Content-Security-Policy"] == STILL
    how = "inline" if is_shown else "attachment"
    assert answer["Content-Disposition"].startswith(how)
    assert ("<iframe" in viewer.get(line.link).content.decode()) is is_shown


def test_a_link_opens_what_was_listed_and_nothing_else(
    viewer: Client, row: Workflow, place: Path, settings: Settings
) -> None:
    path = place / "multiqc_report.html"
    path.write_text(PAGE)
    line = only(viewer, row)
    other = WorkflowFactory.create()
    for link in (
        line.file_link.replace(f"/{row.pk}/", f"/{other.pk}/"),
        line.file_link.replace("/file", "x/file"),
        line.file_link.replace(f"/{row.pk}/", "/999999/"),
    ):
        assert viewer.get(link).status_code == HTTPStatus.NOT_FOUND
    path.unlink()
    path.symlink_to("/etc/passwd")
    answer = viewer.get(line.file_link)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert b"does not lie below" in answer.content
    path.unlink()
    assert b"not there" in viewer.get(line.file_link).content
    path.write_text(PAGE)
    readable(settings)
    assert viewer.get(line.file_link).status_code == HTTPStatus.NOT_FOUND


def test_only_who_may_see_workflows_sees_reports(row: Workflow, place: Path) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    line = only(staff("viewer"), row)
    links = (list_link(row), line.link, line.file_link)
    nobody = Client()
    anybody = Client()
    anybody.force_login(User.objects.create_user("x", is_staff=True))
    for link in links:
        assert nobody.get(link).status_code == HTTPStatus.FOUND
        assert anybody.get(link).status_code == HTTPStatus.FORBIDDEN
        assert nobody.post(link).status_code != HTTPStatus.OK


def test_slow_readers_leave_threads_to_the_trace(
    viewer: Client, row: Workflow, place: Path
) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    link = only(viewer, row).file_link
    slow = [viewer.get(link) for _ in range(MOST_AT_ONCE)]
    answer = viewer.get(link)
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert b"try again" in answer.content
    for sent in slow:
        body_of(sent)
    assert body_of(viewer.get(link)).endswith(PAGE.encode())
    (place / "multiqc_report.html").unlink()
    for _ in range(MOST_AT_ONCE + 1):
        assert viewer.get(link).status_code == HTTPStatus.NOT_FOUND


def test_few_look_for_reports_at_once(
    viewer: Client, row: Workflow, place: Path, rf: RequestFactory
) -> None:
    (place / "multiqc_report.html").write_text(PAGE)
    api = f"/api/runs/{row.workflow_id}/reports"
    taken = [Turn(rf.get("/")) for _ in range(MOST_AT_ONCE)]
    page = viewer.get(list_link(row), headers={"HX-Request": "true"})
    assert b"try again" in page.content
    assert b"load delay" in page.content
    assert viewer.get(api).status_code == HTTPStatus.SERVICE_UNAVAILABLE
    for turn in taken:
        turn.close()
    for _ in range(MOST_AT_ONCE + 1):
        only(viewer, row)
        assert viewer.get(api).json()["count"] == 1


def test_a_reader_who_leaves_gives_the_turn_back(rf: RequestFactory) -> None:
    left: list[str] = []

    def data() -> Iterator[bytes]:
        try:
            yield b"one"
            yield b"two"
        finally:
            left.append("left")

    for _ in range(MOST_AT_ONCE + 1):
        turn = Turn(rf.get("/")).give(data())
        assert next(iter(turn)) == b"one"
        turn.close()
        turn.close()
    assert len(left) == MOST_AT_ONCE + 1
    taken = [Turn(rf.get("/")) for _ in range(MOST_AT_ONCE)]
    with pytest.raises(NoTurn):
        Turn(rf.get("/"))
    for turn in taken:
        turn.close()


def test_a_reader_who_takes_nothing_is_given_up(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_S", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        request = rf.get("/")
        request.META["gunicorn.socket"] = ours
        turn = Turn(request)
        with pytest.raises(TimeoutError):
            ours.sendall(b"x" * (8 << 20))
        turn.close()


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Disks that do not answer: what reads them waits for the end of the test."""
    end = threading.Event()

    def hang(*_args: object, **_kwargs: object) -> None:
        end.wait(60)

    monkeypatch.setattr(reports, "PATIENCE_S", 0.05)
    for name in ("read_named", "search", "open_report"):
        monkeypatch.setattr(reports, name, hang)
    yield
    end.set()


def test_a_disk_that_hangs_is_named_and_given_up(
    hanging: None, viewer: Client, row: Workflow, place: Path
) -> None:
    text = text_of(viewer, row)
    assert f"{place.parent} did not answer" in text
    report = Report("a.html", f"{place}/a.html", "a", 1, None, "text/html")
    [line] = reports.lines_of(row, [report])
    answer = viewer.get(line.file_link)
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert b"answer" in answer.content


def test_the_api_lists_reports(row: Workflow, place: Path) -> None:
    path = place / "multiqc_report.html"
    path.write_text(PAGE)
    user = make_user("turret.view_workflow")
    client = client_with("read", user=user)
    address = f"/api/runs/{row.workflow_id}/reports"
    answer = client.get(address).json()
    assert (answer["count"], answer["why_none"], answer["notes"]) == (1, "", [])
    [report] = answer["results"]
    assert (report["path"], report["size_bytes"]) == (str(path), len(PAGE))
    assert report["mime_type"] == "text/html"
    assert report["url"].startswith("http://testserver/admin/turret/workflow/")
    assert client.get(f"{address}/").json()["count"] == 1
    path.unlink()
    assert "no file in its directories" in client.get(address).json()["why_none"]
    assert client.get("/api/runs/none/reports").status_code == HTTPStatus.NOT_FOUND
    stranger = client_with("read", user=make_user())
    assert stranger.get(address).status_code == HTTPStatus.FORBIDDEN
