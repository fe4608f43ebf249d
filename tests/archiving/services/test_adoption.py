from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from archiving.choices import CheckState, CopyState, Depth, Origin, Status, Verified
from archiving.engine.findings import Fault
from archiving.engine.gpg.home import open_home
from archiving.errors import ArchiveNotFound
from archiving.models import ArchiveCopy, ArchiveJob
from archiving.services.adoption import Adoption, OldRun, Outcome, adopt
from archiving.services.reverification import make_due
from runfolders.models import Runfolder
from seqhub.operations.errors import InvalidValue
from seqhub.operations.models import Attention
from tests.archiving.runs import RUN, SHELL, Site
from tests.archiving.services.archives import (
    differences,
    faults,
    make_old_archive,
    restore,
    run_again,
    take_secret_keys_away,
    verify,
)
from tests.factories import HOST, RunfolderFactory

pytestmark = pytest.mark.django_db(transaction=True)
WEAK = b"seven77\n" + b"x" * 248


@pytest.fixture
def home(site: Site) -> Iterator[Path]:
    with open_home(site.data / "run" / "gnupg", site.gnupg) as path:
        yield path


def take_over(old: OldRun, home: Path | None, **options: bool) -> Adoption:
    return adopt(old, host=HOST, home=home, actor=SHELL, **options)


def test_an_archive_is_adopted_and_then_read(site: Site, home: Path) -> None:
    old = make_old_archive(site)
    adoption = take_over(old, home)
    job = adoption.job
    assert adoption.outcome == Outcome.NEW
    assert (job.status, job.origin) == (Status.ENCRYPTED, Origin.ADOPTED)
    assert job.verification == Verified.NONE
    assert job.sequencer == "A00834"
    assert job.recipients.get().fingerprint == site.fingerprint
    assert make_due(HOST) == 1
    row = verify(job)
    assert (row.state, row.depth, row.findings) == (CheckState.OK, Depth.FULL, [])
    assert row.not_checked == [
        "The files: the archive has no manifest to compare them with."
    ]
    assert job.verification == Verified.VERIFIED
    assert job.archive_bytes == job.archive_path.stat().st_size
    assert not job.has_weak_key
    with job.archive_path.open("ab") as file:
        file.write(b"\0")
    assert Fault.ARCHIVE_SIZE in faults(verify(job))


def test_a_key_that_was_cut_short_is_found(site: Site, home: Path) -> None:
    job = take_over(make_old_archive(site, passphrase=WEAK), home).job
    row = verify(job)
    assert (row.state, faults(row)) == (CheckState.OK, [Fault.WEAK_KEY])
    assert "Only 7 bytes" in row.message
    assert (job.has_weak_key, job.verification) == (True, Verified.VERIFIED)
    assert Attention.objects.get(subject=job.subject).code == "weak_key"


def test_without_its_key_the_bytes_are_recorded_and_verify_nothing(
    site: Site, home: Path
) -> None:
    job = take_over(make_old_archive(site), home).job
    take_secret_keys_away(site)
    row = verify(job)
    assert (row.state, row.depth) == (CheckState.OK, Depth.BYTES)
    assert (job.verification, job.verified_at) == (Verified.NONE, None)
    assert job.archive_sha256
    assert make_due(HOST) == 0
    assert verify(job).state == CheckState.OK
    assert (job.verification, job.verified_at) == (Verified.NONE, None)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 500)


@pytest.mark.parametrize("is_read_before", [True, False])
def test_bytes_alone_never_make_a_damaged_one_good(
    site: Site, home: Path, is_read_before: bool
) -> None:
    job = take_over(make_old_archive(site), home).job
    whole = job.archive_path.read_bytes()
    cut(job.archive_path)
    if is_read_before:
        verify(job, depth=Depth.BYTES)
        assert job.verification == Verified.NONE
    assert verify(job).state == CheckState.DAMAGED
    for _ in range(2):
        verify(job, depth=Depth.BYTES)
        assert (job.verification, job.archive_sha256) == (Verified.DAMAGED, "")
    assert Attention.objects.get(subject=job.subject).code == "archive_damaged"
    job.archive_path.write_bytes(whole)
    assert verify(job).state == CheckState.OK
    assert job.verification == Verified.VERIFIED


def test_once_opened_its_bytes_tell(site: Site, home: Path) -> None:
    job = take_over(make_old_archive(site), home).job
    verify(job)
    whole = job.archive_path.read_bytes()
    cut(job.archive_path)
    verify(job, depth=Depth.BYTES)
    assert job.verification == Verified.DAMAGED
    job.archive_path.write_bytes(whole)
    verify(job, depth=Depth.BYTES)
    assert job.verification == Verified.VERIFIED


def test_a_damaged_one_is_not_taken_for_good(site: Site, home: Path) -> None:
    job = take_over(make_old_archive(site), home).job
    content = bytearray(job.archive_path.read_bytes())
    content[len(content) // 2] ^= 1
    job.archive_path.write_bytes(content)
    row = verify(job)
    assert row.state == CheckState.DAMAGED
    assert job.archive_sha256 == ""
    assert faults(verify(job)) == faults(row)


def test_an_adopted_archive_is_restored(site: Site, home: Path) -> None:
    job = take_over(make_old_archive(site, passphrase=WEAK), home).job
    target = site.path / "restores"
    site.configure(restore_roots=[target])
    row = restore(job, target)
    assert (row.state, row.files_checked) == ("available", None)
    assert "no manifest" in row.message
    assert differences(target / RUN, job.location) == ""
    shutil.rmtree(target)
    row = restore(job, target, files=["Data"])
    assert not (target / RUN / "RunInfo.xml").exists()
    assert (target / RUN / "Data" / "empty").exists()
    row.refresh_from_db()
    with pytest.raises(AssertionError):
        run_again(row)  # it is over


@pytest.mark.parametrize(
    ("status", "becomes", "failures"),
    [
        ("pending", Status.PENDING, 1),
        ("processing", Status.PENDING, 1),
        ("failed", Status.FAILED, 3),
        ("encrypted", Status.ENCRYPTED, 0),
        ("archiving", Status.ENCRYPTED, 0),
        ("archiving_failed", Status.ENCRYPTED, 0),
        ("archived", Status.ENCRYPTED, 0),
    ],
)
def test_statuses_are_kept(
    site: Site, status: str, becomes: Status, failures: int
) -> None:
    old = make_old_archive(site, status=status)
    job = take_over(replace(old, failure_count=failures), None).job
    job.refresh_from_db()
    assert (job.status, job.failure_count) == (becomes, failures)
    assert (job.created_at, job.status_since) == (old.created_at, old.updated_at)
    is_made = becomes == Status.ENCRYPTED
    assert (job.sealed_at is not None) == is_made
    assert Attention.objects.exists() == (becomes == Status.FAILED)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("archived", CopyState.STORED),
        ("archiving_failed", CopyState.FAILED),
        ("archiving", CopyState.FAILED),
    ],
)
def test_what_was_sent_away_is_a_copy(
    site: Site, status: str, state: CopyState
) -> None:
    old = make_old_archive(site, status=status)
    for _ in range(2):
        take_over(old, None)
    copy = ArchiveCopy.objects.get()
    assert (copy.place, copy.state) == ("PDC", state)
    assert copy.stored_at == (old.updated_at if state == CopyState.STORED else None)


def test_one_that_is_elsewhere_only_is_said_to_be(site: Site, home: Path) -> None:
    old = make_old_archive(site, status="archived")
    (site.destination / f"{RUN}.tar.gpg").unlink()
    sent = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
    job = take_over(replace(old, pdc_archived=sent), home).job
    assert not job.is_here
    assert ArchiveCopy.objects.get().stored_at == sent
    assert make_due(HOST) == 0


@pytest.mark.parametrize("status", ["encrypted", "archiving", "archiving_failed"])
def test_one_that_is_nowhere_is_not_taken_over_until_it_is_found(
    site: Site, home: Path, status: str
) -> None:
    old = make_old_archive(site, status=status)
    archive = site.destination / f"{RUN}.tar.gpg"
    away = archive.rename(site.path / "away")
    for dry_run in (True, False):
        with pytest.raises(ArchiveNotFound, match="import again"):
            take_over(old, home, dry_run=dry_run)
    assert not ArchiveJob.objects.exists()
    away.rename(archive)
    assert take_over(old, home).outcome == Outcome.NEW
    assert ArchiveJob.objects.get().is_here


def test_one_that_was_elsewhere_is_found_by_a_repeat(site: Site, home: Path) -> None:
    old = make_old_archive(site, status="archived")
    archive = site.destination / f"{RUN}.tar.gpg"
    away = archive.rename(site.path / "away")
    keys_away = old.run_keys.rename(site.path / "keys-away")
    job = take_over(old, home).job
    assert (job.is_here, job.key_sha256) == (False, "")
    assert take_over(old, home).outcome == Outcome.UNCHANGED
    away.rename(archive)
    keys_away.rename(old.run_keys)
    assert take_over(old, home).outcome == Outcome.FILLED
    job.refresh_from_db()
    assert job.is_here
    assert job.recipients.get().fingerprint == site.fingerprint
    assert verify(job).depth == Depth.FULL
    assert take_over(old, home).outcome == Outcome.UNCHANGED


def test_a_repeat_changes_nothing(site: Site, home: Path) -> None:
    old = make_old_archive(site)
    first = take_over(old, home).job
    verify(first)
    again = take_over(old, home)
    assert (again.outcome, again.job.pk) == (Outcome.UNCHANGED, first.pk)
    assert again.job.verification == Verified.VERIFIED
    assert ArchiveJob.objects.count() == 1


def test_a_run_that_waits_to_be_sealed_gets_the_archive_that_is_there(
    site: Site, home: Path
) -> None:
    old = make_old_archive(site)
    waiting = site.add_job(Path(old.path))
    old = replace(old, run_keys=Path(waiting.run_keys))
    adoption = take_over(old, home)
    assert (adoption.outcome, adoption.job.pk) == (Outcome.FILLED, waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.origin) == (Status.ENCRYPTED, Origin.ADOPTED)


def test_a_dry_run_writes_nothing(site: Site, home: Path) -> None:
    adoption = take_over(make_old_archive(site), home, dry_run=True)
    assert adoption.outcome == Outcome.NEW
    assert not ArchiveJob.objects.exists()


def test_it_belongs_to_the_run_folder_that_is_known(site: Site) -> None:
    old = make_old_archive(site)
    folder: Runfolder = RunfolderFactory.create(path=old.path, name=RUN)
    assert take_over(old, None).job.runfolder == folder


def test_an_equal_name_of_another_sequencer_is_refused(site: Site) -> None:
    old = make_old_archive(site)
    take_over(old, None)
    with pytest.raises(InvalidValue, match="of the same name"):
        take_over(replace(old, path=f"/elsewhere/M04034/{RUN}"), None)


@pytest.mark.parametrize(
    "values",
    [
        {"run_name": "../x"},
        {"run_name": ""},
        {"run_name": ".hidden"},
        {"path": "relative"},
        {"path": "/a/../b"},
        {"destination": Path("relative")},
    ],
    ids=str,
)
def test_names_that_lead_elsewhere_are_refused(
    site: Site, values: dict[str, str]
) -> None:
    old = replace(make_old_archive(site), **values)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue):
        take_over(old, None)
