"""The list of archives, and what staff do to them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from archiving.choices import CheckState, Status, Verified
from archiving.models import ArchiveJob, Verification
from archiving.services.jobs import hold
from seqhub.operations.models import Event
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.events import SYSTEM
from tests.archiving.factories import (
    ArchiveJobFactory,
    RecipientFactory,
    VerificationFactory,
)
from tests.factories import RunfolderFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db

LIST = "/admin/archiving/archivejob/"
BECAUSE = {"reason": "Because."}
HOSTILE = "<script>alert(1)</script>"


def page_of(job: ArchiveJob) -> str:
    return f"{LIST}{job.pk}/change/"


def do(client: Client, job: ArchiveJob, key: str, **answers: str) -> Any:
    return client.post(f"{LIST}{job.pk}/do/{key}/", {**BECAUSE, **answers})


def said(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def names(answer: Any) -> list[str]:
    return [job.name for job in answer.context["cl"].result_list]


# key, how the archive is before, the event that the service writes
ACTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("retry", {"status": Status.FAILED}, "retried"),
    ("hold", {}, "held"),
    ("release", {"held_at": timezone.now()}, "released"),
    ("cancel", {"status": Status.PROCESSING}, "cancel_requested"),
    ("verify", {"sealed": True}, "verification_requested"),
    ("reseal", {"sealed": True}, "reseal_requested"),
    ("ignore", {}, "ignored"),
    ("unignore", {"ignored_at": timezone.now()}, "unignored"),
]


@pytest.mark.parametrize(("key", "fields", "kind"), ACTIONS)
def test_an_operator_acts_with_a_reason(
    key: str, fields: dict[str, Any], kind: str
) -> None:
    client = staff("operator")
    job = ArchiveJobFactory.create(**fields)
    offered = client.get(page_of(job)).content.decode()
    assert f"{LIST}{job.pk}/do/{key}/" in offered
    answer = do(client, job, key, depth="bytes")
    assert answer.status_code == 302
    assert answer["Location"] == page_of(job)
    event = Event.objects.get(kind=kind)
    assert (event.actor, event.source) == ("operator", "console")


@pytest.mark.parametrize(("key", "fields", "_kind"), ACTIONS)
def test_a_viewer_changes_nothing(key: str, fields: dict[str, Any], _kind: str) -> None:
    client = staff("viewer")
    job = ArchiveJobFactory.create(**fields)
    assert do(client, job, key, depth="bytes").status_code == 403
    assert "/do/" not in client.get(page_of(job)).content.decode()
    assert not Event.objects.exists()


@pytest.mark.parametrize(("key", "fields", "_kind"), ACTIONS)
def test_looking_at_a_dialog_changes_nothing(
    key: str, fields: dict[str, Any], _kind: str
) -> None:
    client = staff("operator")
    job = ArchiveJobFactory.create(**fields)
    assert client.get(f"{LIST}{job.pk}/do/{key}/").status_code == 200
    assert not Event.objects.exists()


def test_a_verification_is_asked_for_as_the_form_says() -> None:
    job = ArchiveJobFactory.create(sealed=True)
    do(staff("operator"), job, "verify", depth="full", is_deep="on")
    row = Verification.objects.get()
    assert (row.depth, row.with_source, row.is_deep) == ("full", True, True)
    assert row.requested_by == "operator"


def test_a_refusal_is_said_in_the_dialog() -> None:
    client = staff("operator")
    job = ArchiveJobFactory.create()
    hold(job.pk, actor=SYSTEM, reason="Wait.")
    answer = do(client, job, "hold")
    assert f"{job.name} is on hold already." in answer.content.decode()


def test_a_request_from_elsewhere_is_refused() -> None:
    job = ArchiveJobFactory.create(status=Status.FAILED)
    assert do(staff("operator", csrf=True), job, "retry").status_code == 403
    assert not Event.objects.exists()


def bulk(client: Client, key: str, jobs: list[ArchiveJob], **more: str) -> Any:
    chosen = [str(job.pk) for job in jobs]
    data = {"action": key, "index": "0", "_selected_action": chosen, **BECAUSE, **more}
    return client.post(LIST, data)


def test_many_archives_are_changed_one_by_one_and_each_refusal_is_said() -> None:
    client = staff("operator")
    free, held = ArchiveJobFactory.create(), ArchiveJobFactory.create()
    hold(held.pk, actor=SYSTEM, reason="Wait.")
    asked = bulk(client, "hold", [free, held])
    assert free.name in asked.content.decode()
    assert "2 archives" in asked.content.decode()
    answer = bulk(client, "hold", [free, held], confirmed="1")
    assert ArchiveJob.objects.filter(held_at__isnull=False).count() == 2
    assert said(answer) == [
        "1 archive: On hold.",
        f"Refused: {held.name} is on hold already.",
    ]


def test_a_viewer_is_offered_no_change_of_many_archives() -> None:
    job = ArchiveJobFactory.create()
    bulk(staff("viewer"), "hold", [job], confirmed="1")
    assert not Event.objects.exists()


def test_the_list_opens_on_what_needs_a_person() -> None:
    done = ArchiveJobFactory.create(sealed=True)
    running = ArchiveJobFactory.create(status=Status.PROCESSING)
    bad = ArchiveJobFactory.create(status=Status.FAILED)
    open_attention(bad.subject, "archive_failed", "Look.", runfolder=bad.run)
    newest = ArchiveJobFactory.create()
    answer = staff("viewer").get(LIST)
    assert names(answer) == [row.name for row in (bad, running, newest, done)]


def test_each_view_counts_what_it_shows() -> None:
    client = staff("viewer")
    for status in Status:
        ArchiveJobFactory.create(status=status)
    ArchiveJobFactory.create(sealed=True, verification=Verified.DAMAGED)
    ArchiveJobFactory.create(held_at=timezone.now())
    ArchiveJobFactory.create(ignored_at=timezone.now())
    views = client.get(LIST).context["views"]
    assert {view.label for view in views} >= {"All", "Failed", "Damaged", "Ignored"}
    for view in views:
        answer = client.get(f"{LIST}{view.query}")
        assert answer.context["cl"].result_count == view.count


@pytest.mark.parametrize("text", ["0007_B", "archived-as", "old-disk"])
def test_search_finds_archives_by_run_name_and_path(text: str) -> None:
    job = ArchiveJobFactory.create(
        run_name="240131_A01234_0007_B", name="archived-as", path="/old-disk/x"
    )
    ArchiveJobFactory.create()
    assert names(staff("viewer").get(LIST, {"q": text})) == [job.name]


def test_a_key_leads_to_the_archives_that_it_opens() -> None:
    client = staff("viewer")
    key = RecipientFactory.create()
    job = ArchiveJobFactory.create(sealed=True)
    job.recipients.add(key)
    ArchiveJobFactory.create(sealed=True)
    listed = client.get("/admin/archiving/recipient/").content.decode()
    link = f"{LIST}?recipients__id__exact={key.pk}"
    assert f'href="{link}">1 archive</a>' in listed
    assert names(client.get(link)) == [job.name]


def test_an_empty_list_says_what_to_configure_or_to_do(settings: Settings) -> None:
    client = staff("viewer")
    assert "destination_path: /data/archive" in client.get(LIST).content.decode()
    switch_on(settings)
    assert "seqhub archive RUN" in client.get(LIST).content.decode()


def switch_on(settings: Settings) -> None:
    archiving = settings.CONFIG.archiving.model_copy(
        update={
            "destination_path": Path("/data/archive"),
            "gpg_receivers": ["a@example.org"],
        }
    )
    settings.CONFIG = settings.CONFIG.model_copy(update={"archiving": archiving})


def live(client: Client, *jobs: ArchiveJob) -> str:
    ids = ",".join(str(job.pk) for job in jobs)
    answer = client.get(f"{LIST}live/", {"ids": ids})
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_cells_that_move_are_asked_for_while_something_goes_on() -> None:
    client = staff("viewer")
    running = ArchiveJobFactory.create(
        status=Status.PROCESSING,
        stage="sealing",
        bytes_done=61,
        bytes_total=100,
        rate_bytes_s=13.0,
    )
    done = ArchiveJobFactory.create(sealed=True)
    page = client.get(LIST).content.decode()
    assert f"live/?ids={running.pk}&amp;newest={done.pk}" in page
    assert "every 2s" in page
    text = live(client, running, done)
    assert f'id="job-{running.pk}-progress" hx-swap-oob="true"' in text
    assert "sealing 61 %, 13 B/s, 3 s left" in text
    ArchiveJob.objects.update(status=Status.FAILED)
    text = live(client, running, done)
    assert "every" not in text
    assert "failed" in text


def test_an_idle_list_says_that_there_are_new_archives(settings: Settings) -> None:
    client = staff("viewer")
    job = ArchiveJobFactory.create(sealed=True)
    assert "every 15s" not in client.get(LIST).content.decode()
    switch_on(settings)
    assert f"newest={job.pk}" in client.get(LIST).content.decode()
    query = {"ids": "", "newest": str(job.pk)}
    assert "new archive" not in client.get(f"{LIST}live/", query).content.decode()
    ArchiveJobFactory.create()
    text = client.get(f"{LIST}live/", query).content.decode()
    assert "1 new archive: show it" in text
    assert "every 15s" in text


def test_a_page_looks_often_while_only_a_worker_is_missing(settings: Settings) -> None:
    switch_on(settings)
    client = staff("viewer")
    next_one = ArchiveJobFactory.create()
    waiting = ArchiveJobFactory.create(code="no_space", message="No space")
    assert "every 2s" in client.get(page_of(next_one)).content.decode()
    assert "every 15s" in client.get(page_of(waiting)).content.decode()


def test_a_verification_that_runs_shows_how_far_it_is() -> None:
    row = VerificationFactory.create(
        state=CheckState.RUNNING, stage="verifying", bytes_done=1, bytes_total=4
    )
    assert "reading it back 25 %" in live(staff("viewer"), row.job)


@pytest.mark.parametrize("ids", ["x,,-1,99999", "9" * 30, "9" * 5_000, "٣"])
def test_what_is_not_an_id_is_passed_over(ids: str) -> None:
    person = staff("viewer")
    answer = person.get(f"{LIST}live/", {"ids": ids, "newest": ids})
    assert answer.status_code == 200
    if ids.isdecimal():
        assert person.get(f"{LIST}{ids}/live/").status_code in (302, 404)


@pytest.mark.parametrize("page", [LIST, f"{LIST}live/", f"{LIST}1/live/"])
def test_nobody_sees_archives_without_permission(page: str) -> None:
    assert Client().get(page).status_code == 302
    user = User.objects.create_user("new", is_staff=True)
    client = Client()
    client.force_login(user)
    assert client.get(page).status_code == 403


def test_what_is_read_from_disk_stays_text() -> None:
    job = ArchiveJobFactory.create(
        sealed=True,
        run_name=HOSTILE,
        sequencer=HOSTILE,
        path=f"/data/{HOSTILE}",
        message=HOSTILE,
        code="tar_failed",
    )
    VerificationFactory.create(
        job=job,
        state=CheckState.DAMAGED,
        checked=[HOSTILE],
        findings=[{"fault": "x", "message": HOSTILE, "name": HOSTILE}],
        findings_count=1,
    )
    client = staff("manager")
    page = page_of(job)
    for address in (LIST, page, f"{page}?tab=verifications", f"{page}?tab=files"):
        assert HOSTILE not in client.get(address).content.decode()


def test_a_run_is_sealed_from_its_page(settings: Settings, tmp_path: Any) -> None:
    switch_on(settings)
    place = tmp_path / "run"
    place.mkdir()
    run = RunfolderFactory.create(
        complete=True, name="run", path=str(place), root__path=str(tmp_path)
    )
    page = f"/admin/runfolders/runfolder/{run.pk}/change/?tab=archive"
    client = staff("operator")
    text = client.get(page).content.decode()
    assert "It is complete and is taken within a minute." in text
    answer = client.post(f"{LIST}seal/{run.pk}/", {"next": page})
    assert answer["Location"] == page
    job = ArchiveJob.objects.get()
    assert job.runfolder == run
    assert "Waiting for a free worker" in client.get(page).content.decode()


def test_sealing_that_is_off_is_said_on_the_runs_page() -> None:
    run = RunfolderFactory.create(complete=True)
    page = f"/admin/runfolders/runfolder/{run.pk}/change/?tab=archive"
    text = staff("operator").get(page).content.decode()
    assert "Sealing is off" in text
    assert "seal-now" not in text


def test_findings_name_a_file_once() -> None:
    finding = {
        "fault": "x",
        "message": "run/1.bcl has other bytes",
        "name": "run/1.bcl",
    }
    other = {"fault": "x", "message": "run is cut", "name": ""}
    row = VerificationFactory.create(
        state=CheckState.DAMAGED, findings=[finding, other], findings_count=2
    )
    page = f"{page_of(row.job)}?tab=verifications"
    text = staff("viewer").get(page).content.decode()
    assert "<td>has other bytes</td>" in text
    assert "<td>run is cut</td>" in text
    assert text.count("1.bcl") == 1


def test_the_command_for_new_keys_is_one_that_runs() -> None:
    text = staff("viewer").get("/admin/archiving/recipient/").content.decode()
    assert "seqhub rewrap --all" in text


def test_only_open_verifications_can_be_cancelled() -> None:
    row = VerificationFactory.create(requested_at=timezone.now() - dt.timedelta(1))
    client = staff("operator")
    address = f"{LIST}{row.job.pk}/verifications/{row.pk}/cancel/"
    tab = f"{page_of(row.job)}?tab=verifications"
    assert address in client.get(tab).content.decode()
    assert client.post(address, BECAUSE)["Location"] == tab
    row.refresh_from_db()
    assert row.state == CheckState.CANCELLED
    assert "is over" in client.post(address, BECAUSE).content.decode()
    assert address not in client.get(tab).content.decode()


def test_the_list_of_runs_tells_of_archives(settings: Settings) -> None:
    runs = [RunfolderFactory.create(name=f"run{number}") for number in range(3)]
    fine, bad = (
        ArchiveJobFactory.create(sealed=True, runfolder=run, verification=verification)
        for run, verification in zip(
            runs, (Verified.VERIFIED, Verified.DAMAGED), strict=False
        )
    )
    client = staff("viewer")
    runs_list = "/admin/runfolders/runfolder/"
    assert page_of(fine) not in client.get(runs_list).content.decode()
    switch_on(settings)
    answer = client.get(runs_list)
    assert page_of(fine) in answer.content.decode()
    cells = {run.pk: run.archive_cell for run in answer.context["cl"].result_list}
    assert page_of(fine) in cells[runs[0].pk]
    assert "encrypted" in cells[runs[0].pk]
    assert page_of(bad) in cells[runs[1].pk]
    assert "damaged" in cells[runs[1].pk]
    assert cells[runs[2].pk] is None
