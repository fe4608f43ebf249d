"""A process that claims, or seals, as a worker of the long queue does.

    python -m tests.archiving.worker claim
    python -m tests.archiving.worker seal STAGE

`claim` waits for a line, then claims until nothing is left and prints each job's
id; `seal` seals one job, prints `at STAGE` when it comes to that stage, goes on
when it reads a line, and prints how the attempt ended.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()
    from seqhub.lib.processes import raise_cancelled_on_sigterm

    raise_cancelled_on_sigterm()
    if sys.argv[1] == "claim":
        _claim()
    else:
        _seal(sys.argv[2])


def _claim() -> None:
    from archiving.choices import Status
    from archiving.models import ArchiveJob
    from archiving.services.claiming import claim_next
    from archiving.services.policy import current_policy
    from seqhub.lib.lease import new_worker_id
    from tests.factories import HOST

    worker_id = new_worker_id(HOST)
    limit = current_policy().max_concurrent_jobs
    print("ready", flush=True)
    sys.stdin.readline()
    while ArchiveJob.objects.filter(status=Status.PENDING).exists():
        if (job := claim_next(HOST, worker_id)) is None:
            continue
        running = ArchiveJob.objects.filter(status=Status.PROCESSING).count()
        assert running <= limit, f"{running} at once"
        print(job.pk, flush=True)
        done = ArchiveJob.objects.filter(pk=job.pk, worker_id=worker_id)
        done.update(status=Status.ENCRYPTED, worker_id="")


def _seal(stage: str) -> None:
    from archiving.choices import Stage
    from archiving.services.claiming import claim_next
    from archiving.services.sealing import seal_job
    from seqhub.lib.lease import new_worker_id
    from tests.factories import HOST

    class Pause:
        def stage(self, now: Stage) -> None:
            if now == stage:
                print("at", now.value, flush=True)
                sys.stdin.readline()

        def tick(self, bytes_done: int, files_done: int) -> None:
            pass

    job = claim_next(HOST, new_worker_id(HOST))
    assert job is not None
    print(seal_job(job, reporter=Pause()).outcome, flush=True)


if __name__ == "__main__":
    main()
