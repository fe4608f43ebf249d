from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from archiving.choices import Outcome, Stage, Status, Verified
from archiving.errors import Code
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services import jobs, sealing
from archiving.services.claiming import claim_job, claim_next, take_back_expired
from archiving.services.filing import what_stands
from archiving.services.naming import Artifacts, artifacts_of
from archiving.services.policy import current_policy
from archiving.services.publishing import (
    Publication,
    finish,
    note_down,
    prepare_publication,
)
from archiving.services.sealing import seal_job
from seqhub.lib.lease import LeaseLost
from tests.archiving.runs import SHELL, Site
from tests.archiving.services.test_claiming import expire
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)

ME = "testhost:1:aa"
CONTENT = {
    "archive": b"archive",
    "sealed_manifest": b"sealed manifest",
    "manifest": b"manifest",
    "key": b"wrapped key",
}


class Noted:
    """A job whose attempt has made its four files and noted them down."""

    def __init__(self, site: Site) -> None:
        site.add_job()
        claimed = claim_next(HOST, ME)
        assert claimed is not None
        self.job = claimed
        policy = current_policy()
        self.artifacts: Artifacts = artifacts_of(claimed, 1, policy.manifests_dir)
        for name, content in CONTENT.items():
            partial = getattr(self.artifacts, name).partial
            partial.parent.mkdir(exist_ok=True)
            partial.write_bytes(content)
        made = Publication(
            archive_bytes=len(CONTENT["archive"]),
            archive_sha256="a" * 64,
            wrapped_key=CONTENT["key"],
            manifest_sha256="b" * 64,
            sealed_manifest_sha256="c" * 64,
            source_bytes=12,
            source_files=1,
            left_out_bytes=0,
            left_out_files=0,
            seal_s=1,
            verify_s=1,
            log_tail="",
        )
        self.journal: dict[str, Any] = prepare_publication(
            claimed, self.artifacts, made, [], what_stands(self.artifacts)
        )

    def note(self) -> None:
        note_down(self.job, self.journal)

    def is_published(self) -> bool:
        self.job.refresh_from_db()
        named = all(
            getattr(self.artifacts, name).final.read_bytes() == content
            for name, content in CONTENT.items()
        )
        return named and self.job.status == Status.ENCRYPTED


@pytest.fixture
def noted(site: Site) -> Noted:
    return Noted(site)


def test_all_files_get_their_names_and_the_row_says_so(noted: Noted) -> None:
    noted.note()
    assert finish(noted.job.pk)
    assert noted.is_published()
    assert noted.job.verification == Verified.VERIFIED
    assert noted.job.publishing is None
    assert ArchiveAttempt.objects.get().outcome == Outcome.SEALED
    assert not finish(noted.job.pk), "there is nothing left to do"


@pytest.mark.parametrize("named", range(5))
def test_whoever_finds_the_note_goes_on_where_it_ended(
    noted: Noted, named: int
) -> None:
    noted.note()
    for artifact in noted.artifacts.all[:named]:
        artifact.partial.rename(artifact.final)
    assert take_back_expired(HOST) == 0, "its worker lives"
    expire(noted.job)
    assert take_back_expired("elsewhere") == 0, "its files are on another host"
    assert take_back_expired(HOST) == 1
    assert noted.is_published()
    assert noted.job.failure_count == 0
    assert noted.job.verifications.count() == 1


def test_who_lost_the_lease_names_nothing(noted: Noted) -> None:
    expire(noted.job)
    take_back_expired(HOST)
    with pytest.raises(LeaseLost):
        noted.note()
    assert not finish(noted.job.pk)
    assert not noted.artifacts.archive.final.exists()


def test_a_second_note_changes_nothing(noted: Noted) -> None:
    noted.note()
    noted.note()
    assert finish(noted.job.pk)
    assert noted.is_published()


def test_a_lost_key_file_is_written_again(noted: Noted) -> None:
    noted.note()
    noted.artifacts.key.partial.unlink()
    assert finish(noted.job.pk)
    assert noted.is_published()


@pytest.mark.parametrize("how", ["gone", "cut", "another"])
def test_what_is_lost_is_not_published(noted: Noted, how: str) -> None:
    noted.note()
    archive = noted.artifacts.archive
    if how == "cut":
        os.truncate(archive.partial, 1)
    else:
        archive.partial.unlink()
    if how == "another":
        archive.final.write_bytes(b"ARCHIVE")
    assert not finish(noted.job.pk)
    noted.job.refresh_from_db()
    assert (noted.job.status, noted.job.failure_count) == (Status.PENDING, 1)
    assert noted.job.publishing is None
    assert noted.job.sealed_at is None


def test_what_a_network_disk_numbers_anew_is_known_by_its_digest(
    noted: Noted,
) -> None:
    noted.note()
    archive = noted.artifacts.archive
    # Another inode, the same content.
    archive.final.write_bytes(archive.partial.read_bytes())
    archive.partial.unlink()
    job = ArchiveJob.objects.get()
    assert job.publishing is not None
    for file in job.publishing["files"]:
        if file["final"] == str(archive.final):
            file["sha256"] = _sha256(archive.final)
    job.save(update_fields=["publishing"])
    assert finish(job.pk)
    assert noted.is_published()


def test_a_destination_that_is_away_is_waited_for(noted: Noted) -> None:
    noted.note()
    destination = noted.artifacts.archive.final.parent
    away = destination.rename(destination.with_name("away"))
    assert not finish(noted.job.pk)
    noted.job.refresh_from_db()
    assert noted.job.code == Code.DESTINATION_MISSING
    assert noted.job.publishing is not None
    assert noted.job.status == Status.PROCESSING
    away.rename(destination)
    assert take_back_expired(HOST) == 1
    assert noted.is_published()
    assert noted.job.code == ""


def test_a_lost_reseal_leaves_the_old_archive_and_its_key(site: Site) -> None:
    job = site.add_job()
    first = claim_next(HOST, ME)
    assert first is not None
    seal_job(first)
    job.refresh_from_db()
    old_key = job.key_path.read_bytes()
    jobs.reseal(job.pk, actor=SHELL)
    claimed = claim_next(HOST, ME)
    assert claimed is not None
    key = artifacts_of(claimed, 2, current_policy().manifests_dir).key
    key.partial.write_bytes(b"another")
    note_down(
        claimed,
        {
            "attempt": 2,
            "values": {"wrapped_key": ""},
            "key_file": str(key.final),
            "recipients": [],
            "files": [
                _file(key.partial, key.final),
                _file(key.final.with_name("none"), job.archive_path, size_bytes=1),
            ],
        },
    )
    assert not finish(job.pk)
    job.refresh_from_db()
    assert job.sealed_attempt == 1
    assert job.key_path.read_bytes() == old_key


def test_a_lost_first_seal_leaves_no_file_and_is_sealed_anew(noted: Noted) -> None:
    noted.note()
    for artifact in noted.artifacts.all[:2]:
        artifact.partial.rename(artifact.final)
    noted.artifacts.archive.partial.unlink()
    assert not finish(noted.job.pk)
    for artifact in noted.artifacts.all:
        assert not artifact.partial.exists()
        assert not artifact.final.exists()
    noted.job.refresh_from_db()
    assert noted.job.status == Status.PENDING
    claimed = claim_job(noted.job.pk, HOST, ME)
    assert claimed is not None
    assert seal_job(claimed).outcome == Outcome.SEALED


def test_an_archive_that_has_its_name_is_published_whatever_else_is_lost(
    noted: Noted,
) -> None:
    noted.note()
    for artifact in noted.artifacts.all:
        artifact.partial.rename(artifact.final)
    noted.artifacts.sealed_manifest.final.unlink()
    noted.artifacts.key.final.unlink()
    assert finish(noted.job.pk)
    noted.job.refresh_from_db()
    assert noted.job.status == Status.ENCRYPTED
    assert noted.artifacts.key.final.read_bytes() == CONTENT["key"]


@pytest.mark.parametrize("which", ["archive", "sealed_manifest", "key"])
@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_came_while_it_was_sealed_is_left_alone(
    noted: Noted, monkeypatch: pytest.MonkeyPatch, which: str, has_links: bool
) -> None:
    if not has_links:
        monkeypatch.setattr(os, "link", _refuse_link)
    noted.note()
    foreign = getattr(noted.artifacts, which).final
    foreign.write_bytes(b"somebody's")
    assert not finish(noted.job.pk)
    assert foreign.read_bytes() == b"somebody's"
    left = [file.final for file in noted.artifacts.all if file.final.exists()]
    assert left == [foreign]
    noted.job.refresh_from_db()
    assert noted.job.code == Code.DESTINATION_OCCUPIED
    assert (noted.job.status, noted.job.failure_count) == (Status.PENDING, 1)


def test_a_disk_that_knows_no_second_names_takes_them_too(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No such file system can be mounted here.
    monkeypatch.setattr(os, "link", _refuse_link)
    noted.note()
    assert finish(noted.job.pk)
    assert noted.is_published()


def test_a_worker_that_died_between_two_names_of_a_file_is_followed(
    noted: Noted,
) -> None:
    noted.note()
    archive = noted.artifacts.archive
    os.link(archive.partial, archive.final)
    assert finish(noted.job.pk)
    assert noted.is_published()
    assert not archive.partial.exists()


def test_a_file_in_the_old_archives_place_ends_a_reseal_for_good(site: Site) -> None:
    job = site.add_job()
    first = claim_next(HOST, ME)
    assert first is not None
    seal_job(first)
    job.refresh_from_db()
    old_key = job.key_path.read_bytes()
    jobs.reseal(job.pk, actor=SHELL)
    claimed = claim_next(HOST, ME)
    assert claimed is not None
    seal_job(claimed, reporter=_Replacer(job.archive_path))
    job.refresh_from_db()
    assert job.archive_path.read_bytes() == b"somebody's"
    assert job.key_path.read_bytes() == old_key
    assert (job.status, job.code) == (Status.ENCRYPTED, Code.DESTINATION_OCCUPIED)
    assert job.sealed_attempt == 1
    assert site.left_over() == []


def test_a_reseal_that_loses_its_archive_changes_no_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = site.add_job()
    first = claim_next(HOST, ME)
    assert first is not None
    seal_job(first)
    job.refresh_from_db()
    files = artifacts_of(job, 2, current_policy().manifests_dir)
    before = [_sha256(file.final) for file in files.all]
    jobs.reseal(job.pk, actor=SHELL)
    claimed = claim_next(HOST, ME)
    assert claimed is not None

    def lose(job_id: int) -> bool:
        files.archive.partial.unlink()
        return finish(job_id)

    monkeypatch.setattr(sealing, "finish", lose)
    assert seal_job(claimed).outcome == Outcome.LOST
    assert [_sha256(file.final) for file in files.all] == before
    assert site.left_over() == []


class _Replacer:
    """Puts another file there once the archive is made."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def stage(self, stage: Stage) -> None:
        if stage == Stage.COMPARING:
            self._path.write_bytes(b"somebody's")

    def tick(self, bytes_done: int, files_done: int) -> None:
        pass


def _refuse_link(*_: object, **__: object) -> None:
    raise OSError(errno.EPERM, "no links here")


def _file(partial: Path, final: Path, size_bytes: int | None = None) -> dict[str, Any]:
    size_bytes = partial.stat().st_size if size_bytes is None else size_bytes
    return {
        "partial": str(partial),
        "final": str(final),
        "bytes": size_bytes,
        "inode": 0,
        "mtime_ns": 0,
        "sha256": "",
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
