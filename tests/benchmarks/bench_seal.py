"""Sealing against a bare `tar | gpg` to the same disk, the source warm.

    python -m tests.benchmarks.bench_seal [--gb 1] [--files 200000] [--rounds 5]
        [--only one two small memory cpu]

Ours is the survey, the archive, the manifest and its encryption, all of it synced;
verification is a benchmark of its own. Data goes below $TMPDIR: three times `--gb`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import django

from archiving.engine.sealing import SealOrder
from tests.benchmarks import bare
from tests.benchmarks.bare import Bench, Cost

PARTS = ("one", "two", "small", "memory", "cpu")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gb", type=float, default=1)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    with bare.bench(args.rounds) as bench:
        mixed = bare.make_mixed(bench.directory / "mixed", round(args.gb * bare.GB))
        if "one" in args.only:
            _one(bench, mixed, f"{args.gb:g} GB", 1.05)
        if "two" in args.only:
            _two(bench, mixed, f"two of {args.gb:g} GB at once")
        if "cpu" in args.only:
            _cpu(bench, mixed, args.gb)
        if "memory" in args.only:
            _memory(bench, mixed, f"{args.gb:g} GB")
        if not {"small", "memory"}.isdisjoint(args.only):
            small = bare.make_files(bench.directory / "small", args.files, 1000)
            if "small" in args.only:
                _one(bench, small, f"{args.files} files of 1 kB", 1.5)
            if "memory" in args.only:
                _memory(bench, small, f"{args.files} files")


def _one(bench: Bench, source: Path, name: str, reach: float) -> None:
    order = bare.order_in(bench.directory, bench.home, source, "one")
    bare.seal_bare(order)  # reads the source into memory
    bare.remove(order)
    bare.compare(
        f"seal of {name}",
        reach,
        bench.rounds,
        lambda: bare.seal_ours(order),
        lambda: bare.seal_bare(order),
        lambda: bare.remove(order),
    )


def _two(bench: Bench, source: Path, name: str) -> None:
    """Both floors and both seals run in processes of their own that stand already."""
    orders = [
        bare.order_in(bench.directory, bench.home, source, which) for which in "ab"
    ]

    def clean() -> None:
        for order in orders:
            bare.remove(order)

    with _workers(2) as workers:

        def at_once(function: Callable[[SealOrder], object]) -> None:
            list(workers.map(function, orders))

        at_once(bare.seal_bare)
        clean()
        bare.compare(
            f"seal, {name}",
            1.25,
            bench.rounds,
            lambda: at_once(bare.seal_ours),
            lambda: at_once(bare.seal_bare),
            clean,
        )


def _cpu(bench: Bench, source: Path, gb: float) -> None:
    """Where the time goes, in CPU seconds a GB."""
    order = bare.order_in(bench.directory, bench.home, source, "cpu")
    tar_s, gpg_s = Cost(*_median(lambda: bare.seal_bare(order), order, bench.rounds))
    own_s, theirs_s = _median(lambda: _spent(order), order, bench.rounds)
    print(
        f"CPU seconds a GB: bare tar {tar_s / gb:.2f}, bare gpg {gpg_s / gb:.2f}; "
        f"of a seal tar and gpg {theirs_s / gb:.2f}, ourselves {own_s / gb:.2f}"
    )


def _median(
    measure: Callable[[], tuple[float, float]], order: SealOrder, rounds: int
) -> tuple[float, float]:
    taken = []
    for _ in range(rounds):
        taken.append(measure())
        bare.remove(order)
    first, second = (sorted(column)[rounds // 2] for column in zip(*taken, strict=True))
    return first, second


def _spent(order: SealOrder) -> tuple[float, float]:
    """CPU seconds of a seal: our own, and those of tar and gpg."""
    own_s = bare.cpu_s(resource.RUSAGE_SELF)
    theirs_s = bare.cpu_s(resource.RUSAGE_CHILDREN)
    bare.seal_ours(order)
    return (
        bare.cpu_s(resource.RUSAGE_SELF) - own_s,
        bare.cpu_s(resource.RUSAGE_CHILDREN) - theirs_s,
    )


def _memory(bench: Bench, source: Path, name: str) -> None:
    order = bare.order_in(bench.directory, bench.home, source, "memory")
    with _workers(1) as workers:
        before = workers.submit(_peak_mb).result()
        workers.submit(bare.seal_ours, order).result()
        after = workers.submit(_peak_mb).result()
    bare.remove(order)
    print(
        f"peak of a process with Django that seals {name}: {after:.0f} MB "
        f"(at most 150; {before:.0f} before)",
        flush=True,
    )


def _workers(count: int) -> ProcessPoolExecutor:
    """Processes that begin anew, as a worker does, and hold what it holds."""
    return ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), initializer=_set_up
    )


def _set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()


def _peak_mb() -> float:
    """The most memory that this process ever had. Linux, proc(5): VmHWM."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024 / 10**6


if __name__ == "__main__":
    main()
