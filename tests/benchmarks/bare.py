"""The floor of the archive benchmarks: tar and gpg in a bare pipe, as a shell would
run them, with our options, our niceness and an fsync of what they write.

Runs of ours and of the floor take turns, and ratios are of their medians.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from archiving.engine.children import POLITELY
from archiving.engine.gpg import calls
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.gpg.symmetric import (
    decrypt_argv,
    encrypt_argv,
    passphrase_pipe,
)
from archiving.engine.sealing import SealOrder, seal, survey_source, tar_argv
from archiving.engine.verifying import open_archive
from archiving.engine.watch import Unwatched

GB = 10**9
# What runs are made of: share of the bytes, and bytes of a file.
MIXED = ((0.60, 50_000_000), (0.30, 2_000_000), (0.09, 100_000), (0.01, 4_000))
FILES_A_DIRECTORY = 1000
_ENVIRONMENT = {**calls.environment(), "LC_ALL": "C"}


class Cost(NamedTuple):
    """CPU seconds of a bare pipe's two ends."""

    tar_s: float
    gpg_s: float


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a benchmark works, and how often it measures."""

    directory: Path
    home: Path
    rounds: int


@contextmanager
def bench(rounds: int) -> Iterator[Bench]:
    """A directory and a gpg home below $TMPDIR, gone when it ends."""
    with tempfile.TemporaryDirectory(prefix="seqhub-bench-") as name:
        directory = Path(name)
        (directory / "no-keys").mkdir()
        with open_home(directory / "gnupg", directory / "no-keys") as home:
            yield Bench(directory, home, rounds)


def make_mixed(run: Path, size_bytes: int) -> Path:
    """A run of `size_bytes` in files of 4 kB to 50 MB."""
    for share, each in MIXED:
        count = max(round(size_bytes * share / each), 1)
        make_files(run / f"of{each}", count, each)
    return run


def make_files(top: Path, count: int, size_bytes: int) -> Path:
    content = os.urandom(size_bytes)
    for number in range(count):
        directory = top / f"L{number // FILES_A_DIRECTORY:03}"
        if number % FILES_A_DIRECTORY == 0:
            directory.mkdir(parents=True)
        # No two are the same, for a disk that would notice.
        (directory / f"s_{number:06}.cbcl").write_bytes(
            number.to_bytes(8) + content[8:]
        )
    return top


def order_in(directory: Path, home: Path, source: Path, name: str) -> SealOrder:
    return SealOrder(
        source=source,
        archive=directory / f"{name}.tar.gpg",
        manifest=directory / f"{name}.manifest",
        sealed_manifest=directory / f"{name}.manifest.gpg",
        exclusions=(),
        key=new_session_key(),
        home=home,
    )


def remove(order: SealOrder) -> None:
    for path in (order.archive, order.manifest, order.sealed_manifest):
        path.unlink(missing_ok=True)


def seal_ours(order: SealOrder) -> None:
    """All that a job does up to the publication of its files."""
    seal(order, survey_source(order, Unwatched()), Unwatched())


def seal_bare(order: SealOrder) -> Cost:
    """`tar | gpg > archive`."""
    passphrase = passphrase_pipe(order.key)
    with order.archive.open("xb") as archive:
        tar = _start(tar_argv(order), stdout=subprocess.PIPE)
        gpg = _start(
            encrypt_argv(order.home, passphrase),
            stdin=tar.stdout,
            stdout=archive,
            pass_fds=(passphrase,),
        )
        os.close(passphrase)
        cost = _finish(tar, gpg)
        os.fsync(archive.fileno())
    return cost


def open_bare(order: SealOrder, *tar_options: str) -> Cost:
    """`gpg -d < archive | tar TAR_OPTIONS`, the archive read from the disk."""
    passphrase = passphrase_pipe(order.key)
    with open_archive(order.archive) as archive:
        gpg = _start(
            decrypt_argv(order.home, passphrase),
            stdin=archive,
            stdout=subprocess.PIPE,
            pass_fds=(passphrase,),
        )
        os.close(passphrase)
        tar = _start(["tar", *tar_options, "--file=-"], stdin=gpg.stdout)
        cost = _finish(gpg, tar)
    return Cost(cost.gpg_s, cost.tar_s)


def sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _start(
    argv: Sequence[str],
    *,
    stdin: int | IO[bytes] | None = None,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*POLITELY, *argv],
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=stdout,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        pass_fds=pass_fds,
        bufsize=0,
    )


def _finish(first: subprocess.Popen[bytes], second: subprocess.Popen[bytes]) -> Cost:
    """Wait for both ends of a pipe; CPU seconds of each."""
    assert first.stdout is not None
    first.stdout.close()
    spent = []
    for process in (first, second):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, process.args
        spent.append(usage.ru_utime + usage.ru_stime)
    return Cost(*spent)


def compare(
    name: str,
    reach: float,
    rounds: int,
    ours: Callable[[], object],
    floor: Callable[[], object],
    clean: Callable[[], None],
) -> None:
    """Print the ratio of the medians, and the lowest and highest of a round."""
    bare_s: list[float] = []
    ours_s: list[float] = []
    for _ in range(rounds):
        for function, times in ((floor, bare_s), (ours, ours_s)):
            os.sync()
            times.append(seconds(function))
            clean()
    ratios = [mine / bare for mine, bare in zip(ours_s, bare_s, strict=True)]
    bare, mine = statistics.median(bare_s), statistics.median(ours_s)
    print(
        f"{name}: bare {bare:.2f} s, ours {mine:.2f} s, ratio {mine / bare:.3f}"
        f" ({min(ratios):.3f} to {max(ratios):.3f}; at most {reach})",
        flush=True,
    )


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def cpu_s(who: int) -> float:
    """CPU seconds so far, of us or of all children that have ended."""
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime
