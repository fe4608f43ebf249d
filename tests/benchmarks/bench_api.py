"""Arteria's calls over 10,000 run folders, 100 of them ready, all on disk.

    python -m tests.benchmarks.bench_api [FOLDERS]

Prints medians through the whole stack but the socket, and what they are as a
multiple of the bare SQL and `os.stat` that the same answers need.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.database import benchmark_database

if TYPE_CHECKING:
    from rest_framework.test import APIClient

FOLDERS = 10_000
READY = 100
ROUNDS = 30
API = "/api/1.0/runfolders"
LIST_SQL = """
    SELECT f.id, f.host, f.path, f.raw_path, f.state, f.reagent_kit_barcode,
           f.library_tube
    FROM runfolders_runfolder f JOIN runfolders_root r ON r.id = f.root_id
    WHERE r.is_configured AND f.ignored_at IS NULL AND f.is_present
      AND f.host = %s AND f.state = 'ready'
    ORDER BY f.completed_at, f.id
"""
CLAIM_SQL = """
    UPDATE runfolders_runfolder SET state = 'pending' WHERE id = (
        SELECT f.id FROM runfolders_runfolder f
        WHERE f.is_present AND f.host = %s AND f.state = 'ready'
        ORDER BY f.completed_at, f.id LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING path
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else FOLDERS
    with (
        tempfile.TemporaryDirectory(prefix="seqhub-bench-") as directory,
        benchmark_database(),
    ):
        _run(Path(directory), count)


def _run(root: Path, count: int) -> None:
    # After Django is set up.
    from django.conf import settings

    from tests.clients import client_with

    settings.ALLOWED_HOSTS = ["testserver"]
    _make(root, count)
    client = client_with("read", "write")
    print(f"{count} run folders, {READY} ready; medians of {ROUNDS}")
    _report("GET runfolders", 30, lambda: _get(client, API), lambda: _bare_list(None))
    _report("GET next", 10, lambda: _get(client, f"{API}/next"), lambda: _bare_list(1))
    _report("GET pickup", 10, lambda: _get(client, f"{API}/pickup"), _bare_claim)
    _report("GET api/runfolders", 300, lambda: _get(client, "/api/runfolders"), None)
    everything = f"{API}?state=*"
    _report("GET runfolders?state=*", None, lambda: _get(client, everything), None, 5)


def _make(root: Path, count: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from runfolders.models import Runfolder
    from tests.factories import InstrumentFactory, RootFactory, RunfolderFactory

    row = RootFactory.create(path=str(root))
    instrument = InstrumentFactory.create()
    now = timezone.now()
    rows = RunfolderFactory.build_batch(
        count, root=row, instrument=instrument, complete=True, state="done"
    )
    for number, runfolder in enumerate(rows):
        Path(runfolder.path).mkdir()
        runfolder.completed_at = now - timedelta(minutes=number)
        if number % (count // READY) == 0:
            runfolder.state = "ready"
    Runfolder.objects.bulk_create(rows, batch_size=1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum would have, by now


def _get(client: APIClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200, answer.content


def _bare_list(limit: int | None) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"{LIST_SQL} LIMIT %s", ["testhost", limit])
        for row in cursor.fetchall():
            os.stat(row[2])  # noqa: PTH116 - the floor is the bare call


def _bare_claim() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(CLAIM_SQL, ["testhost"])
        [path] = cursor.fetchone()
    os.stat(path)  # noqa: PTH116 - the floor is the bare call


def _report(
    name: str,
    reach_ms: int | None,
    call: Callable[[], None],
    floor: Callable[[], None] | None,
    rounds: int = ROUNDS,
) -> None:
    call()
    ours, bare = [], []
    for _ in range(rounds):
        ours.append(_milliseconds(call))
        if floor:
            bare.append(_milliseconds(floor))
    median = statistics.median(ours)
    line = f"{name}: {median:.1f} ms"
    if reach_ms:
        line += f" (at most {reach_ms})"
    if floor:
        lowest = statistics.median(bare)
        line += f", bare {lowest:.1f} ms, ratio {median / lowest:.1f}"
    print(line)


def _milliseconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main()
