from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from archiving.choices import TRANSITIONS, Status, Verified
from archiving.errors import ArchiveNotFound, Code
from archiving.models import ArchiveJob
from archiving.selectors import progress_of, visible_jobs
from archiving.services import jobs
from archiving.services.attention import refresh_attention
from seqhub.lib import queues
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from tests.archiving.factories import (
    ArchiveJobFactory,
    RecipientFactory,
    RestoreFactory,
)
from tests.archiving.runs import SHELL, Site
from tests.factories import HOST, RunfolderFactory

pytestmark = pytest.mark.django_db

Change = Callable[..., ArchiveJob]
FAILED = {
    "status": Status.FAILED,
    "failure_count": 3,
    "code": Code.TAR_FAILED,
    "message": "tar failed",
    "next_step": "See the log.",
}
HELD = {"held_at": timezone.now()}
IGNORED = {"ignored_at": timezone.now()}


@pytest.mark.parametrize(
    ("change", "values", "event"),
    [
        (jobs.retry, FAILED, "retried"),
        (jobs.retry, {"not_before": timezone.now()}, "retried"),
        (jobs.hold, {}, "held"),
        (jobs.release, HELD, "released"),
        (jobs.cancel, {"status": Status.PROCESSING}, "cancel_requested"),
        (jobs.reseal, {"sealed": True}, "reseal_requested"),
        (jobs.ignore, FAILED, "ignored"),
        (jobs.unignore, IGNORED, "unignored"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_change_is_told_with_who_and_why(
    change: Change, values: dict[str, Any], event: str
) -> None:
    runfolder = RunfolderFactory.create()
    job = ArchiveJobFactory.create(runfolder=runfolder, **values)
    change(job.pk, actor=SHELL, reason="because")
    told = Event.objects.get()
    assert (told.subject, told.kind, told.actor) == (job.subject, event, "anna")
    assert told.message.endswith("because")
    assert told.runfolder_ref == runfolder.pk


@pytest.mark.parametrize(
    ("change", "values"),
    [
        (jobs.retry, {"sealed": True}),
        (jobs.retry, {"status": Status.PROCESSING}),
        (jobs.retry, FAILED | HELD),
        (jobs.hold, HELD),
        (jobs.hold, {"sealed": True}),
        (jobs.release, {}),
        (jobs.cancel, {}),
        (jobs.cancel, {"sealed": True}),
        (
            jobs.cancel,
            {"status": Status.PROCESSING, "cancel_requested_at": timezone.now()},
        ),
        (jobs.reseal, {}),
        (jobs.reseal, FAILED),
        (jobs.ignore, IGNORED),
        (jobs.ignore, {"status": Status.PROCESSING}),
        (jobs.unignore, {}),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    change: Change, values: dict[str, Any]
) -> None:
    job = ArchiveJobFactory.create(**values)
    before = ArchiveJob.objects.values().get()
    with pytest.raises(IllegalTransition, match=job.name):
        change(job.pk, actor=SHELL)
    assert ArchiveJob.objects.values().get() == before
    assert not Event.objects.exists()


def test_what_is_gone_is_not_found() -> None:
    with pytest.raises(ArchiveNotFound):
        jobs.hold(12345, actor=SHELL)


@pytest.mark.parametrize("old", Status.values)
@pytest.mark.parametrize("new", Status.values)
def test_only_known_transitions_are_made(old: str, new: str) -> None:
    job = ArchiveJobFactory.build(status=old)
    if new in TRANSITIONS[old]:
        jobs.change_status(job, Status(new))
        assert job.status == new
    else:
        with pytest.raises(IllegalTransition):
            jobs.change_status(job, Status(new))


def test_a_retry_forgets_failures_and_rings() -> None:
    job = ArchiveJobFactory.create(**FAILED)
    jobs.retry(job.pk, actor=SHELL)
    job.refresh_from_db()
    assert (job.status, job.failure_count, job.code) == (Status.PENDING, 0, "")
    assert job.is_manual
    assert OrmQ.objects.get().key == queues.long(HOST)


def test_a_change_leaves_alone_what_the_worker_writes() -> None:
    job = ArchiveJobFactory.create(status=Status.PROCESSING, bytes_done=5)
    locked = jobs.lock_job(job.pk)
    ArchiveJob.objects.filter(pk=job.pk).update(bytes_done=7)
    jobs.put_on_hold(locked, "anna", "")
    jobs.save(locked)
    job.refresh_from_db()
    assert job.bytes_done == 7
    assert job.held_at


def test_an_ignored_archive_is_in_no_list_and_needs_no_attention(site: Site) -> None:
    job = ArchiveJobFactory.create(**FAILED)
    refresh_attention(HOST)
    assert Attention.objects.get().code == "archive_failed"
    jobs.ignore(job.pk, actor=SHELL)
    assert not visible_jobs().exists()
    assert not Attention.objects.exists()
    jobs.unignore(job.pk, actor=SHELL)
    assert Attention.objects.get().next_step == "See the log."


def test_what_people_should_look_at_follows_the_rows(site: Site) -> None:
    ArchiveJobFactory.create(sealed=True)
    ArchiveJobFactory.create(**FAILED)
    damaged = ArchiveJobFactory.create(sealed=True, verification=Verified.DAMAGED)
    waiting = ArchiveJobFactory.create(code=Code.NO_SPACE, message="1 TiB free")
    RestoreFactory.create(state="failed", message="no space")
    RecipientFactory.create(problem=Code.RECIPIENT_EXPIRED, message="it expired")
    refresh_attention(HOST)
    there = set(Attention.objects.values_list("code", flat=True))
    assert there == {
        "archive_failed",
        "archive_damaged",
        "archive_waiting",
        "restore_failed",
        "recipient_problem",
    }
    ArchiveJob.objects.filter(pk=damaged.pk).update(verification=Verified.VERIFIED)
    ArchiveJob.objects.filter(pk=waiting.pk).update(code="")
    refresh_attention(HOST)
    assert not Attention.objects.filter(subject=damaged.subject).exists()
    assert not Attention.objects.filter(subject=waiting.subject).exists()


def test_half_a_configuration_is_told_until_it_is_whole(site: Site) -> None:
    site.configure(gpg_receivers=[])
    refresh_attention(HOST)
    refresh_attention("elsewhere")
    told = Attention.objects.filter(code="sealing_off", subject=f"archiving:{HOST}")
    assert "gpg_receivers" in told.get().message
    site.configure(gpg_receivers=["core"])
    refresh_attention(HOST)
    assert not told.exists()


def test_nothing_configured_is_nothing_to_look_at(site: Site) -> None:
    site.configure(gpg_receivers=[], destination_path=None, sequencing_path=None)
    refresh_attention(HOST)
    assert not Attention.objects.exists()


@pytest.mark.parametrize(
    ("values", "percent", "eta_s"),
    [
        ({}, None, None),
        ({"bytes_done": 5, "bytes_total": 20, "rate_bytes_s": 5.0}, 25, 3),
        ({"bytes_done": 30, "bytes_total": 20, "rate_bytes_s": 5.0}, 100, 0),
        ({"files_done": 1, "files_total": 4}, 25, None),
    ],
)
def test_progress_is_told_as_far_as_it_is_known(
    values: dict[str, Any], percent: float | None, eta_s: float | None
) -> None:
    view = progress_of(ArchiveJobFactory.build(**values))
    assert (view.percent, view.eta_s) == (percent, eta_s)
