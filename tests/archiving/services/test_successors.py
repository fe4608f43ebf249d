"""Folders that lie where another one was sealed from."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.management.waiting import not_due
from archiving.models import ArchiveJob
from archiving.panels.why_not import why_not
from archiving.services.attention import refresh_attention, sync_attention
from archiving.services.policy import current_policy
from archiving.services.registration import register_due
from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from seqhub.operations.models import Attention
from tests.archiving.factories import ArchiveJobFactory, RestoreFactory
from tests.archiving.runs import RUN, Site
from tests.factories import HOST, RootFactory, RunfolderFactory

pytestmark = pytest.mark.django_db


def replace_run(row: Runfolder) -> Runfolder:
    """Another folder at its path, as the scanner would have noted it."""
    Runfolder.objects.filter(pk=row.pk).update(
        is_present=False, sequencing=Sequencing.VANISHED
    )
    return RunfolderFactory.create(
        path=row.path, complete=True, root=row.root, name=row.name
    )


@pytest.fixture
def sealed(tmp_path: Path, site: Site) -> ArchiveJob:
    """The archive of a run folder that the scanner knows."""
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    root = RootFactory.create(path=str(folder.parent))
    row = RunfolderFactory.create(path=str(folder), root=root, name=RUN, complete=True)
    values = {"runfolder": row, "path": row.path, "run_name": RUN}
    return ArchiveJobFactory.create(sealed=True, inode=folder.stat().st_ino, **values)


def told() -> list[str]:
    refresh_attention(HOST)
    return list(Attention.objects.values_list("code", flat=True))


def test_another_folder_where_one_was_sealed_from_is_told(sealed: ArchiveJob) -> None:
    assert sealed.runfolder is not None
    assert told() == []
    other = replace_run(sealed.runfolder)
    assert register_due(HOST) == 0
    assert told() == ["other_folder"]
    attention = Attention.objects.get()
    assert (attention.subject, attention.runfolder_ref) == (sealed.subject, other.pk)
    why = why_not(other, current_policy())
    assert "Seal that archive anew" in why
    assert list(not_due(HOST, current_policy())) == [(other.location, why)]
    sync_attention(sealed)
    assert Attention.objects.exists()
    # It was sealed anew.
    ArchiveJob.objects.update(sealed_at=timezone.now())
    register_due(HOST)
    assert told() == []
    assert ArchiveJob.objects.get().runfolder == other


def test_another_folder_that_goes_is_no_longer_told(sealed: ArchiveJob) -> None:
    assert sealed.runfolder is not None
    other = replace_run(sealed.runfolder)
    assert told() == ["other_folder"]
    Runfolder.objects.filter(pk=other.pk).update(path="/else/where")
    assert told() == []


def test_what_was_restored_to_its_old_place_is_no_other_folder(
    sealed: ArchiveJob,
) -> None:
    assert sealed.runfolder is not None
    place = str(sealed.location.parent)
    RestoreFactory.create(job=sealed, target=place, state=RestoreState.AVAILABLE)
    again = replace_run(sealed.runfolder)
    assert register_due(HOST) == 0
    assert told() == []
    assert "was restored" in why_not(again, current_policy())


@pytest.mark.parametrize("is_same", [True, False])
def test_a_folder_that_is_watched_only_later_is_known_by_its_inode(
    sealed: ArchiveJob, is_same: bool
) -> None:
    row = sealed.runfolder
    assert row is not None
    assert sealed.inode is not None
    inode = sealed.inode if is_same else sealed.inode + 1
    ArchiveJob.objects.update(runfolder=None)
    Runfolder.objects.update(
        first_seen_at=timezone.now(), signature=f"123 {inode} 45\n"
    )
    assert register_due(HOST) == 0
    assert told() == ([] if is_same else ["other_folder"])
    assert ArchiveJob.objects.get().runfolder == (row if is_same else None)
