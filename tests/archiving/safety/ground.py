"""Where archives are made under bad luck, and what is held against them.

ground = Ground(path, settings)
job = ground.add_job()
worker = ground.start("sealing-half", "worker")
ended = worker.wait()
ground.recover(job)
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import LazySettings
from pytest_django import Settings

from archiving.choices import Status, Verified
from archiving.engine import children
from archiving.engine import sealing as engine
from archiving.engine.gpg.agents import processes_of
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services import jobs
from archiving.services.claiming import claim_job
from archiving.services.sealing import seal_job
from archiving.services.work import tend, work
from tests.archiving.keys import gpg
from tests.archiving.runs import RUN, SHELL, Site
from tests.archiving.safety import worker
from tests.factories import HOST

PATIENCE_S = 30
# More than the pipes between us, tar and gpg hold.
BIG_BYTES = 6_000_000
OLD = 1_700_000_000


@dataclass(frozen=True)
class Ended:
    """A worker that is over; `outcome` is empty if it was killed."""

    returncode: int
    keys: list[str]
    outcome: str


class Worker:
    """A process of `tests.archiving.safety.worker`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._said: list[str] = []

    def wait_until_trapped(self) -> None:
        assert self.process.stdout
        while not (line := self.process.stdout.readline()).startswith("at "):
            assert line, f"the worker ended: {self._said}"
            self._said.append(line)

    def let_go(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait(self) -> Ended:
        said, _ = self.process.communicate(timeout=PATIENCE_S)
        words = [line.split() for line in (*self._said, *said.splitlines())]
        keys = [word[1] for word in words if word[0] == "key"]
        last = [word[0] for word in words if len(word) == 1]
        return Ended(self.process.returncode, keys, last[-1] if last else "")


class Ground(Site):
    """A site for bad luck; its workers are ended with it."""

    def __init__(
        self, path: Path, settings: Settings | LazySettings, **section: Any
    ) -> None:
        super().__init__(path, settings, **section)
        self._started: list[Worker] = []

    def close(self) -> None:
        for started in self._started:
            started.process.kill()
            started.process.communicate()
        super().close()
        # It removes its sockets, and so does who removes the directory.
        eventually(lambda: not processes_of(self.gnupg), "the end of the agent")

    def add_big_run(self, name: str = RUN) -> Path:
        """A run that takes a while, written long ago."""
        run = self.add_run(
            name=name,
            files={
                "RunInfo.xml": b"<RunInfo/>",
                "Data/big.bcl": os.urandom(BIG_BYTES),
                "Data/last.bcl": b"last" * 100,
                "Late/of run": b"late",
            },
        )
        make_old(run)
        return run

    def seal(
        self, job: ArchiveJob, at: str = "", do: Callable[[], object] = lambda: None
    ) -> ArchiveAttempt:
        """In this process; something is done at a stage or at SEALING_HALF."""
        claimed = claim_job(job.pk, HOST, f"{HOST}:1:aa")
        assert claimed is not None
        trap = worker.Trap(at, do)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "chunks", children.chunks)
            worker.wrap_chunks(engine, trap, worker.SEALING_HALF)
            attempt = seal_job(claimed, reporter=trap)
        job.refresh_from_db()
        return attempt

    def check_tried_again(self, job: ArchiveJob, run: Path) -> None:
        """Nothing is left of an attempt that failed or waits; now that its cause is
        gone, the next one makes the archive."""
        assert job.status == Status.PENDING
        assert job.message
        assert job.next_step
        assert job.not_before is not None
        assert not job.archive_path.exists()
        self.check_tidy()
        jobs.retry(job.pk, actor=SHELL)
        work(HOST)
        self.check_sealed(job, run)

    def start(
        self,
        point: str,
        victim: str = "nobody",
        *,
        clock_s: int = 0,
        through: Sequence[str] = (),
        path: str = "",
    ) -> Worker:
        """A worker that falls into a trap; `through` is a command that runs it,
        `path` its PATH."""
        (self.path / "tmp").mkdir(exist_ok=True)
        environment = {**self.environment(), "TMPDIR": str(self.path / "tmp")}
        if path:
            environment["PATH"] = path
        module = ("-m", "tests.archiving.safety.worker")
        process = subprocess.Popen(
            [*through, sys.executable, *module, point, victim, str(clock_s)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(Worker(process))
        return self._started[-1]

    def recover(self, job: ArchiveJob) -> None:
        """What SeqHub does by itself, until there is nothing more to do for it."""

        def is_sealed() -> bool:
            tend(HOST)
            work(HOST)
            job.refresh_from_db()
            return job.status == Status.ENCRYPTED

        eventually(is_sealed)

    def check_nothing_half(self, job: ArchiveJob, run: Path) -> bool:
        """Whether there is an archive; if so, it is whole."""
        job.refresh_from_db()
        if not job.archive_path.exists():
            return False
        stored = [bytes(job.wrapped_key)] if job.wrapped_key else []
        if job.key_path.exists():
            stored.append(job.key_path.read_bytes())
        assert any(is_whole(self.gnupg, job.archive_path, key, run) for key in stored)
        return True

    def check_sealed(
        self, job: ArchiveJob, run: Path, keys: Sequence[str] = ()
    ) -> None:
        """That all is as it should be in the end, whatever happened before."""
        job.refresh_from_db()
        assert (job.status, job.verification) == (Status.ENCRYPTED, Verified.VERIFIED)
        assert (job.code, job.worker_id, job.publishing) == ("", "", None)
        wrapped = job.key_path.read_bytes()
        assert wrapped == bytes(job.wrapped_key or b"")
        assert is_whole(self.gnupg, job.archive_path, wrapped, run)
        assert digest(job.archive_path) == job.archive_sha256
        assert digest(job.sealed_manifest_path) == job.sealed_manifest_sha256
        readable = self.data / "manifests" / f"{job.pk}.manifest"
        assert digest(readable) == job.manifest_sha256
        self.check_tidy(keys)

    def check_tidy(self, keys: Sequence[str] = ()) -> None:
        """Nothing half made is left, nothing runs, and no key lies in the clear."""
        assert self.left_over() == []
        assert not processes_below(self.path)
        secrets = [key.encode() for key in keys]
        secrets += [bytes.fromhex(key) for key in keys]
        for path in self.path.rglob("*"):
            if path.is_file() and not path.is_relative_to(self.sequencing):
                content = path.read_bytes()
                assert not any(secret in content for secret in secrets), path


def is_whole(gnupg: Path, archive: Path, wrapped: bytes, run: Path) -> bool:
    """Whether stock gpg and tar make the run of it again, as docs/operations.md
    tells people to do."""
    with tempfile.TemporaryDirectory() as scratch:
        key_file = Path(scratch) / "key"
        key_file.write_bytes(gpg(gnupg, "--decrypt", content=wrapped))
        opened = subprocess.run(
            [
                *("gpg", "--batch", "--quiet", "--homedir", str(gnupg)),
                *("--pinentry-mode", "loopback", "--passphrase-file", str(key_file)),
                *("--decrypt", str(archive)),
            ],
            capture_output=True,
            check=False,
        )
        if opened.returncode:
            return False
        unpack = ["tar", "--extract", "--directory", scratch]
        subprocess.run(unpack, input=opened.stdout, check=True)
        return tree(Path(scratch) / run.name) == tree(run)


def eventually(look: Callable[[], object], what: str = "the end") -> None:
    """Wait until `look` returns something true."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)


def processes_below(path: Path) -> list[list[str]]:
    """Command lines that name the path, agents of the site's own home left out."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if any(str(path) in part for part in line) and "gpg-agent" not in line[0]:
            found.append(line)
    return found


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_old(run: Path) -> None:
    """Let every file have been written long ago, as those of a run are."""
    for path in sorted(run.rglob("*"), reverse=True):
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    os.utime(run, (OLD, OLD))


def tree(top: Path) -> dict[bytes, tuple[Any, ...]]:
    """All that an archive keeps of a directory."""
    found = {}
    names: dict[tuple[int, int], bytes] = {}
    for path in sorted([top, *top.rglob("*")], key=os.fsencode):
        status = path.lstat()
        name = os.fsencode(path.relative_to(top))
        first = name
        content = b""
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            first = names.setdefault((status.st_dev, status.st_ino), name)
            content = hashlib.sha256(path.read_bytes()).digest()
        found[name] = (status.st_mode, int(status.st_mtime // 1), content, first)
    return found
