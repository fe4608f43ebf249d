from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from archiving.choices import Origin, Stage, Status
from archiving.engine.walk import Survey
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.services.destination import check_destination
from archiving.services.naming import artifacts_of
from archiving.services.policy import current_policy
from archiving.services.progress import Reporter
from archiving.services.space import check_margin, free_bytes, needed_bytes, reserve
from seqhub.lib.lease import Keeper, LeaseLost
from tests.archiving.factories import ArchiveJobFactory
from tests.archiving.runs import Site
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)

GB = 10**9
# Free space changes while other tests run: what is decided lies far from the edge.
MARGIN = 4 * GB


def survey_of(size_bytes: int, entries: int = 1) -> Survey:
    return Survey(
        entries=entries,
        files=entries,
        size_bytes=size_bytes,
        left_out=0,
        left_out_files=0,
        left_out_bytes=0,
    )


def running(site: Site, **values: Any) -> ArchiveJob:
    """A job that this process seals."""
    values = {"destination": str(site.destination)} | values
    return ArchiveJobFactory.create(
        status=Status.PROCESSING, worker_id="testhost:1:aa", attempt=1, **values
    )


def test_what_is_needed_covers_headers_and_padding() -> None:
    assert needed_bytes(survey_of(200_000, entries=200_000)) > 200_000 * 1536


def test_what_fits_is_reserved(site: Site) -> None:
    job = running(site)
    reserve(job, survey_of(1000), current_policy())
    job.refresh_from_db()
    assert (job.stage, job.bytes_done) == (Stage.SEALING, 0)
    assert job.bytes_total == needed_bytes(survey_of(1000))


@pytest.mark.parametrize("host", [HOST, "elsewhere"])
def test_what_others_still_have_to_write_counts(site: Site, host: str) -> None:
    free = free_bytes(site.destination)
    policy = replace(current_policy(), margin_bytes=MARGIN)
    values = {"stage": Stage.SEALING, "bytes_total": free, "bytes_done": 0}
    other = running(site, host=host, **values)
    job = running(site)
    with pytest.raises(Trouble) as caught:
        reserve(job, survey_of(1000), policy)
    assert caught.value.code == Code.NO_SPACE
    assert "for runs being sealed" in caught.value.message
    # It has written all of it: what is free now is free.
    ArchiveJob.objects.filter(pk=other.pk).update(bytes_done=free)
    reserve(job, survey_of(1000), replace(policy, margin_bytes=0))


def test_two_names_of_one_disk_are_one_disk(site: Site) -> None:
    free = free_bytes(site.destination)
    running(
        site,
        destination=str(site.sequencing),
        stage=Stage.SEALING,
        bytes_total=free,
    )
    with pytest.raises(Trouble, match="free"):
        reserve(
            running(site),
            survey_of(1000),
            replace(current_policy(), margin_bytes=MARGIN),
        )


def test_it_says_how_much_is_free_and_how_much_is_needed(site: Site) -> None:
    with pytest.raises(Trouble) as caught:
        reserve(running(site), survey_of(2**60), current_policy())
    assert re.search(r"has .* free; the run needs 102\d PiB", caught.value.message)


def test_who_lost_the_job_reserves_nothing(site: Site) -> None:
    job = running(site)
    job.attempt = 0
    with pytest.raises(LeaseLost):
        reserve(job, survey_of(1), current_policy())


def test_the_margin_stays_free(site: Site) -> None:
    policy = current_policy()
    check_margin(site.destination, policy)
    with pytest.raises(Trouble, match="to stay free"):
        check_margin(site.destination, replace(policy, margin_bytes=10**18))


def test_a_disk_that_is_away_says_nothing_of_its_space(site: Site) -> None:
    policy = replace(current_policy(), margin_bytes=10**18)
    check_margin(site.path / "away", policy)


def test_space_is_looked_at_while_work_goes_on(site: Site) -> None:
    job = running(site)
    stages: list[Stage] = []
    with Keeper(job, 60) as keeper:
        reporter = Reporter(job, keeper, guard=stages.append)
        reporter.stage(Stage.SEALING)
        reporter.tick(1, 1)
        reporter.tick(2, 1)
    assert stages == [Stage.SEALING], "not at each tick"


def test_progress_is_in_the_row(site: Site) -> None:
    job = running(site)
    with Keeper(job, 60) as keeper:
        reporter = Reporter(job, keeper)
        reporter.expect(100, 10)
        reporter.stage(Stage.VERIFYING)
    job.refresh_from_db()
    assert (job.stage, job.bytes_total, job.files_total) == ("verifying", 100, 10)
    assert job.progress_at is not None


def test_a_worker_learns_that_it_is_to_stop(site: Site) -> None:
    job = running(site, cancel_requested_at=timezone.now())
    with Keeper(job, 60) as keeper:
        reporter = Reporter(job, keeper)
        with pytest.raises(Trouble) as caught:
            reporter.stage(Stage.VERIFYING)
    assert caught.value.code == Code.CANCELLED


def test_a_worker_learns_that_the_job_is_not_its_own_any_more(site: Site) -> None:
    job = running(site)
    ArchiveJob.objects.filter(pk=job.pk).update(worker_id="testhost:2:bb")
    with Keeper(job, 60) as keeper, pytest.raises(LeaseLost):
        Reporter(job, keeper).stage(Stage.VERIFYING)


@pytest.fixture
def job(site: Site) -> ArchiveJob:
    (site.data / "run_keys").mkdir()
    return running(site, run_keys=str(site.data / "run_keys"))


def check(job: ArchiveJob) -> None:
    check_destination(job, artifacts_of(job, 1, current_policy().manifests_dir))


def test_a_destination_that_can_be_written_stays_as_it_is(
    site: Site, job: ArchiveJob
) -> None:
    check(job)
    assert list(site.destination.iterdir()) == []


def test_a_missing_destination_is_not_made(site: Site, job: ArchiveJob) -> None:
    site.destination.rmdir()
    with pytest.raises(Trouble) as caught:
        check(job)
    assert caught.value.code == Code.DESTINATION_MISSING
    assert not site.destination.exists()


@pytest.mark.parametrize("ending", [".tar.gpg", ".manifest.gpg", ".key.gpg"])
def test_any_file_in_the_way_is_found(site: Site, job: ArchiveJob, ending: str) -> None:
    place = Path(job.run_keys if ending == ".key.gpg" else job.destination)
    (place / f"{job.name}{ending}").symlink_to("nowhere")
    with pytest.raises(Trouble) as caught:
        check(job)
    assert caught.value.code == Code.DESTINATION_OCCUPIED


@pytest.mark.parametrize(
    ("left", "is_missing"),
    [
        ([".seqhub-4711.probe", "run.manifest.gpg.12.partial"], True),
        ([".seqhub-4711.probe", "run.tar.gpg"], False),
        (["anything"], False),
    ],
)
def test_what_we_left_half_made_is_no_sign_of_a_disk(
    site: Site, job: ArchiveJob, left: list[str], is_missing: bool
) -> None:
    ArchiveJobFactory.create(sealed=True, destination=str(site.destination))
    for name in left:
        (site.destination / name).touch()
    if not is_missing:
        check(job)
        return
    with pytest.raises(Trouble) as caught:
        check(job)
    assert caught.value.code == Code.DESTINATION_MISSING


def test_an_adopted_archive_may_be_replaced(site: Site, job: ArchiveJob) -> None:
    job.archive_path.touch()
    job.origin = Origin.ADOPTED
    check(job)
