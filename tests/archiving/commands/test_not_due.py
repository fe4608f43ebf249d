"""`manage.py archive --dry-run --once` of runs that are not due."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from archiving.choices import Status
from archiving.models import ArchiveJob
from archiving.services.jobs import hold
from archiving.services.registration import register_path
from runfolders.choices import RootStatus, State
from runfolders.models import Hold, Runfolder
from seqhub.operations.management.actor import shell_actor
from tests.archiving.commands.shell import Site, call
from tests.archiving.factories import RestoreFactory
from tests.factories import RootFactory, RunfolderFactory

pytestmark = pytest.mark.django_db(transaction=True)
RUN = "240131_A00001_0001_AHXXXXXXXX"
SENTINEL = ".metadata_rsync_exitcode"


def reasons() -> dict[str, str]:
    """Run -> why it is not due, as told."""
    answer = call("archive", "--dry-run", "--once")
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    label = "  not due    "
    return {
        Path(path).name: line.removeprefix(label)
        for path, line in pairwise(lines)
        if line.startswith(label)
    }


def add_row(run: Path, **values: Any) -> Runfolder:
    """As the scanner would, in a root of the run's parent."""
    root = RootFactory.create(path=str(run.parent))
    values = {"complete": True, "root": root, "name": run.name} | values
    return RunfolderFactory.create(path=str(run), **values)


@pytest.mark.parametrize(
    ("content", "values", "why"),
    [
        (None, {}, f"It has no {SENTINEL}."),
        ("12\n", {}, f"Its {SENTINEL} does not hold 0."),
        ("0\n", {"min_age_s": 3600}, f"Its {SENTINEL} is younger than 1 h."),
        ("0" * 70_000, {}, f"{SENTINEL} is larger than 65,536 bytes."),
    ],
)
def test_it_tells_what_the_sentinel_lacks(
    site: Site,
    settings: Settings,
    content: str | None,
    values: dict[str, Any],
    why: str,
) -> None:
    settings.CONFIG = site.config(sentinel=values)
    run = site.add_run(RUN)
    if content is not None:
        (run / SENTINEL).write_text(content)
    assert reasons() == {RUN: why}
    add_row(run)
    assert reasons() == {RUN: why}


def test_it_says_what_keeps_a_run_from_being_taken(site: Site) -> None:
    names = ("due", "client", "held", "ignored", "missing")
    rows = {
        name: add_row(site.add_run(name, sequencer=f"of-{name}", is_due=True))
        for name in names
    }
    Runfolder.objects.filter(pk=rows["client"].pk).update(state=State.STARTED)
    Hold.objects.create(
        runfolder=rows["held"],
        reason="Look first.",
        held_by="anna",
        held_at=timezone.now(),
    )
    Runfolder.objects.filter(pk=rows["ignored"].pk).update(ignored_at=timezone.now())
    rows["missing"].root.status = RootStatus.MISSING
    rows["missing"].root.save()
    taken = "An API client has the run (started); it is sealed when that is over."
    expected = {
        "client": taken,
        "held": "The run is on hold: Look first.",
        "ignored": "The run is ignored.",
        "missing": f"{site.runs}/of-missing is missing.",
    }
    assert reasons() == expected
    # The same once they have jobs.
    for name in expected:
        register_path(site.runs / f"of-{name}" / name, actor=shell_actor())
    ArchiveJob.objects.update(is_manual=False)
    assert reasons() == expected


def test_it_says_what_keeps_a_job_waiting(site: Site) -> None:
    names = ("due", "held", "failed", "waits", "runs", "sealed")
    jobs = {
        name: register_path(site.add_run(name), actor=shell_actor()) for name in names
    }

    def change(name: str, **values: Any) -> None:
        ArchiveJob.objects.filter(pk=jobs[name].pk).update(**values)

    hold(jobs["held"].pk, actor=shell_actor(), reason="Wait for Anna.")
    change("failed", status=Status.FAILED, message="Alas.", next_step="Do.")
    change(
        "waits",
        code="no_space",
        message="The disk is full.",
        not_before=timezone.now() + dt.timedelta(hours=2, minutes=1),
    )
    change("runs", status=Status.PROCESSING, stage="sealing")
    change("sealed", status=Status.ENCRYPTED)
    found = reasons()
    assert found.keys() == {"held", "failed", "waits", "runs"}
    assert "Wait for Anna" in found["held"]
    assert found["failed"].endswith("Alas. Do.")
    assert "The disk is full. It tries again by itself in 2 h" in found["waits"]
    assert "begun" in found["runs"]


def test_it_says_what_the_configuration_does_not_want(
    site: Site, settings: Settings
) -> None:
    settings.CONFIG = site.config(ignore=["test-*"])
    site.add_run("test-1", is_due=True)
    RestoreFactory.create(target=str(site.runs / "B"), job__run_name="restored")
    site.add_run("restored", sequencer="B", is_due=True)
    why = "It was restored from an archive, and is not sealed again by itself."
    assert reasons() == {
        "test-1": "archiving.ignore leaves it out: test-*.",
        "restored": why,
    }


@pytest.mark.parametrize(
    ("register_when", "why"),
    [
        (None, {"written": "Sequencing is settling."}),
        ("complete", {"written": "Sequencing is settling."}),
        (
            "sentinel",
            {"written": f"It has no {SENTINEL}.", "whole": f"It has no {SENTINEL}."},
        ),
        (
            "by_hand",
            dict.fromkeys(
                ("written", "whole"),
                "Runs are sealed here only when somebody asks for it.",
            ),
        ),
    ],
)
def test_in_monitored_directories_completeness_decides(
    site: Site, settings: Settings, register_when: str | None, why: dict[str, str]
) -> None:
    settings.CONFIG = site.config(register_when=register_when)
    for name, values in (("whole", {}), ("written", {"sequencing": "settling"})):
        run = site.directory / name / name
        run.mkdir(parents=True)
        add_row(run, **values)
    assert reasons() == why


def test_without_a_destination_nothing_is_listed(
    site: Site, settings: Settings
) -> None:
    settings.CONFIG = site.config(gpg_receivers=[])
    site.add_run(RUN)
    answer = call("archive", "--dry-run", "--once")
    assert (answer.code, answer.out) == (1, "")
    assert "gpg_receivers names nobody" in answer.err
