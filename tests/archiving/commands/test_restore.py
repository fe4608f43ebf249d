"""`manage.py restore`."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from archiving.choices import RestoreState
from archiving.models import ArchiveJob, Restore
from archiving.services.attention import refresh_attention
from seqhub.operations.models import Attention
from tests.archiving.commands.shell import Site, call
from tests.archiving.keys import gpg
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)
RUN = "240131_A00001_0001_AHXXXXXXXX"


@pytest.fixture
def sealed(site: Site) -> ArchiveJob:
    site.add_run(RUN)
    assert call("archive", RUN).code == 0
    return ArchiveJob.objects.get()


def test_a_run_comes_back_anywhere(
    sealed: ArchiveJob, site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "anywhere" / "deep"
    answer = call("restore", RUN, "--to", target)
    assert (answer.code, answer.err) == (0, "")
    assert f"{target}/{RUN}: 2 files, as in the manifest" in answer.out
    for name in ("RunInfo.xml", "Data/Intensities/s.locs"):
        source = site.runs / "A00001" / RUN / name
        assert (target / RUN / name).read_bytes() == source.read_bytes()
    assert Restore.objects.get().expires_at is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RunInfo.xml", {"RunInfo.xml"}),
        (f"{RUN}/RunInfo.xml", {"RunInfo.xml"}),
        ("./Data/", {"Data/Intensities/s.locs"}),
    ],
)
def test_chosen_files_come_back(
    name: str, expected: set[str], sealed: ArchiveJob, site: Site
) -> None:
    answer = call("restore", RUN, "--to", site.restores, "--file", name)
    assert (answer.code, answer.err) == (0, "")
    top = site.restores / RUN
    found = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    assert found == expected


def test_a_key_file_opens_it(sealed: ArchiveJob, site: Site, tmp_path: Path) -> None:
    opened = gpg(site.gnupg, "--decrypt", content=sealed.key_path.read_bytes())
    shutil.rmtree(site.gnupg / "private-keys-v1.d")
    without = call("restore", RUN, "--to", site.restores)
    assert without.code == 1
    assert "--key-file" in without.err
    (tmp_path / "key").write_bytes(opened)
    answer = call("restore", RUN, "--to", site.restores, "--key-file", tmp_path / "key")
    assert answer.code == 0
    assert (site.restores / RUN / "RunInfo.xml").is_file()
    states = Restore.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [RestoreState.CANCELLED, RestoreState.AVAILABLE]
    refresh_attention(HOST)
    assert not Attention.objects.filter(subject__startswith="restore:").exists()


def test_a_directory_that_cannot_be_made_is_told(sealed: ArchiveJob) -> None:
    answer = call("restore", RUN, "--to", "/proc/restored")
    assert answer.code in (1, 2)  # only root gets as far as to try
    if answer.code == 1:
        assert "/proc/restored can't be made" in answer.err
        assert "--to" in answer.err
    assert not Attention.objects.filter(subject__startswith="restore:").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing", "--to", "/tmp"], "There is no archive of nothing"),
        ([RUN, "--to", "/dev/null"], "/dev/null is no directory"),
        ([RUN, "--to", "/tmp", "--file", "missing"], f"Not in the archive: {RUN}/miss"),
        ([RUN, "--to", "/tmp", "--file", "../x"], "no name of a file in the run"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    arguments: list[str], said: str, sealed: ArchiveJob
) -> None:
    answer = call("restore", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not Restore.objects.exists()


def test_nothing_is_overwritten(sealed: ArchiveJob, site: Site) -> None:
    (site.restores / RUN).mkdir()
    answer = call("restore", RUN, "--to", site.restores)
    assert answer.code == 2
    assert "is there already" in answer.err
    assert list((site.restores / RUN).iterdir()) == []


def test_a_damaged_archive_leaves_nothing(sealed: ArchiveJob, site: Site) -> None:
    data = bytearray(sealed.archive_path.read_bytes())
    data[len(data) // 2] ^= 1
    sealed.archive_path.write_bytes(data)
    answer = call("restore", RUN, "--to", site.restores)
    assert answer.code == 1
    assert RUN in answer.err
    assert list(site.restores.iterdir()) == []
    row = Restore.objects.get()
    assert row.state == RestoreState.FAILED
    assert Attention.objects.filter(subject=row.subject).exists()


def test_a_failure_is_over_once_the_same_came_back(
    sealed: ArchiveJob, site: Site
) -> None:
    sound = sealed.archive_path.read_bytes()
    sealed.archive_path.write_bytes(sound[:-1000])
    assert call("restore", RUN, "--to", site.restores).code == 1
    refresh_attention(HOST)
    there = Attention.objects.filter(subject__startswith="restore:")
    assert there.exists()
    sealed.archive_path.write_bytes(sound)
    assert call("restore", RUN, "--to", site.restores).code == 0
    refresh_attention(HOST)
    assert not there.exists()


def test_too_little_space_is_not_waited_for(
    sealed: ArchiveJob, site: Site, settings: Settings
) -> None:
    settings.CONFIG = site.config(free_space_margin_gb=10**9)
    answer = call("restore", RUN, "--to", site.restores)
    assert answer.code == 3
    assert "free" in answer.err
    assert Restore.objects.get().state == RestoreState.CANCELLED
    assert list(site.restores.iterdir()) == []


def test_without_a_manifest_nothing_could_be_compared(
    sealed: ArchiveJob, site: Site
) -> None:
    ArchiveJob.objects.update(manifest_sha256="", sealed_manifest_sha256="")
    answer = call("restore", RUN, "--to", site.restores)
    assert answer.code == 4
    assert "no manifest to compare the files with" in answer.out


def test_a_dry_run_tells_and_changes_nothing(sealed: ArchiveJob, site: Site) -> None:
    target = site.restores / "new"
    answer = call("restore", RUN, "--to", target, "--dry-run")
    assert answer.code == 0
    assert f"2 files, 9.8 KiB, would be restored to {target}" in answer.out
    one = call("restore", RUN, "--to", target, "--dry-run", "--file", "Data")
    assert "1 file, 9.8 KiB" in one.out
    assert not Restore.objects.exists()
    assert not target.exists()


@pytest.mark.slow
def test_stopped_it_leaves_nothing(site: Site) -> None:
    with (site.add_run(RUN) / "big").open("wb") as file:
        file.truncate(600_000_000)
    assert call("archive", RUN).code == 0
    process = site.start("restore", RUN, "--to", str(site.restores))
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(site.restores.glob(".*/*/*")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # Cancels at once, as a second Ctrl-C does.
    process.send_signal(signal.SIGQUIT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"{RUN}: stopped; nothing is left of it" in err
    assert list(site.restores.iterdir()) == []
    row = Restore.objects.get()
    assert (row.state, row.worker_id) == (RestoreState.CANCELLED, "")
