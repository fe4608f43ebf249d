from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
from django_q.models import OrmQ

from archiving.choices import CheckState, Outcome, Status
from archiving.models import ArchiveAttempt, ArchiveJob, Restore, Verification
from archiving.services import work
from archiving.services.restores import request_restore
from archiving.services.verification import request_verification
from archiving.tasks import check_keys, drill
from archiving.tasks import tend as tend_task
from archiving.tasks import work as work_task
from seqhub.lib import drain, queues
from seqhub.operations.models import Attention
from tests.archiving.runs import RUN, SHELL, Site
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def drained() -> Iterator[None]:
    drain.ask()
    yield
    drain._flag[0] = 0


def test_a_run_that_arrives_ends_sealed_by_itself(site: Site) -> None:
    site.add_run("A00834")
    site.add_run("M04034")
    tend_task(HOST)
    rung = [message.key for message in OrmQ.objects.all()]
    assert rung
    assert set(rung) == {queues.long(HOST)}
    work_task(HOST)
    assert set(ArchiveJob.objects.values_list("status", flat=True)) == {"encrypted"}
    assert {job.name for job in ArchiveJob.objects.all()} == {RUN, f"M04034__{RUN}"}
    OrmQ.objects.all().delete()
    tend_task(HOST)
    assert not OrmQ.objects.exists(), "nothing is due any more"
    assert not Attention.objects.exists()


def test_one_failure_does_not_end_the_work(site: Site) -> None:
    bad = site.add_job(site.add_run("A00834"))
    site.add_job(site.add_run("M04034"))
    bad.location.rename(bad.location.with_name("away"))
    assert work.work(HOST) == 2
    outcomes = set(ArchiveAttempt.objects.values_list("outcome", flat=True))
    assert outcomes == {Outcome.FAILED, Outcome.SEALED}


def test_who_waits_for_a_restore_waits_for_no_seal(site: Site) -> None:
    restored = site.path / "restored"
    restored.mkdir()
    site.configure(restore_roots=[restored])
    job = site.add_job(site.add_run("A00834"))
    work.work(HOST)
    request_verification(job.pk, actor=SHELL)
    request_restore(job.pk, target=str(restored), files=[], actor=SHELL)
    site.add_job(site.add_run("M04034"))
    assert work.work(HOST) == 3
    assert Restore.objects.get().state == "available"
    asked = Verification.objects.exclude(requested_by="").get()
    assert asked.state == CheckState.OK
    sealed = ArchiveAttempt.objects.get(job__sequencer="M04034")
    restore = Restore.objects.get()
    assert restore.ended_at is not None
    assert asked.started_at is not None
    assert restore.ended_at <= asked.started_at <= sealed.started_at


def test_the_log_tells_what_was_done(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    restored = site.path / "restored"
    restored.mkdir()
    site.configure(restore_roots=[restored])
    job = site.add_job()
    work.work(HOST)
    request_verification(job.pk, actor=SHELL)
    request_restore(job.pk, target=str(restored), files=[], actor=SHELL)
    work.work(HOST)
    told = [re.sub(r"\d+ (s|min)$", "N s", line) for line in caplog.messages]
    assert [
        line for line in told if line.startswith((RUN, "seal", "veri", "rest"))
    ] == [
        f"sealing {RUN}",
        f"{RUN} sealed and verified: 97.7 KiB in N s",
        f"restoring {RUN} to {restored}",
        f"{RUN} restored to {restored} in N s",
        f"verifying {RUN}",
        f"{RUN} verified in N s",
    ]


def test_the_log_warns_of_what_failed(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    job = site.add_job()
    work.work(HOST)
    request_verification(job.pk, actor=SHELL)
    job.archive_path.write_bytes(b"something else")
    work.work(HOST)
    away = site.add_job(site.add_run("M04034"))
    away.location.rename(away.location.with_name("away"))
    work.work(HOST)
    warnings = [one.getMessage() for one in caplog.records if one.levelname != "INFO"]
    assert len(warnings) == 2
    assert warnings[0].startswith(f"{RUN} is not as it was sealed: ")
    assert warnings[1].startswith(f"{away.name}: Attempt 1 failed: ")


def test_nothing_is_begun_when_the_cluster_stops(site: Site, drained: None) -> None:
    site.add_job()
    assert work.work(HOST) == 0
    assert ArchiveJob.objects.get().status == Status.PENDING


def test_the_ticks_are_at_peace_where_nothing_is_configured(site: Site) -> None:
    site.configure(gpg_receivers=[], destination_path=None, sequencing_path=None)
    for task in (tend_task, work_task, check_keys, drill):
        task(HOST)
    assert not Attention.objects.exists()
    assert not OrmQ.objects.exists()


def test_one_part_that_fails_stops_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(host: str) -> None:
        raise RuntimeError("nobody foresaw it")

    # What fails unforeseen can't be had otherwise.
    monkeypatch.setattr(work, "_PARTS", (broken, *work._PARTS))
    site.add_run()
    work.tend(HOST)
    assert ArchiveJob.objects.count() == 1
    assert "broken of archives failed" in caplog.text
