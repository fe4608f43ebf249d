"""What is noted down and can never be published: a person's way out."""

from __future__ import annotations

import pytest

from archiving.choices import Outcome, Status
from archiving.models import ArchiveJob
from archiving.services import jobs, sealing
from archiving.services.claiming import claim_job, take_back_expired
from archiving.services.naming import artifacts_of
from archiving.services.policy import current_policy
from archiving.services.sealing import seal_job
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Event
from tests.archiving.runs import SHELL, Site
from tests.archiving.services.test_claiming import expire
from tests.archiving.services.test_sealing import seal
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)

RETIRED = "retired"


class Killed(BaseException):
    pass


def die_before_names(
    job: ArchiveJob, monkeypatch: pytest.MonkeyPatch, host: str = RETIRED
) -> None:
    """Its worker is gone once all is noted down, and so is its host."""

    def kill(_: int) -> bool:
        raise Killed

    claimed = claim_job(job.pk, HOST, f"{HOST}:1:aa")
    assert claimed is not None
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "finish", kill)
        with pytest.raises(Killed):
            seal_job(claimed)
    ArchiveJob.objects.filter(pk=job.pk).update(host=host)
    job.refresh_from_db()
    assert job.publishing is not None
    expire(job)


def test_what_a_host_that_is_gone_was_publishing_can_be_cancelled(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    die_before_names(job, monkeypatch)
    assert take_back_expired(HOST) == 0, "its host may come back"
    jobs.cancel(job.pk, actor=SHELL, reason="that host is gone")
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert (job.status, job.publishing, job.worker_id) == (Status.PENDING, None, "")
    assert job.held_reason == "that host is gone"
    assert job.attempts.get().outcome == Outcome.CANCELLED
    assert site.left_over() == []
    event = Event.objects.get(subject=job.subject, kind="withdrawn")
    assert event.data["wrapped_key"]
    jobs.release(job.pk, actor=SHELL)
    assert seal(job).outcome == Outcome.SEALED


def test_a_cancelled_reseal_of_a_host_that_is_gone_leaves_the_old_archive(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    seal(job)
    before = job.archive_path.read_bytes(), job.key_path.read_bytes()
    jobs.reseal(job.pk, actor=SHELL)
    die_before_names(job, monkeypatch)
    jobs.cancel(job.pk, actor=SHELL)
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert (job.status, job.held_at, job.code) == (Status.ENCRYPTED, None, "")
    assert (job.archive_path.read_bytes(), job.key_path.read_bytes()) == before
    jobs.ignore(job.pk, actor=SHELL)


def test_an_archive_that_has_replaced_the_old_one_is_not_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    seal(job)
    jobs.reseal(job.pk, actor=SHELL)
    die_before_names(job, monkeypatch)
    for file in artifacts_of(job, 2, current_policy().manifests_dir).all:
        file.partial.replace(file.final)
    jobs.cancel(job.pk, actor=SHELL)
    assert take_back_expired(HOST) == 0
    job.refresh_from_db()
    assert job.publishing is not None


def test_what_can_be_published_is_even_if_it_was_cancelled(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    die_before_names(job, monkeypatch, host=HOST)
    jobs.cancel(job.pk, actor=SHELL)
    with pytest.raises(IllegalTransition, match="already"):
        jobs.cancel(job.pk, actor=SHELL)
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert job.status == Status.ENCRYPTED


def test_a_disk_that_never_comes_back_can_be_cancelled(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    die_before_names(job, monkeypatch, host=HOST)
    site.destination.rename(site.path / "away")
    assert take_back_expired(HOST) == 0
    job.refresh_from_db()
    assert job.code
    jobs.cancel(job.pk, actor=SHELL)
    assert take_back_expired(HOST) == 1
    job.refresh_from_db()
    assert (job.status, job.publishing, job.code) == (Status.PENDING, None, "")
    assert job.held_at is not None
