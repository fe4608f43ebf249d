"""`manage.py verify`."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from archiving.choices import CheckState, Depth, Status, Verified
from archiving.models import ArchiveJob, Verification
from tests.archiving.commands.shell import Site, call
from tests.archiving.factories import ArchiveJobFactory, VerificationFactory
from tests.archiving.keys import gpg

pytestmark = pytest.mark.django_db(transaction=True)
RUN = "240131_A00001_0001_AHXXXXXXXX"


@pytest.fixture
def sealed(site: Site) -> ArchiveJob:
    site.add_run(RUN)
    assert call("archive", RUN).code == 0
    return ArchiveJob.objects.get()


def asked() -> QuerySet[Verification]:
    """Those that were not part of a seal."""
    return Verification.objects.exclude(depth=Depth.SEAL)


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("arguments", [[], [RUN], [f"A00001/{RUN}"], ["--sample", "3"]])
def test_it_says_what_was_checked(arguments: list[str], sealed: ArchiveJob) -> None:
    answer = call("verify", *arguments)
    assert (answer.code, answer.err) == (0, "")
    assert f"{RUN}: as sealed" in answer.out
    assert "checked      2 files" in answer.out
    assert "compared with the manifest" in answer.out
    assert asked().get().state == CheckState.OK


def test_without_the_secret_key_the_bytes_are_compared(
    sealed: ArchiveJob, site: Site
) -> None:
    shutil.rmtree(site.gnupg / "private-keys-v1.d")
    answer = call("verify")
    assert answer.code == 0
    assert "not checked  The content was not opened: no secret key" in answer.out
    assert asked().get().depth == Depth.BYTES


@pytest.mark.parametrize("is_wrapped", [True, False])
def test_a_key_file_opens_one(
    is_wrapped: bool, sealed: ArchiveJob, site: Site, tmp_path: Path
) -> None:
    key = sealed.key_path
    if not is_wrapped:
        opened = gpg(site.gnupg, "--decrypt", content=sealed.key_path.read_bytes())
        shutil.rmtree(site.gnupg / "private-keys-v1.d")
        key = tmp_path / "key"
        key.write_bytes(opened)
    answer = call("verify", RUN, "--key-file", key)
    assert answer.code == 0
    assert "compared with the manifest" in answer.out


def test_damage_is_told_and_counts_most(sealed: ArchiveJob, site: Site) -> None:
    site.add_run("good")
    assert call("archive", "good").code == 0
    flip_a_bit(sealed.archive_path)
    answer = call("verify")
    assert answer.code == 1
    assert f"{RUN}: damaged" in answer.out
    assert "good: as sealed" in answer.out
    assert "found        " in answer.err
    sealed.refresh_from_db()
    assert sealed.verification == Verified.DAMAGED


def test_the_bytes_alone_can_be_asked_for(sealed: ArchiveJob) -> None:
    answer = call("verify", RUN, "--bytes")
    assert answer.code == 0
    assert "only the bytes were to be looked at" in answer.out


@pytest.mark.parametrize("flag", ["--source", "--deep"])
def test_the_run_can_be_compared_too(flag: str, sealed: ArchiveJob, site: Site) -> None:
    answer = call("verify", RUN, flag)
    assert answer.code == 0
    assert f"The run at {sealed.path}" in answer.out


@pytest.mark.parametrize("flag", ["--source", "--deep"])
def test_a_changed_run_is_no_success(flag: str, sealed: ArchiveJob) -> None:
    changed = sealed.location / "RunInfo.xml"
    status = changed.stat()
    changed.write_bytes(b"x" * (status.st_size + (flag == "--source")))
    os.utime(changed, ns=(status.st_atime_ns, status.st_mtime_ns))
    answer = call("verify", RUN, flag)
    assert answer.code == 1
    first = answer.out.splitlines()[0]
    assert first == f"{RUN}: archive as sealed; the run folder has changed"
    assert answer.err.count(f"{RUN}/RunInfo.xml") == 1
    assert ": 1 difference." in answer.out
    sealed.refresh_from_db()
    assert sealed.verification == Verified.VERIFIED


@pytest.mark.parametrize("flag", ["--source", "--deep"])
def test_a_removed_run_was_not_compared(flag: str, sealed: ArchiveJob) -> None:
    shutil.rmtree(sealed.location)
    answer = call("verify", RUN, flag)
    assert answer.code == 3
    first = answer.out.splitlines()[0]
    assert first == f"{RUN}: archive as sealed; the run folder was not compared"
    assert "is not there any more" in answer.out
    assert call("verify", RUN).code == 0


def test_what_to_do_about_damage_is_said(sealed: ArchiveJob) -> None:
    sealed.key_path.unlink()
    assert "next         Write the key file again" in call("verify", RUN).err
    flip_a_bit(sealed.archive_path)
    assert "next         Seal the run anew" in call("verify", RUN).err
    shutil.rmtree(sealed.location)
    assert "next         Bring back another copy" in call("verify", RUN).err


def test_what_cannot_be_looked_at_is_no_damage(sealed: ArchiveJob, site: Site) -> None:
    site.archives.rename(site.directory / "unmounted")
    answer = call("verify")
    assert answer.code == 3
    assert "can't be looked at" in answer.err
    sealed.refresh_from_db()
    assert sealed.verification == Verified.VERIFIED


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "There is no archive of nothing"),
        (["--sample", "0"], 2, "number from 1"),
        (["--sample", "1", "x"], 2, "or a --sample of all"),
        (["--max-duration", "soon"], 2, "no duration such as"),
        (["--key-file", "x"], 2, "opens one RUN"),
        ([], 3, "no archive on testhost"),
    ],
)
def test_nothing_to_verify_is_no_success(
    arguments: list[str], code: int, said: str, site: Site
) -> None:
    answer = call("verify", *arguments)
    assert answer.code == code
    assert said in answer.err


def test_an_archive_of_another_host_is_not_looked_at(site: Site) -> None:
    ArchiveJobFactory.create(sealed=True, host="elsewhere", run_name="far")
    answer = call("verify", "far")
    assert answer.code == 3
    assert "it is on elsewhere" in answer.err
    assert not asked().exists()


def test_the_time_may_be_up_before_the_first(sealed: ArchiveJob) -> None:
    answer = call("verify", "--max-duration", "0s")
    assert answer.code == 4
    assert "1 of 1 were not read" in answer.err
    assert not asked().exists()


@pytest.mark.slow
def test_the_end_of_the_time_stops_what_is_being_read(site: Site) -> None:
    with (site.add_run(RUN) / "big").open("wb") as file:
        file.truncate(500_000_000)
    assert call("archive", RUN).code == 0
    answer = call("verify", "--max-duration", "1s")
    assert answer.code == 4
    assert f"{RUN}: not read to its end" in answer.err
    assert asked().get().state == CheckState.CANCELLED
    assert ArchiveJob.objects.get().verification == Verified.VERIFIED


@pytest.mark.parametrize(
    "values",
    [{"ignored_at": timezone.now()}, {"status": Status.PENDING}],
    ids=["ignored", "waits to be sealed anew"],
)
def test_an_archive_that_may_be_the_last_copy_is_read(
    sealed: ArchiveJob, values: dict[str, object]
) -> None:
    ArchiveJob.objects.update(**values)
    assert call("verify").code == 0
    assert asked().get().state == CheckState.OK


def test_those_read_longest_ago_come_first(site: Site, settings: Settings) -> None:
    now = timezone.now()
    for name, days in (("new", 1), ("old", 9)):
        site.add_run(name)
        assert call("archive", name).code == 0
        ArchiveJob.objects.filter(name=name).update(
            verified_at=now - dt.timedelta(days=days)
        )
    answer = call("verify")
    assert answer.out.index("old: as sealed") < answer.out.index("new: as sealed")


def test_one_that_is_sealed_anew_is_left_alone(sealed: ArchiveJob) -> None:
    ArchiveJob.objects.update(status=Status.PROCESSING)
    answer = call("verify", RUN)
    assert answer.code == 3
    assert "can't be read now: processing" in answer.err
    assert not asked().exists()


def test_one_that_waits_already_becomes_what_is_asked_for(sealed: ArchiveJob) -> None:
    VerificationFactory.create(job=sealed, depth=Depth.BYTES)
    assert call("verify", RUN).code == 0
    assert asked().get().depth == Depth.FULL
