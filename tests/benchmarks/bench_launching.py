"""Launching: lists of 10,000 launches, the form of a large schema, the look at 200
launches that run, the end of a long log, and the time until a process is there.

    python -m tests.benchmarks.bench_launching [LAUNCHES]

Prints medians, through the whole stack but the socket where there is no other word, and
what they are as a multiple of the least that the same answers need: bare SQL, bare
calls of the system, a page of the same frame that shows nothing. Ours and the floor
take turns.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.database import benchmark_database

if TYPE_CHECKING:
    from django.test import Client

    from turret.models import Launch

LAUNCHES = 10_000
PARAMS = 150
RUNNING = 200
LOG_BYTES = 1 << 30
DATA = Path(__file__).parents[1] / "data" / "nextflow" / "launched" / "finished"
ROUNDS = 7
CONSOLE, API = "/admin/turret/launch/", "/api/launches"
# The change-password page: the frame, its navigation, and a small form.
FRAME = "/admin/password_change/"
PAGE_SQL = """
    SELECT l.id, l.source, l.revision, l.params, l.state, l.submitted_at,
           w.workflow_id, w.status, w.run_name, u.username, p.name, c.name
    FROM turret_launch l JOIN turret_workflow w ON w.id = l.workflow_id
    JOIN turret_computeenvironment c ON c.id = l.compute_id
    LEFT JOIN auth_user u ON u.id = l.owner_id
    LEFT JOIN turret_pipeline p ON p.id = l.pipeline_id
    ORDER BY l.submitted_at DESC, l.id DESC LIMIT %s
"""
COUNT_SQL = "SELECT count(*) FROM turret_launch"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else LAUNCHES
    with tempfile.TemporaryDirectory(prefix="seqhub-bench-") as name:
        with benchmark_database():
            _run(Path(name), count)
        # After Django is set up, as all imports of it.
        from tests.benchmarks.launch_starts import report_starts

        report_starts()


def _run(directory: Path, count: int) -> None:
    from django.conf import settings
    from django.db import connection

    from tests.benchmarks.launch_rows import fill
    from tests.staff import staff
    from tests.turret.launching.site import Site, standin

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.CONFIG = Site(directory, standin(directory)).config()
    client = staff("manager")
    print(f"{count} launches; medians of {ROUNDS}")
    fill(count)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as autovacuum would have, by now
    _report_lists(client, count)
    _report_form(client, directory)
    _report_tail(client, directory)
    _report_look(directory)


def _report_lists(client: Client, count: int) -> None:
    def bare(limit: int) -> Callable[[], None]:
        return lambda: _query(limit)

    pages = {
        "console": (CONSOLE, 50),
        "console, last page": (f"{CONSOLE}?p={-(-count // 50)}", 50),
        "console, searched": (f"{CONSOLE}?q=demo7", 50),
        "API": (API, 500),
        "API, last page": (f"{API}?offset={max(count - 500, 0)}", 500),
        "API, by state": (f"{API}?state=failed&limit=500", 500),
        "API, by pipeline": (f"{API}?pipeline=demo7", 500),
        "API, by text": (f"{API}?text=demo7", 500),
        "API, by text, all": (f"{API}?text=demo", 500),
        "API, by text, none": (f"{API}?text=nothing+at+all", 0),
    }
    for name, (address, limit) in pages.items():
        queries = _queries(client, address)
        call = _getting(client, address)
        _report(f"{name}, {queries} queries", 300, call, bare(limit), "SQL")


def _report_form(client: Client, directory: Path) -> None:
    from tests.benchmarks.launch_rows import schema

    pipeline = directory / "pipeline"
    pipeline.mkdir()
    (pipeline / "main.nf").write_text("workflow { }\n")
    (pipeline / "nextflow_schema.json").write_text(json.dumps(schema(PARAMS)))
    # The browser asks for the parameters when it has the page.
    sent = {"source": str(pipeline), "act": "form"}

    def form() -> None:
        answer = client.post(f"{CONSOLE}add/", sent, headers={"HX-Request": "true"})
        shown = answer.content.decode()
        assert shown.count("Parameter number") >= PARAMS, "it lacks parameters"

    frame = _getting(client, FRAME)
    page = _getting(client, f"{CONSOLE}add/?pipeline={pipeline}")
    _report("form, before its parameters", 300, page, frame, "frame")
    _report(f"form of {PARAMS} parameters", 300, form, frame, "frame")


def _report_tail(client: Client, directory: Path) -> None:
    from tests.turret.factories import LaunchFactory

    place = directory / "long"
    place.mkdir()
    launch = LaunchFactory.create(directory=str(place))
    lines = b"".join(b"[a1/b2c3d4] process > ALIGN (%d)\n" % n for n in range(5000))
    log = place / "output.log"
    with log.open("wb") as file:
        file.seek(LOG_BYTES - len(lines))  # a hole: nobody is to read it
        file.write(lines)
    address = f"{API}/{launch.launch_id}/log"
    end = LOG_BYTES - (64 << 10)

    def bare() -> None:
        with log.open("rb") as file:
            file.seek(end)
            file.read()

    for name, query in (("end", "tail=200"), ("next", f"offset={end}")):
        call = _getting(client, f"{address}?{query}")
        _report(f"log of 1 GB, its {name}", 50, call, bare, "seek and read")


def _report_look(directory: Path) -> None:
    from tests.factories import HOST
    from turret.services.launching.watching import Watch

    with _running(directory) as launches:
        watch = Watch(HOST)
        began = time.perf_counter()
        watch.look()
        first_ms = (time.perf_counter() - began) * 1000
        watch.look()
        pids = [row.pid for row in launches if row.pid]
        files = [Path(row.directory) / "exit_code" for row in launches]

        def bare() -> None:
            for file, pid in zip(files, pids, strict=True):
                file.exists()
                os.kill(pid, 0)

        name = f"look at {RUNNING} that run"
        before = _bytes_read()
        watch.look()
        read = _bytes_read() - before
        _report(name, 1000, watch.look, bare, "stat and kill -0")
        sizes = [
            path.stat().st_size
            for row in launches
            for path in Path(row.directory).iterdir()
        ]
        print(
            f"    the first look: {first_ms:.0f} ms; each reads {read / RUNNING:,.0f}"
            f" bytes a launch, whose files have {sum(sizes) / RUNNING:,.0f}"
        )
        assert all(row.state == "running" for row in _fresh(launches))


@contextmanager
def _running(directory: Path) -> Iterator[list[Launch]]:
    """Launches with processes that sleep; ended afterwards."""
    from seqhub.lib.processes import ProcessId
    from tests.turret.factories import LaunchFactory
    from turret.engine.launching.files import LaunchFiles

    trace = _trace()
    launches: list[Launch] = []
    sleepers: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(RUNNING):
            files = LaunchFiles(directory / "launches" / f"running{number}")
            files.claim.mkdir(parents=True)
            sleeper = subprocess.Popen(["sleep", "600"])
            sleepers.append(sleeper)
            process = ProcessId.of(sleeper.pid)
            files.process.write_text(
                f"{process.pid} {process.start_ticks} {process.boot}\n"
            )
            files.trace.write_text(trace)
            files.output.write_text("[a1/b2c3d4] process > ALIGN (1)\n" * 3000)
            launches.append(
                LaunchFactory.create(
                    directory=str(files.directory),
                    pid=process.pid,
                    start_ticks=process.start_ticks,
                    boot_id=process.boot,
                )
            )
        yield launches
    finally:
        for sleeper in sleepers:
            sleeper.send_signal(signal.SIGKILL)
            sleeper.wait()


def _trace() -> str:
    """A trace file of 200 tasks."""
    sample = (DATA / "trace.txt").read_text().splitlines()
    lines = sample[:1]
    for number in range(200):
        _, _, rest = sample[1].partition("\t")
        lines.append(f"{number + 1}\t{rest}")
    return "\n".join(lines) + "\n"


def _fresh(launches: list[Launch]) -> Any:
    from turret.models import Launch

    return Launch.objects.filter(pk__in=[row.pk for row in launches])


def _bytes_read() -> int:
    """By this process, so far."""
    told = Path("/proc/self/io").read_text().split()
    return int(told[told.index("rchar:") + 1])


def _query(limit: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(COUNT_SQL)
        cursor.fetchall()
        cursor.execute(PAGE_SQL, [limit])
        cursor.fetchall()


def _queries(client: Client, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        _getting(client, address)()
        return len(queries)


def _getting(client: Client, address: str) -> Callable[[], None]:
    def get() -> None:
        answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"

    return get


def _report(
    name: str,
    reach_ms: int,
    call: Callable[[], None],
    floor: Callable[[], None],
    floor_name: str,
) -> None:
    call()
    floor()
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(ROUNDS):
        for function, times in ((floor, bare), (call, ours)):
            start = time.perf_counter()
            function()
            times.append((time.perf_counter() - start) * 1000)
    median, lowest = statistics.median(ours), statistics.median(bare)
    mark = "" if median <= reach_ms else "  TOO MUCH"
    print(
        f"{name}: {median:.1f} ms (at most {reach_ms}); {floor_name} {lowest:.2f} ms,"
        f" ratio {median / lowest:.1f}{mark}",
        flush=True,
    )


if __name__ == "__main__":
    main()
