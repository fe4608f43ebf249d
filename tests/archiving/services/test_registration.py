from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from archiving.choices import Origin, RestoreState, Status
from archiving.errors import AmbiguousRun, SealingOff
from archiving.models import ArchiveJob
from archiving.selectors import one_job
from archiving.services.registration import (
    register_due,
    register_path,
    register_runfolder,
)
from archiving.services.requests import request_archive
from runfolders.choices import Sequencing
from runfolders.models import Hold, Runfolder
from seqhub.operations.choices import Source
from seqhub.operations.errors import InvalidValue, NotFound
from seqhub.operations.models import Event
from seqhub.operations.services.events import Actor
from tests.archiving.factories import ArchiveJobFactory, RestoreFactory
from tests.archiving.runs import RUN, SENTINEL, SHELL, Site
from tests.factories import HOST, RootFactory, RunfolderFactory

pytestmark = pytest.mark.django_db


def paths() -> set[str]:
    return set(ArchiveJob.objects.values_list("path", flat=True))


def make_row(folder: Path, **values: Any) -> Runfolder:
    """The row of a run folder on disk, in a root of its parent's."""
    root = RootFactory.create(path=str(folder.parent))
    values = {"complete": True, "root": root, "name": folder.name} | values
    return RunfolderFactory.create(path=str(folder), **values)


def test_a_run_with_the_sentinel_is_registered_once(site: Site) -> None:
    run = site.add_run()
    assert register_due(HOST) == 1
    assert register_due(HOST) == 0
    job = ArchiveJob.objects.get()
    assert (job.path, job.run_name, job.sequencer) == (str(run), RUN, "A00834")
    assert (job.name, job.destination) == (RUN, str(site.destination))
    assert (job.status, job.is_manual) == (Status.PENDING, False)
    assert job.inode == run.stat().st_ino
    assert Event.objects.get().kind == "registered"


@pytest.mark.parametrize(
    ("sentinel", "values", "is_due"),
    [
        (None, {}, False),
        ("0", {}, True),
        (" 0\n", {}, True),
        ("12\n", {}, False),
        ("", {}, False),
        ("12", {"content": ""}, True),
        ("", {"content": ""}, True),
        ("0", {"min_age_s": 3600}, False),
        ("0", {"name": "done.txt"}, False),
    ],
)
def test_the_sentinel_decides(
    site: Site, sentinel: str | None, values: dict[str, Any], is_due: bool
) -> None:
    site.configure(sentinel=values)
    site.add_run(sentinel=sentinel)
    assert register_due(HOST) == is_due


def test_a_sentinel_of_the_future_counts_where_no_age_is_asked_for(
    site: Site,
) -> None:
    run = site.add_run()
    then = time.time() + 3600
    os.utime(run / SENTINEL, (then, then))
    assert register_due(HOST) == 1


def test_a_sentinel_that_is_no_file_is_none(site: Site) -> None:
    run = site.add_run(sentinel=None)
    os.mkfifo(run / SENTINEL)
    assert register_due(HOST) == 0


@pytest.mark.parametrize("pattern", ["A00*", RUN, "*_BHMTFYDRXX"])
def test_what_the_site_ignores_is_not_registered(site: Site, pattern: str) -> None:
    site.configure(ignore=[pattern])
    site.add_run()
    assert register_due(HOST) == 0


def test_equal_names_of_two_sequencers_are_two_archives(site: Site) -> None:
    site.add_run("A00834")
    site.add_run("M04034")
    assert register_due(HOST) == 2
    names = set(ArchiveJob.objects.values_list("name", flat=True))
    assert names == {RUN, f"M04034__{RUN}"}
    assert one_job(f"M04034/{RUN}").name == f"M04034__{RUN}"
    assert one_job(str(site.sequencing / "A00834" / RUN)).name == RUN
    with pytest.raises(AmbiguousRun):
        one_job(RUN)


def test_equal_names_at_two_destinations_have_two_keys(site: Site) -> None:
    first = site.add_job(site.add_run())
    elsewhere = site.path / "elsewhere"
    elsewhere.mkdir()
    site.configure(destination_path=elsewhere)
    second = site.add_job(site.add_run("M04034"))
    assert (first.name, second.name) == (RUN, f"M04034__{RUN}")
    assert first.key_path != second.key_path


def test_a_third_name_has_a_number(site: Site) -> None:
    ArchiveJobFactory.create(name=RUN, destination=str(site.destination))
    taken = f"A00834__{RUN}"
    ArchiveJobFactory.create(name=taken, destination=str(site.destination))
    site.add_run()
    assert register_due(HOST) == 1
    assert ArchiveJob.objects.filter(name=f"{taken}__2").exists()


def test_one_bad_folder_stops_no_other(site: Site) -> None:
    site.add_run("A00834", "n" * 250)
    good = site.add_run("M04034")
    os.mkfifo(site.sequencing / "pipe")
    (site.sequencing / "A00834" / "loop").symlink_to(".")
    site.destination.rename(site.destination.with_name("gone"))
    assert register_due(HOST) == 2
    assert str(good) in paths()
    assert all(
        len(job.archive_path.name.encode()) < 240 for job in ArchiveJob.objects.all()
    )


def test_a_complete_run_of_a_root_is_registered(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    row = make_row(folder)
    assert register_due(HOST) == 1
    job = ArchiveJob.objects.get()
    assert (job.runfolder, job.path) == (row, str(folder))
    assert row.instrument is not None
    assert job.sequencer == row.instrument.serial


@pytest.mark.parametrize(
    "values",
    [
        {"sequencing": Sequencing.SEQUENCING},
        {"sequencing": Sequencing.VANISHED, "is_present": False},
        {"state": "pending"},
        {"state": "started"},
        {"ignored_at": timezone.now()},
        {"host": "elsewhere"},
    ],
    ids=["incomplete", "vanished", "picked up", "started", "ignored", "elsewhere"],
)
def test_a_run_that_is_not_there_for_us_is_not_taken(
    site: Site, tmp_path: Path, values: dict[str, Any]
) -> None:
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    make_row(folder, **values)
    assert register_due(HOST) == 0


def test_a_held_run_is_not_taken_by_itself_below_sequencing_path_either(
    site: Site,
) -> None:
    row = make_row(site.add_run())
    Hold.objects.create(runfolder=row, held_by="a", held_at=timezone.now())
    assert register_due(HOST) == 0


def test_below_sequencing_path_the_sentinel_decides_unless_told_otherwise(
    site: Site,
) -> None:
    make_row(site.add_run(sentinel=None))
    assert register_due(HOST) == 0
    site.configure(register_when="complete")
    assert register_due(HOST) == 1


def test_the_sentinel_counts_in_roots_where_it_is_asked_for(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    make_row(folder)
    site.configure(register_when="sentinel")
    assert register_due(HOST) == 0
    (folder / SENTINEL).write_text("0")
    assert register_due(HOST) == 1


def test_by_hand_means_by_hand(site: Site) -> None:
    run = site.add_run()
    site.configure(register_when="by_hand")
    assert register_due(HOST) == 0
    assert register_path(run, actor=SHELL).is_manual


def test_asking_again_gives_the_same_job(site: Site) -> None:
    run = site.add_run()
    register_due(HOST)
    job = ArchiveJob.objects.get()
    assert register_path(run, actor=SHELL) == job
    assert register_runfolder(make_row(run).pk, actor=SHELL) == job
    job.refresh_from_db()
    assert job.is_manual


@pytest.mark.parametrize("linked", ["top", "sequencer"])
def test_a_run_behind_a_link_is_one_run(site: Site, linked: str) -> None:
    """However its path is spelled, by whoever asks."""
    real = site.add_run()
    top = site.path / "link"
    if linked == "top":
        top.symlink_to(site.sequencing)
    else:
        top.mkdir()
        (top / "A00834").symlink_to(site.sequencing / "A00834")
    site.configure(sequencing_path=top)
    client = Actor(Source.API, "anna")
    job, is_new = request_archive(RUN, actor=client)
    assert (job.path, is_new) == (str(top / "A00834" / RUN), True)
    assert register_due(HOST) == 0
    assert register_path(real, actor=SHELL) == job
    assert ArchiveJob.objects.count() == 1


def test_a_run_that_a_root_spells_in_another_way_is_one_run(site: Site) -> None:
    run = site.add_run()
    top = site.path / "link"
    top.symlink_to(site.sequencing)
    site.configure(sequencing_path=top)
    row = make_row(run)
    assert register_due(HOST) == 1
    for _ in range(2):
        assert register_due(HOST) == 0
        job = ArchiveJob.objects.get()
        assert (job.runfolder, job.path) == (row, str(run))


def test_two_hosts_that_see_one_run_make_one_job(site: Site) -> None:
    run = site.add_run()
    job = ArchiveJobFactory.create(
        host="elsewhere", path=str(run), inode=run.stat().st_ino
    )
    assert register_due(HOST) == 0
    assert register_path(run, actor=SHELL) == job


def test_an_archive_of_the_old_service_is_known_again(site: Site) -> None:
    run = site.add_run()
    values = {"origin": Origin.ADOPTED, "destination": str(site.destination)}
    ArchiveJobFactory.create(
        path=f"/old/A00834/{RUN}", name=RUN, run_name=RUN, sealed=True, **values
    )
    assert register_due(HOST) == 0
    other = site.add_run("M04034")
    assert register_due(HOST) == 1, "the old service never saw that one"
    assert str(other) in paths()
    assert str(run) not in paths()


def test_a_restored_run_is_not_sealed_again(site: Site) -> None:
    run = site.add_run()
    job = ArchiveJobFactory.create(sealed=True, run_name=RUN)
    RestoreFactory.create(job=job, target=str(run.parent))
    assert register_due(HOST) == 0


@pytest.mark.parametrize(
    ("state", "is_due"),
    [
        (RestoreState.RUNNING, False),
        (RestoreState.AVAILABLE, False),
        (RestoreState.CANCELLED, True),
        (RestoreState.FAILED, True),
        (RestoreState.EXPIRED, True),
    ],
)
def test_only_what_a_restore_left_there_is_not_sealed(
    site: Site, state: RestoreState, is_due: bool
) -> None:
    run = site.add_run()
    job = ArchiveJobFactory.create(sealed=True, run_name=RUN)
    RestoreFactory.create(job=job, target=str(run.parent), state=state)
    assert register_due(HOST) == is_due


def test_a_run_that_moved_is_sealed_where_it_is(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    row = make_row(folder)
    register_due(HOST)
    Runfolder.objects.filter(pk=row.pk).update(path="/else/where", name="where")
    assert register_due(HOST) == 0
    job = ArchiveJob.objects.get()
    assert (job.path, job.run_name) == ("/else/where", "where")
    assert job.name == RUN


def test_what_holds_archives_is_not_sealed(site: Site) -> None:
    site.configure(destination_path=site.sequencing / "A00834" / RUN / "archives")
    run = site.add_run()
    assert register_due(HOST) == 0
    with pytest.raises(InvalidValue):
        register_path(run, actor=SHELL)


def test_from_outside_of_a_shell_only_runs_can_be_named(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    client = Actor(Source.API, "anna")
    with pytest.raises(InvalidValue):
        register_path(tmp_path / "private", actor=client)
    assert register_path(site.add_run(), actor=client)
    assert register_path(tmp_path / "private", actor=SHELL)


def test_it_says_why_nothing_can_be_sealed(site: Site) -> None:
    run = site.add_run()
    site.configure(gpg_receivers=[])
    with pytest.raises(SealingOff, match="gpg_receivers"):
        register_path(run, actor=SHELL)
    assert register_due(HOST) == 0


def test_what_is_not_there_is_not_found(site: Site) -> None:
    with pytest.raises(NotFound):
        register_path(site.sequencing / "none", actor=SHELL)
    with pytest.raises(NotFound):
        register_runfolder(12345, actor=SHELL)


def test_a_sequencing_path_that_is_away_stops_nothing(
    site: Site, tmp_path: Path
) -> None:
    site.configure(sequencing_path=tmp_path / "unmounted")
    folder = tmp_path / "root" / RUN
    folder.mkdir(parents=True)
    make_row(folder)
    assert register_due(HOST) == 1
