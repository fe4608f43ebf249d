"""Directories that the scanner is told to leave alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from runfolders.choices import Sequencing
from runfolders.models import PassedOver, Runfolder
from runfolders.services.passing_over import pass_over, take_up_again
from tests.factories import HOST
from tests.runfolders.runs import NEXTSEQ_2000, NOVASEQ, make_run, watch
from tests.runfolders.services.scans import row_of, scan

pytestmark = pytest.mark.django_db
BOTH = ("RTAComplete.txt", "CopyComplete.txt")


def test_a_directory_that_is_passed_over_is_no_new_run(root: Path) -> None:
    pass_over(HOST, str(root / NOVASEQ), "It was restored.")
    make_run(root, markers=BOTH)
    other = make_run(root, NEXTSEQ_2000)
    scan()
    assert Runfolder.objects.get() == row_of(other)


def test_it_is_a_run_again_once_taken_up(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    pass_over(HOST, str(folder), "It was restored.")
    scan()
    take_up_again(HOST, str(folder))
    scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_other_hosts_have_their_own(root: Path) -> None:
    folder = make_run(root)
    pass_over("elsewhere", str(folder), "It was restored.")
    scan()
    assert row_of(folder)


def test_a_repeat_renews_the_reason(root: Path) -> None:
    for reason in ("first", "second"):
        pass_over(HOST, str(root / "run"), reason)
    assert PassedOver.objects.get().reason == "second"


def test_links_lead_to_the_same_place(
    root: Path, tmp_path: Path, settings: Settings
) -> None:
    """The root is a link, what is named lies behind it, and a link leads there."""
    restored = make_run(tmp_path / "restored")
    (root / "link").symlink_to(restored)
    folder = make_run(root, NEXTSEQ_2000)
    alias = tmp_path / "alias"
    alias.symlink_to(root)
    watch(settings, alias)
    pass_over(HOST, str(restored), "It was restored.")
    pass_over(HOST, str(alias / folder.name), "It was restored.")
    scan()
    assert not Runfolder.objects.exists()


def test_names_that_are_not_utf8_are_known_again(root: Path) -> None:
    name = os.fsdecode(b"240131_A00834_0183_\xe5BHMTFYDRXX")
    folder = root / name
    make_run(root).rename(folder)
    pass_over(HOST, str(folder), "It was restored.")
    scan()
    assert not Runfolder.objects.exists()
    assert PassedOver.objects.get().path.endswith(r"_\xe5BHMTFYDRXX")


def test_a_run_that_is_known_keeps_its_row(root: Path) -> None:
    folder = make_run(root, markers=BOTH)
    scan()
    pass_over(HOST, str(folder), "It was restored.")
    for _ in range(3):
        scan()
    assert row_of(folder).sequencing == Sequencing.COMPLETE


def test_a_scan_asks_for_all_of_them_at_once(root: Path) -> None:
    make_run(root)
    counts = []
    for number in (1, 20):
        for each in range(number):
            pass_over(HOST, str(root / f"run{number}-{each}"), "It was restored.")
        scan()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            scan()
        counts.append(len(queries))
    assert counts[0] == counts[1]
