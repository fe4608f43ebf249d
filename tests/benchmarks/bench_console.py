"""The console's pages, and the list of archives of the API, over 10,000 runs with 12
samples, 10 events, an archive each.

    python -m tests.benchmarks.bench_console [RUNS]

Prints, a page, the median through the whole stack but the socket, its queries,
and the median of a page of the same frame that shows nothing: what the console's
own chrome costs on this machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.benchmarks.database import benchmark_database

if TYPE_CHECKING:
    from django.test import Client

    from runfolders.models import Runfolder

RUNS = 10_000
SAMPLES = 12
EVENTS = 10
ROUNDS = 11
MOST_MS = 300
MOST_QUERIES = 20
# The change-password page: the frame, its navigation, and a small form.
FRAME = "/admin/password_change/"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with benchmark_database():
        _run(count)


def _run(count: int) -> None:
    # After Django is set up.
    from django.conf import settings

    from tests.staff import staff

    settings.ALLOWED_HOSTS = ["testserver"]
    newest = _fill(count)
    client = staff("manager")
    runs = "/admin/runfolders/runfolder/"
    pages = {
        "frame": FRAME,
        "dashboard": "/admin/",
        "dashboard, live part": "/admin/dashboard/live/",
        "runs": runs,
        "runs, last page": f"{runs}?p={count // 50}",
        "runs, one view": f"{runs}?show=in_flight",
        "runs, searched": f"{runs}?q=S77-3",
        "one run": f"{runs}{newest}/change/",
        "one run, live part": f"{runs}{newest}/live/",
        "one run, samples": f"{runs}{newest}/change/?tab=samples",
        "one run, timeline": f"{runs}{newest}/change/?tab=timeline",
        "samples": "/admin/runfolders/sample/",
        "samples, searched": "/admin/runfolders/sample/?q=S77-3",
        "instruments": "/admin/runfolders/instrument/",
        "roots": "/admin/runfolders/root/",
        "archives": "/admin/archiving/archivejob/",
        "archives, searched": "/admin/archiving/archivejob/?q=A00834_0012",
        "archives, API": "/api/archives/",
        "archives, API, most": "/api/archives/?limit=1000",
        "archives, API, last": f"/api/archives/?offset={count - 50}",
        "archives, API, one run": "/api/archives/?run=240131_A00834_0012_BHMTFYDRXX",
        "attention": "/admin/operations/attention/",
        "events": "/admin/operations/event/",
        "health": "/admin/health/",
        "ctrl-K": "/admin/search/?extended=1&s=S77-3",
    }
    print(f"{count} runs; at most {MOST_MS} ms and {MOST_QUERIES} queries")
    for name, address in pages.items():
        queries, took_ms = _measure(client, address)
        mark = "" if took_ms <= MOST_MS and queries <= MOST_QUERIES else "  TOO MUCH"
        print(f"{name:24} {took_ms:6.0f} ms  {queries:3} queries{mark}")


def _measure(client: Client, address: str) -> tuple[int, float]:
    """Queries, and the median in milliseconds."""
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        count = len(queries)
    times = []
    for _ in range(ROUNDS):
        cache.clear()  # what ctrl-K found
        start = time.perf_counter()
        client.get(address)
        times.append(time.perf_counter() - start)
    return count, statistics.median(times) * 1000


def _fill(count: int) -> int:
    """A site of some years; the id of its newest run."""
    from django.db import connection
    from django.utils import timezone

    from runfolders.models import Runfolder, Sample
    from seqhub.operations.models import Attention, Event
    from tests.factories import InstrumentFactory, RootFactory, RunfolderFactory

    now = timezone.now()
    roots = [RootFactory.create(total_bytes=10**13, free_bytes=10**12) for _ in "abc"]
    machines = [InstrumentFactory.create() for _ in range(12)]
    runs = []
    for number in range(count):
        at = now - timedelta(hours=3 * (count - number))
        is_new = number >= count - 20
        runs.append(
            RunfolderFactory.build(
                root=roots[number % 3],
                instrument=machines[number % 12],
                complete=not is_new,
                first_seen_at=at,
                started_at=at,
                completed_at=None if is_new else at,
                sequencing_since=at,
                state="none" if is_new else "done",
                project=f"P{number % 300}",
                total_cycles=318,
                cycles_done=87,
                markers={"RTAComplete.txt": {"mtime": 0, "first_seen": 0}},
                signature="x" * 800,
            )
        )
    runs = Runfolder.objects.bulk_create(runs, batch_size=1000)
    for first in range(0, count, 500):
        some = runs[first : first + 500]
        Sample.objects.bulk_create(
            Sample(runfolder=run, sample_id=f"S{run.pk}-{line}", line=line)
            for run in some
            for line in range(SAMPLES)
        )
        Event.objects.bulk_create(
            Event(
                subject=run.subject,
                runfolder_ref=run.pk,
                runfolder_name=run.name,
                source="scanner",
                kind="sequencing_changed",
                message="Sequencing settling → complete: CopyComplete.txt is there.",
                at=run.first_seen_at,
            )
            for run in some
            for _ in range(EVENTS)
        )
    Attention.objects.bulk_create(
        Attention(
            subject=run.subject,
            code="stalled",
            runfolder_ref=run.pk,
            runfolder_name=run.name,
            since=now,
            message="It stands still.",
        )
        for run in runs[-30:]
    )
    _fill_archives(runs)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return runs[-1].pk


def _fill_archives(runs: list[Runfolder]) -> None:
    from archiving.models import ArchiveJob
    from tests.archiving.factories import ArchiveJobFactory

    jobs = [
        ArchiveJobFactory.build(
            sealed=run.state == "done",
            runfolder=run,
            run_name=run.name,
            path=run.path,
            wrapped_key=b"x" * 1000,
            created_at=run.first_seen_at,
        )
        for run in runs
    ]
    ArchiveJob.objects.bulk_create(jobs, batch_size=1000)


if __name__ == "__main__":
    main()
