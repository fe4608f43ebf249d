from __future__ import annotations

import datetime as dt
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.utils import timezone

from archiving.choices import CheckState, Depth, Status, Verified
from archiving.engine.findings import Fault
from archiving.errors import Code
from archiving.models import ArchiveJob, Verification
from archiving.services import jobs, verification
from archiving.services.attention import refresh_attention
from archiving.services.claiming import claim_job
from archiving.services.manifests import path_of
from archiving.services.verification import (
    cancel_verification,
    claim_next_verification,
    claim_verification,
    request_verification,
    run_verification,
)
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from tests.archiving.factories import ArchiveJobFactory, VerificationFactory
from tests.archiving.runs import FILES, SHELL, Site
from tests.archiving.services.archives import (
    WORKER,
    faults,
    make_archive,
    open_key,
    take_secret_keys_away,
    verify,
)
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_archive_is_read_file_by_file_where_its_key_can_be_opened(
    site: Site,
) -> None:
    job = make_archive(site)
    before = job.verified_at
    row = verify(job)
    assert (row.state, row.depth, row.findings) == (CheckState.OK, Depth.FULL, [])
    assert f"{len(FILES) + 1} files" in " ".join(row.checked)
    assert row.not_checked == []
    assert row.worker_id == ""
    assert job.verification == Verified.VERIFIED
    assert before is not None
    assert job.verified_at is not None
    assert job.verified_at > before
    assert Event.objects.filter(subject=job.subject, kind="verified").exists()


def test_without_a_secret_key_its_bytes_are_read_and_that_is_said(site: Site) -> None:
    job = make_archive(site)
    take_secret_keys_away(site)
    row = verify(job, with_source=True)
    assert (row.state, row.depth) == (CheckState.OK, Depth.BYTES)
    assert row.not_checked[0] == (
        "The content was not opened: no secret key of its recipients is on this host."
    )
    assert "The run" in row.not_checked[1]


@pytest.mark.parametrize("form", ["decrypted", "wrapped"])
def test_a_key_from_a_file_opens_it(site: Site, form: str) -> None:
    job = make_archive(site)
    key_file = job.key_path
    if form == "decrypted":
        key_file = open_key(site, job)
        take_secret_keys_away(site)
    assert verify(job, key_file=key_file).depth == Depth.FULL


def test_a_key_of_another_archive_says_nothing_of_this_one(
    site: Site, tmp_path: Path
) -> None:
    job = make_archive(site)
    other = tmp_path / "other.key"
    other.write_text("1" * 64 + "\n")
    row = verify(job, key_file=other)
    assert row.state == CheckState.FAILED
    assert "not that of" in row.message
    assert job.verification == Verified.VERIFIED


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


Harm = tuple[Callable[[ArchiveJob], Path], Callable[[Path], None], Fault]
HARMS: dict[str, Harm] = {
    "archive cut": (lambda job: job.archive_path, cut, Fault.ARCHIVE_SIZE),
    "archive appended to": (lambda job: job.archive_path, append, Fault.ARCHIVE_SIZE),
    "archive flipped": (lambda job: job.archive_path, flip, Fault.ARCHIVE_DIGEST),
    "archive gone": (lambda job: job.archive_path, remove, Fault.ARCHIVE_MISSING),
    "key flipped": (lambda job: job.key_path, flip, Fault.KEY_DIFFERS),
    "key gone": (lambda job: job.key_path, remove, Fault.KEY_MISSING),
    "manifest flipped": (path_of, flip, Fault.MANIFEST_DIFFERS),
    "manifest gone": (path_of, remove, Fault.MANIFEST_MISSING),
    "sealed manifest flipped": (
        lambda job: job.sealed_manifest_path,
        flip,
        Fault.MANIFEST_DIFFERS,
    ),
    "sealed manifest gone": (
        lambda job: job.sealed_manifest_path,
        remove,
        Fault.MANIFEST_MISSING,
    ),
}


@pytest.mark.parametrize("has_secret_key", [True, False])
@pytest.mark.parametrize("harm", HARMS)
def test_what_is_not_as_sealed_is_said(
    site: Site, harm: str, has_secret_key: bool
) -> None:
    job = make_archive(site)
    where, do, fault = HARMS[harm]
    do(where(job))
    if not has_secret_key:
        take_secret_keys_away(site)
    row = verify(job)
    assert row.state == CheckState.DAMAGED
    assert fault in faults(row)
    assert row.message
    assert job.verification == Verified.DAMAGED
    attention = Attention.objects.get(subject=job.subject)
    assert attention.code == "archive_damaged"
    assert Event.objects.filter(subject=job.subject, kind="found_damaged").exists()


def test_an_archive_in_anothers_place_is_found(site: Site) -> None:
    one = make_archive(site)
    other = make_archive(site, site.add_run("M04034", "other"))
    for first, second in (
        (one.archive_path, other.archive_path),
        (one.key_path, other.key_path),
    ):
        spare = first.with_name("spare")
        first.rename(spare)
        second.rename(first)
        spare.rename(second)
    for job in (one, other):
        row = verify(job)
        assert row.state == CheckState.DAMAGED
        assert Fault.KEY_DIFFERS in faults(row)
        assert Fault.WRONG_KEY in faults(row)


def test_no_flipped_bit_is_missed(site: Site) -> None:
    job = make_archive(site)
    content = job.archive_path.read_bytes()
    chance = random.Random(4)  # noqa: S311 - the same ones each time
    for _ in range(8):
        flipped = bytearray(content)
        flipped[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        job.archive_path.write_bytes(flipped)
        assert verify(job).state == CheckState.DAMAGED
    job.archive_path.write_bytes(content)
    assert verify(job).state == CheckState.OK
    assert job.verification == Verified.VERIFIED
    assert not Attention.objects.filter(subject=job.subject).exists()


def test_a_lost_readable_manifest_is_put_back(site: Site) -> None:
    job = make_archive(site)
    content = path_of(job).read_bytes()
    path_of(job).unlink()
    row = verify(job)
    assert row.state == CheckState.DAMAGED
    assert path_of(job).read_bytes() == content
    assert path_of(job).stat().st_mode & 0o777 == 0o600
    assert verify(job).state == CheckState.OK


def test_a_lost_key_file_keeps_nobody_from_opening_the_archive(site: Site) -> None:
    job = make_archive(site)
    shutil.rmtree(job.run_keys)
    row = verify(job)
    assert (row.depth, faults(row)) == (Depth.FULL, [Fault.KEY_MISSING])
    assert "the database has the key" in row.message


@pytest.mark.parametrize("left", ["nothing", "an empty directory", "half-made files"])
def test_a_disk_that_is_away_says_nothing_of_the_archive(site: Site, left: str) -> None:
    job = make_archive(site)
    away = site.destination.rename(site.path / "away")
    if left != "nothing":
        site.destination.mkdir()
    if left == "half-made files":
        (site.destination / ".seqhub-4711.probe").touch()
        (site.destination / "run.tar.gpg.3.partial").touch()
    row = verify(job)
    assert row.state == CheckState.FAILED
    assert job.verification == Verified.VERIFIED
    assert Attention.objects.get().code == "verification_failed"
    shutil.rmtree(site.destination, ignore_errors=True)
    away.rename(site.destination)
    assert verify(job).state == CheckState.OK
    assert not Attention.objects.exists()


def test_a_missing_gpg_says_nothing_of_the_archive(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = make_archive(site)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        row = verify(job)
    assert row.state == CheckState.FAILED
    assert "apt install gnupg" in row.message


@pytest.mark.parametrize("is_deep", [False, True])
def test_a_run_that_changed_is_told_of_and_the_archive_is_as_sealed(
    site: Site, is_deep: bool
) -> None:
    run = site.add_run()
    job = make_archive(site, run)
    file = run / "RunInfo.xml"
    before = file.stat()
    file.write_bytes(b"<Runinfo/>")  # as many bytes
    if is_deep:
        os.utime(file, (before.st_atime, before.st_mtime))
    else:
        os.utime(file, (1, 1))
    row = verify(job, with_source=True, is_deep=is_deep)
    assert (row.state, faults(row)) == (CheckState.OK, [Fault.SOURCE_CHANGED])
    assert job.verification == Verified.VERIFIED
    assert "RunInfo.xml" in row.message


def test_a_run_that_is_gone_is_not_compared(site: Site) -> None:
    run = site.add_run()
    job = make_archive(site, run)
    shutil.rmtree(run)
    row = verify(job, with_source=True)
    assert row.state == CheckState.OK
    assert row.not_checked == [f"The run: {run} is not there any more."]


def test_what_is_sealed_anew_meanwhile_is_read_again(site: Site) -> None:
    job = make_archive(site)
    row = request_verification(job.pk, actor=SHELL)
    claimed = claim_verification(row.pk, HOST, WORKER)
    assert claimed is not None
    assert claimed.job.sealed_attempt == 1
    ArchiveJob.objects.update(sealed_attempt=2)
    assert run_verification(claimed).state == CheckState.REQUESTED


def test_a_worker_that_lost_its_claim_says_nothing(site: Site) -> None:
    job = make_archive(site)
    row = request_verification(job.pk, actor=SHELL)
    old = claim_verification(row.pk, HOST, "testhost:1:old")
    assert old is not None
    Verification.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    new = claim_next_verification(HOST, "testhost:2:new", scheduled=False)
    assert new is not None
    job.archive_path.unlink()
    assert run_verification(old).state == CheckState.RUNNING
    assert run_verification(new).state == CheckState.DAMAGED


def test_one_that_runs_ends_when_it_is_cancelled(site: Site) -> None:
    job = make_archive(site)
    row = request_verification(job.pk, actor=SHELL)
    claimed = claim_verification(row.pk, HOST, WORKER)
    assert claimed is not None
    cancel_verification(row.pk, actor=SHELL, reason="Too late.")
    assert run_verification(claimed).state == CheckState.CANCELLED
    assert not Attention.objects.exists()
    with pytest.raises(IllegalTransition):
        cancel_verification(row.pk, actor=SHELL, reason="Again.")


def test_one_that_waits_is_cancelled_at_once() -> None:
    job = ArchiveJobFactory.create(sealed=True)
    row = request_verification(job.pk, actor=SHELL)
    cancelled = cancel_verification(row.pk, actor=SHELL, reason="")
    assert cancelled.state == CheckState.CANCELLED
    assert claim_next_verification(HOST, WORKER, scheduled=False) is None


def test_there_is_one_at_a_time_of_an_archive() -> None:
    job = ArchiveJobFactory.create(sealed=True)
    first = request_verification(job.pk, actor=SHELL, depth=Depth.BYTES)
    again = request_verification(job.pk, actor=SHELL, is_deep=True)
    assert (first.pk, again.depth, again.with_source) == (again.pk, Depth.FULL, True)
    assert claim_verification(first.pk, HOST, WORKER) is not None
    with pytest.raises(IllegalTransition):
        request_verification(job.pk, actor=SHELL)


@pytest.mark.parametrize(
    "values", [{}, {"sealed": True, "is_here": False}], ids=["unsealed", "elsewhere"]
)
def test_it_refuses_what_has_no_archive_here(values: dict[str, bool]) -> None:
    job = ArchiveJobFactory.create(**values)
    with pytest.raises(IllegalTransition):
        request_verification(job.pk, actor=SHELL)


def test_the_schedule_does_one_at_a_time() -> None:
    VerificationFactory.create_batch(2)
    assert claim_next_verification(HOST, WORKER, scheduled=True) is not None
    assert claim_next_verification(HOST, WORKER, scheduled=True) is None
    assert claim_next_verification("elsewhere", WORKER, scheduled=True) is None
    VerificationFactory.create(requested_by="anna")
    assert claim_next_verification(HOST, WORKER, scheduled=False) is not None


def test_an_archive_that_is_being_sealed_anew_is_left_alone(site: Site) -> None:
    job = make_archive(site)
    request_verification(job.pk, actor=SHELL)
    jobs.reseal(job.pk, actor=SHELL, reason="")
    assert claim_job(job.pk, HOST, WORKER) is not None
    assert claim_next_verification(HOST, WORKER, scheduled=False) is None


def test_an_archive_is_read_while_it_waits_to_be_sealed_anew(site: Site) -> None:
    job = make_archive(site)
    jobs.reseal(job.pk, actor=SHELL, reason="")
    flip(job.archive_path)
    assert verify(job).state == CheckState.DAMAGED
    assert (job.status, job.verification) == (Status.PENDING, Verified.DAMAGED)


def test_what_began_to_be_sealed_anew_meanwhile_is_read_again(site: Site) -> None:
    job = make_archive(site)
    row = request_verification(job.pk, actor=SHELL)
    claimed = claim_verification(row.pk, HOST, WORKER)
    assert claimed is not None
    jobs.reseal(job.pk, actor=SHELL, reason="")
    assert claim_job(job.pk, HOST, WORKER) is not None
    assert run_verification(claimed).state == CheckState.REQUESTED


def test_damage_of_an_ignored_archive_is_told(site: Site) -> None:
    job = make_archive(site)
    jobs.ignore(job.pk, actor=SHELL)
    flip(job.archive_path)
    verify(job)
    for _ in range(2):
        assert Attention.objects.get().code == "archive_damaged"
        refresh_attention(HOST)


def test_a_run_whose_name_is_not_utf8_is_compared(site: Site) -> None:
    run = site.add_run()
    strange = run.rename(run.with_name(os.fsdecode(b"240131_A00834_\xe5")))
    job = make_archive(site, strange)
    assert verify(job, is_deep=True).state == CheckState.OK
    shutil.rmtree(strange)
    assert "240131_A00834_\\xe5" in verify(job, is_deep=True).not_checked[0]


def test_a_surprise_is_told_and_is_no_damage(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours, which only a stand-in can have."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    job = make_archive(site)
    monkeypatch.setattr(verification, "examine", fail)
    row = verify(job)
    assert row.state == CheckState.FAILED
    assert job.verification == Verified.VERIFIED
    event = Event.objects.get(subject=job.subject, kind="not_verified")
    assert event.data["code"] == Code.SURPRISE
