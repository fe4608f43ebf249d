from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.errors import Code, RestoreRefused
from archiving.models import ArchiveJob, Restore
from archiving.services import restores
from archiving.services.expiry import expire_due
from archiving.services.manifests import path_of
from archiving.services.restores import (
    cancel_restore,
    claim_next_restore,
    default_targets,
    expire_restore,
    extend_restore,
    request_restore,
    retry_restore,
)
from runfolders.models import PassedOver
from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from tests.archiving.factories import ArchiveJobFactory, RestoreFactory
from tests.archiving.keys import add_key, make_home
from tests.archiving.runs import FILES, RUN, SHELL, Site
from tests.archiving.services.archives import (
    WORKER,
    differences,
    make_archive,
    open_key,
    restore,
    run_again,
    take_secret_keys_away,
)
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def hidden(directory: Path) -> list[Path]:
    return list(directory.glob(".*"))


def test_a_whole_run_comes_back_the_same(
    site: Site, root: Path, job: ArchiveJob
) -> None:
    row = restore(job, root / "for" / "anna", reason="She needs it.")
    assert (row.state, row.message) == (RestoreState.AVAILABLE, "")
    assert row.files_checked == len(FILES) + 1
    assert differences(root / "for" / "anna" / RUN, job.location) == ""
    assert row.expires_at is not None
    assert hidden(root / "for" / "anna") == []
    assert not row.has_partial
    kinds = Event.objects.filter(subject=job.subject).values_list("kind", flat=True)
    assert {"restore_requested", "restored"} <= set(kinds)


def test_the_scanner_is_told_to_pass_it_over(root: Path, job: ArchiveJob) -> None:
    restore(job, root)
    assert PassedOver.objects.get().path == str(root / RUN)


@pytest.mark.parametrize("prefix", ["", f"{RUN}/"])
def test_chosen_files_come_back_alone(root: Path, job: ArchiveJob, prefix: str) -> None:
    row = restore(job, root, files=[f"{prefix}Data/Intensities"])
    assert row.state == RestoreState.AVAILABLE
    there = [path for path in (root / RUN).rglob("*") if path.is_file()]
    assert there == [root / RUN / "Data/Intensities/s_1.bcl"]
    assert there[0].read_bytes() == FILES["Data/Intensities/s_1.bcl"]


def test_names_that_are_not_utf8_are_found_as_people_see_them(
    site: Site, root: Path
) -> None:
    run = site.add_run()
    strange = run / os.fsdecode(b"Prob\xe5 \n1")
    strange.write_bytes(b"content")
    job = make_archive(site, run)
    row = restore(job, root, files=["Prob\\xe5 \\x0a1"])
    assert row.state == RestoreState.AVAILABLE, row.message
    assert (root / RUN / strange.name).read_bytes() == b"content"


def test_a_run_whose_own_name_is_not_utf8_comes_and_goes(
    site: Site, root: Path
) -> None:
    run = site.add_run()
    strange = run.rename(run.with_name(os.fsdecode(b"240131_A00834_\xe5")))
    job = make_archive(site, strange)
    row = restore(job, root)
    assert row.state == RestoreState.AVAILABLE, row.message
    assert differences(root / strange.name, strange) == ""
    with pytest.raises(RestoreRefused) as refused:
        restore(job, root)
    assert refused.value.message.encode()
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "target", ["relative", "/", "{root}/../elsewhere", "{root}/link", "{root}x", "/a\0"]
)
def test_it_refuses_to_write_elsewhere(
    site: Site, root: Path, job: ArchiveJob, target: str
) -> None:
    (root / "link").symlink_to(site.path)
    with pytest.raises(RestoreRefused):
        restore(job, Path(target.format(root=root)))
    assert not Restore.objects.exists()


def test_without_a_place_for_restores_nothing_is_restored(site: Site) -> None:
    job = make_archive(site)
    assert default_targets() == []
    with pytest.raises(RestoreRefused, match="restore_roots names no directory"):
        restore(job, site.path)


@pytest.mark.parametrize("files", [[], ["RunInfo.xml"]])
def test_it_refuses_to_touch_what_is_there(
    root: Path, job: ArchiveJob, files: list[str]
) -> None:
    (root / RUN).mkdir()
    with pytest.raises(RestoreRefused, match="is ever overwritten"):
        restore(job, root, files=files)


@pytest.mark.parametrize("name", ["nothing", "../x", "/etc/passwd", "", "Data//x"])
def test_it_refuses_names_that_are_not_in_the_archive(
    root: Path, job: ArchiveJob, name: str
) -> None:
    with pytest.raises(RestoreRefused):
        restore(job, root, files=[name])


def test_the_same_is_not_restored_twice_at_once(root: Path, job: ArchiveJob) -> None:
    request_restore(job.pk, target=str(root), files=[], actor=SHELL)
    with pytest.raises(IllegalTransition):
        request_restore(job.pk, target=str(root), files=[], actor=SHELL)


def test_it_refuses_what_has_no_archive(root: Path) -> None:
    waiting = ArchiveJobFactory.create()
    with pytest.raises(IllegalTransition):
        request_restore(waiting.pk, target=str(root), files=[], actor=SHELL)


def test_a_manager_may_restore_anywhere_and_it_stays(
    site: Site, tmp_path: Path
) -> None:
    job = make_archive(site)
    row = restore(job, tmp_path / "desk", anywhere=True)
    assert row.state == RestoreState.AVAILABLE
    assert row.expires_at is None
    with pytest.raises(IllegalTransition):
        expire_restore(row.pk, actor=SHELL)


def test_a_manager_fills_a_folder_without_overwriting(
    site: Site, tmp_path: Path
) -> None:
    job = make_archive(site)
    there = tmp_path / "desk" / RUN
    (there / "Data").mkdir(parents=True)
    (there / "RunInfo.xml").write_text("mine")
    names = ["RunInfo.xml", "Data"]
    row = restore(job, there.parent, files=names, anywhere=True)
    assert row.state == RestoreState.AVAILABLE
    assert row.message == "1 were there and stayed as they were."
    assert (there / "RunInfo.xml").read_text() == "mine"
    assert differences(there / "Data", job.location / "Data") == ""
    assert hidden(there.parent) == []


def test_a_link_in_the_way_is_not_followed(site: Site, tmp_path: Path) -> None:
    job = make_archive(site)
    there = tmp_path / "desk" / RUN
    there.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.mkdir()
    (there / "Data").symlink_to(outside)
    restore(job, there.parent, files=["Data"], anywhere=True)
    assert list(outside.iterdir()) == []


def test_a_directory_that_may_not_be_written_comes_back_so(
    site: Site, root: Path
) -> None:
    run = site.add_run()
    (run / "Data").chmod(0o555)
    run.chmod(0o555)
    job = make_archive(site, run)
    row = restore(job, root)
    assert row.state == RestoreState.AVAILABLE
    assert (root / RUN).stat().st_mode & 0o777 == 0o555
    Restore.objects.update(expires_at=timezone.now())
    assert expire_due(HOST) == 1
    assert not (root / RUN).exists()


def test_without_the_readable_manifest_the_encrypted_one_serves(
    root: Path, job: ArchiveJob
) -> None:
    path_of(job).unlink()
    row = restore(job, root, files=["RunInfo.xml"])
    assert (row.state, row.files_checked) == (RestoreState.AVAILABLE, 1)


def test_a_key_from_a_file_opens_the_archive(
    site: Site, root: Path, job: ArchiveJob
) -> None:
    key_file = open_key(site, job)
    take_secret_keys_away(site)
    row = restore(job, root, key_file=key_file)
    assert row.state == RestoreState.AVAILABLE


def test_without_a_secret_key_it_fails_with_what_to_do(
    site: Site, root: Path, job: ArchiveJob
) -> None:
    take_secret_keys_away(site)
    row = restore(job, root)
    assert (row.state, row.code) == (RestoreState.FAILED, Code.NO_SECRET_KEY)
    assert "--key-file" in row.next_step
    assert Attention.objects.get(subject=row.subject).code == "restore_failed"
    assert list(root.iterdir()) == []


def test_a_secret_key_of_somebody_else_is_none(
    site: Site, root: Path, job: ArchiveJob, tmp_path: Path
) -> None:
    other = make_home(tmp_path / "other")
    add_key(other, "other")
    site.configure(gnupg_home=other)
    assert restore(job, root).code == Code.NO_SECRET_KEY


def test_a_damaged_archive_is_tried_three_times_and_leaves_nothing(
    root: Path, job: ArchiveJob
) -> None:
    content = bytearray(job.archive_path.read_bytes())
    content[len(content) // 2] ^= 1
    job.archive_path.write_bytes(content)
    row = restore(job, root)
    for failures in (1, 2):
        assert (row.state, row.failure_count) == (RestoreState.REQUESTED, failures)
        assert row.code == Code.ARCHIVE_DAMAGED
        assert row.not_before is not None
        assert claim_next_restore(HOST, WORKER) is None
        assert not (root / RUN).exists()
        row = run_again(row)
    assert row.state == RestoreState.FAILED
    assert list(root.iterdir()) == []
    assert Attention.objects.filter(subject=row.subject).exists()
    again = retry_restore(row.pk, actor=SHELL)
    assert (again.state, again.failure_count) == (RestoreState.REQUESTED, 0)
    assert not Attention.objects.filter(subject=row.subject).exists()


def test_it_waits_for_space_without_counting(
    site: Site, root: Path, job: ArchiveJob
) -> None:
    site.configure(free_space_margin_gb=10**9)
    row = restore(job, root)
    assert (row.state, row.code) == (RestoreState.REQUESTED, Code.NO_SPACE)
    assert row.failure_count == 0
    site.configure(free_space_margin_gb=0)
    assert run_again(row).state == RestoreState.AVAILABLE


CHANGES: dict[str, Any] = {
    "cancel": cancel_restore,
    "retry": retry_restore,
    "extend": extend_restore,
    "expire": expire_restore,
}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("cancel", RestoreState.AVAILABLE),
        ("cancel", RestoreState.FAILED),
        ("retry", RestoreState.RUNNING),
        ("retry", RestoreState.AVAILABLE),
        ("extend", RestoreState.EXPIRED),
        ("expire", RestoreState.REQUESTED),
    ],
)
def test_changes_that_make_no_sense_are_refused(
    change: str, state: RestoreState
) -> None:
    row = RestoreFactory.create(state=state)
    with pytest.raises(IllegalTransition):
        CHANGES[change](row.pk, actor=SHELL, reason="")
    row.refresh_from_db()
    assert row.state == state


def test_a_surprise_is_told(
    root: Path, job: ArchiveJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours, which only a stand-in can have."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(restores, "place", fail)
    row = restore(job, root)
    assert (row.state, row.code) == (RestoreState.REQUESTED, Code.SURPRISE)
    assert "ZeroDivisionError" in row.message
