from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from archiving.choices import Status
from archiving.models import ArchiveJob
from archiving.services import jobs
from archiving.services.verification import request_verification
from seqhub.operations.errors import IllegalTransition
from tests.archiving.factories import ArchiveJobFactory
from tests.archiving.runs import SHELL

pytestmark = pytest.mark.django_db(transaction=True)


class Publisher:
    """Holds the row as a worker does on a slow disk, from a thread."""

    def __init__(self, job: ArchiveJob) -> None:
        self._job = job
        self._has_it = threading.Event()
        self._may_go = threading.Event()
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._has_it.wait(20)

    def __exit__(self, *_: object) -> None:
        self._may_go.set()
        self._thread.join()

    def _hold(self) -> None:
        try:
            with transaction.atomic():
                jobs.lock_job(self._job.pk)
                self._has_it.set()
                self._may_go.wait(60)
        finally:
            connection.close()


def test_a_person_does_not_wait_for_a_slow_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jobs, "LOCK_S", 1)
    job = ArchiveJobFactory.create(sealed=True)
    with Publisher(job):
        for change in (jobs.hold, jobs.reseal, request_verification):
            with pytest.raises(IllegalTransition, match="Try again in a minute"):
                change(job.pk, actor=SHELL)
    jobs.reseal(job.pk, actor=SHELL)
    job.refresh_from_db()
    assert job.status == Status.PENDING


def test_only_the_wait_for_the_row_is_short() -> None:
    job = ArchiveJobFactory.create()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()
        jobs.lock_soon(job.pk)
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == before
