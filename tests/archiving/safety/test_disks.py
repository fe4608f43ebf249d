"""Disks that fill, go away and come back while a run is sealed onto them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiving.choices import Outcome, Stage, Status
from archiving.errors import Code
from archiving.models import ArchiveJob
from archiving.services import jobs
from archiving.services.work import tend, work
from tests.archiving.runs import SHELL
from tests.archiving.safety.ground import Ended, Ground
from tests.archiving.safety.worker import NOTED, NOWHERE, RECOVER, SEALING_HALF
from tests.factories import HOST

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

UNSHARE = ["unshare", "--mount"]
if os.geteuid():
    UNSHARE.append("--map-root-user")
MB = 1_000_000


class Disks:
    """File systems of our own, which nobody else sees (mount_namespaces(7))."""

    def __init__(self) -> None:
        self._holder = subprocess.Popen(
            [*UNSHARE, "sh", "-c", "echo; exec sleep 600"], stdout=subprocess.PIPE
        )
        assert self._holder.stdout
        self._holder.stdout.read(1)
        spaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--user"]
        target = f"--target={self._holder.pid}"
        self._mounted: list[Path] = []
        self.through = ["nsenter", target, *spaces, "--preserve-credentials", "--"]

    def run(self, *command: str | Path) -> None:
        subprocess.run([*self.through, *map(str, command)], check=True)

    def mount(self, place: Path, size: str = "16m") -> None:
        self.run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place)
        self._mounted.append(place)

    def bind(self, disk: Path, place: Path) -> None:
        self.run("mount", "--bind", disk, place)
        self._mounted.append(place)

    def copy_out(self) -> None:
        """What was mounted, to where this process finds it."""
        for place in dict.fromkeys(self._mounted):
            shutil.copytree(self.see(place), place, dirs_exist_ok=True)

    def see(self, path: Path) -> Path:
        """Where this process finds it."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def fill(self, place: Path) -> None:
        with (self.see(place) / "filler").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                return

    def free(self, place: Path) -> None:
        (self.see(place) / "filler").unlink()

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


@pytest.fixture
def disks() -> Iterator[Disks]:
    if subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "x", "/mnt"]).returncode:
        pytest.skip("nothing can be mounted here")
    disks = Disks()
    yield disks
    disks.close()


def seal_until_full(ground: Ground, disks: Disks, point: str, full: Path) -> Ended:
    worker = ground.start(point, through=disks.through)
    worker.wait_until_trapped()
    disks.fill(full)
    worker.let_go()
    return worker.wait()


def check_tried_again(ground: Ground, disks: Disks, job: ArchiveJob, run: Path) -> None:
    """On the same disks; what is on them is then looked at here."""
    job.refresh_from_db()
    assert job.status == Status.PENDING
    assert job.next_step
    assert not list(disks.see(ground.path).rglob("*.partial"))
    jobs.retry(job.pk, actor=SHELL)
    assert ground.start(NOWHERE, through=disks.through).wait().outcome == "sealed"
    disks.copy_out()
    ground.check_sealed(job, run)


@pytest.mark.parametrize(
    ("place", "point"),
    [
        ("archives", SEALING_HALF),
        ("keys", Stage.WRAPPING),
        ("data/manifests", Stage.SEALING),
        ("data", Stage.SURVEYING),
    ],
)
def test_a_disk_that_fills_is_told_by_its_name(
    ground: Ground, disks: Disks, place: str, point: str
) -> None:
    run = ground.add_big_run()
    for number in range(300):
        # Enough that the list of files outgrows the block that it has.
        (run / f"{number:0200}").touch()
    (ground.path / "keys").mkdir()
    ground.configure(run_keys_path=ground.path / "keys")
    full = ground.path / place
    full.mkdir(exist_ok=True)
    disks.mount(full)
    job = ground.add_job(run)
    ended = seal_until_full(ground, disks, point, full)
    assert ended.outcome == Outcome.FAILED
    job.refresh_from_db()
    assert job.code == Code.DESTINATION_FULL
    assert f"{full}" in job.message
    assert "Free space" in job.next_step
    disks.free(full)
    check_tried_again(ground, disks, job, run)


def test_a_data_directory_without_space_is_told_of(
    ground: Ground, disks: Disks
) -> None:
    run = ground.add_big_run()
    disks.mount(ground.data)
    disks.fill(ground.data)
    job = ground.add_job(run)
    ended = ground.start(NOWHERE, through=disks.through).wait()
    assert ended.outcome == Outcome.FAILED
    job.refresh_from_db()
    assert job.code == Code.DESTINATION_FULL
    assert str(ground.data) in job.message
    disks.free(ground.data)
    check_tried_again(ground, disks, job, run)


def test_it_does_not_begin_on_a_disk_that_is_too_small(
    ground: Ground, disks: Disks
) -> None:
    run = ground.add_big_run()
    disks.mount(ground.destination, "1m")
    job = ground.add_job(run)
    ended = ground.start(NOWHERE, through=disks.through).wait()
    assert ended.outcome == Outcome.WAITING
    job.refresh_from_db()
    assert (job.code, job.failure_count) == (Code.NO_SPACE, 0)
    assert "1.0 MiB free" in job.message
    disks.run("mount", "-o", "remount,size=16m", ground.destination)
    check_tried_again(ground, disks, job, run)


@pytest.mark.parametrize(
    ("point", "outcome"),
    [(Stage.CHECKING, Outcome.WAITING), (Stage.SEALING, Outcome.FAILED)],
)
def test_a_disk_that_can_be_read_only_is_told_of(
    ground: Ground, disks: Disks, point: str, outcome: Outcome
) -> None:
    run = ground.add_big_run()
    disks.mount(ground.destination)
    job = ground.add_job(run)
    worker = ground.start(point, through=disks.through)
    worker.wait_until_trapped()
    disks.run("mount", "-o", "remount,ro", ground.destination)
    worker.let_go()
    assert worker.wait().outcome == outcome
    job.refresh_from_db()
    assert job.code == Code.DESTINATION_READ_ONLY
    assert str(ground.destination) in job.message
    disks.run("mount", "-o", "remount,rw", ground.destination)
    check_tried_again(ground, disks, job, run)


@pytest.mark.parametrize("is_reseal", [False, True])
@pytest.mark.parametrize("trouble", ["read-only", "unmounted"])
def test_what_is_verified_is_published_once_its_disk_is_back(
    ground: Ground, disks: Disks, trouble: str, is_reseal: bool
) -> None:
    run = ground.add_big_run()
    disk = ground.path / "disk"
    disk.mkdir()
    disks.mount(disk, "32m")
    disks.bind(disk, ground.destination)
    job = ground.add_job(run)
    if is_reseal:
        assert ground.start(NOWHERE, through=disks.through).wait().outcome == "sealed"
        jobs.reseal(job.pk, actor=SHELL)
    worker = ground.start(NOTED, through=disks.through)
    worker.wait_until_trapped()
    if trouble == "read-only":
        disks.run("mount", "-o", "remount,bind,ro", ground.destination)
    else:
        disks.run("umount", "--lazy", ground.destination)
    worker.let_go()
    assert worker.wait().returncode == 0
    job.refresh_from_db()
    assert job.status == Status.PROCESSING
    assert job.code in (Code.DESTINATION_READ_ONLY, Code.DESTINATION_MISSING)
    assert job.next_step
    if trouble == "read-only":
        disks.run("mount", "-o", "remount,bind,rw", ground.destination)
    else:
        disks.bind(disk, ground.destination)
    ground.start(RECOVER, through=disks.through).wait()
    assert not list(disks.see(disk).glob("*.partial"))
    disks.copy_out()
    ground.check_sealed(job, run)
    assert job.sealed_attempt == (2 if is_reseal else 1)


def test_a_disk_that_is_unmounted_in_the_middle_leaves_nothing_on_it(
    ground: Ground, disks: Disks
) -> None:
    run = ground.add_big_run()
    disk = ground.path / "disk"
    disk.mkdir()
    disks.mount(disk)
    disks.bind(disk, ground.destination)
    job = ground.add_job(run)
    worker = ground.start(SEALING_HALF, through=disks.through)
    worker.wait_until_trapped()
    disks.run("umount", "--lazy", ground.destination)
    worker.let_go()
    assert worker.wait().outcome == Outcome.FAILED
    job.refresh_from_db()
    assert job.code == Code.DESTINATION_MISSING
    assert "Mount it" in job.next_step
    assert not list(disks.see(ground.destination).iterdir()), "below the mount point"
    disks.bind(disk, ground.destination)
    ground.start(RECOVER, through=disks.through).wait()
    assert not list(disks.see(disk).iterdir())
    check_tried_again(ground, disks, job, run)


@pytest.mark.parametrize("place", ["archives", "keys"])
@pytest.mark.parametrize(
    "point", [Stage.SEALING, SEALING_HALF, Stage.VERIFYING, Stage.PUBLISHING]
)
def test_a_directory_that_goes_away_is_missed(
    ground: Ground, place: str, point: str
) -> None:
    (ground.path / "keys").mkdir()
    ground.configure(run_keys_path=ground.path / "keys")
    run = ground.add_big_run()
    job = ground.add_job(run)
    there, away = ground.path / place, ground.path / "away"
    attempt = ground.seal(job, point, lambda: there.rename(away))
    assert attempt.outcome == Outcome.FAILED
    assert attempt.code == Code.DESTINATION_MISSING
    assert str(there) in job.message
    assert "Mount it" in job.next_step
    away.rename(there)
    tend(HOST)
    assert work(HOST) == 0, "it waits a little"
    ground.check_tried_again(job, run)
