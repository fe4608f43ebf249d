"""The scan of 10,000 run folders: the first one, and one in which nothing changed.

    python -m tests.benchmarks.bench_scan [FOLDERS]

Prints the rescan as a multiple of the bare `os.stat` of the same directories and
files, medians of several rounds in turn, on whatever disk holds $TMPDIR.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.database import benchmark_database

FOLDERS = 10_000
ROUNDS = 9
# What a complete NovaSeq X folder has at its top level, of watched files.
MARKERS = ("RTAComplete.txt", "RunCompletionStatus.xml", "CopyComplete.txt")


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

    from tests.runfolders.runs import watch

    watch(settings, root)
    files = _make(root, count)
    first_s = _seconds(_scan)
    print(f"first scan of {count} folders: {first_s:.1f} s")
    _scan()
    stat_s, rescan_s = [], []
    for _ in range(ROUNDS):
        stat_s.append(_seconds(lambda: _stat(files)))
        rescan_s.append(_seconds(_scan))
    bare, scan = statistics.median(stat_s), statistics.median(rescan_s)
    print(f"bare stat of {len(files)} directories and files: {bare * 1000:.0f} ms")
    print(f"rescan, nothing changed: {scan * 1000:.0f} ms")
    print(f"ratio: {scan / bare:.2f} (at most 3)")


def _make(root: Path, count: int) -> list[str]:
    from tests.runfolders.runs import age, make_run

    status = (
        "<RunCompletionStatus><RunStatus>RunCompleted</RunStatus></RunCompletionStatus>"
    )
    parameters = "<RunParameters><Side>A</Side></RunParameters>"
    paths = []
    for number in range(count):
        folder = make_run(
            root,
            f"20240131_LH{number % 20:05}_{number % 9999:04}_A{number:09}LT3",
            markers=("RTAComplete.txt", "CopyComplete.txt"),
            RunCompletionStatus_xml=status,
            RunParameters_xml=parameters,
        )
        age(folder)
        paths.append(str(folder))
        paths += [str(path) for path in folder.iterdir() if path.is_file()]
    return paths


def _scan() -> None:
    from runfolders.services.scan import scan_host
    from tests.factories import HOST

    report = scan_host(HOST)
    assert report is not None
    assert report.is_finished
    assert not report.roots[0].missing


def _stat(paths: list[str]) -> None:
    for path in paths:
        os.stat(path)  # noqa: PTH116 - the floor is the bare call


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
