"""`manage.py archive`."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from archiving.choices import Outcome, Status, Verified
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services.claiming import claim_job
from archiving.services.jobs import hold
from archiving.services.registration import register_path
from archiving.services.sealing import seal_job
from seqhub.operations.management.actor import shell_actor
from tests.archiving.commands.shell import Answer, Site, call
from tests.archiving.keys import gpg
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)
RUN = "240131_A00001_0001_AHXXXXXXXX"


@pytest.mark.parametrize("word", ["name", "sequencer", "path", "relative"])
def test_a_run_may_be_named_in_many_ways(
    word: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = site.add_run(RUN)
    monkeypatch.chdir(run)
    words = {
        "name": RUN,
        "sequencer": f"A00001/{RUN}",
        "path": f"{run}/",
        "relative": ".",
    }
    answer = call("archive", words[word])
    assert (answer.code, answer.err) == (0, "")
    assert f"{site.archives}/{RUN}.tar.gpg: " in answer.out
    assert "verified" in answer.out
    job = ArchiveJob.objects.get()
    assert (job.status, job.verification) == (Status.ENCRYPTED, Verified.VERIFIED)
    assert job.archive_path.stat().st_size == job.archive_bytes


def test_any_directory_can_be_sealed(site: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "thing"
    elsewhere.mkdir(parents=True)
    (elsewhere / "file").write_text("content")
    assert call("archive", elsewhere).code == 0
    wrapped = (site.keys / "thing.key.gpg").read_bytes()
    key = gpg(site.gnupg, "--decrypt", content=wrapped).decode().strip()
    options = ("--pinentry-mode", "loopback", "--passphrase", key, "--decrypt")
    opened = gpg(site.gnupg, *options, str(site.archives / "thing.tar.gpg"))
    assert b"content" in opened


def test_what_is_sealed_and_verified_is_left_alone(site: Site) -> None:
    site.add_run(RUN)
    assert call("archive", RUN).code == 0
    before = (site.archives / f"{RUN}.tar.gpg").stat().st_mtime_ns
    answer = call("archive", RUN)
    assert answer.code == 0
    assert "verified" in answer.out
    assert (site.archives / f"{RUN}.tar.gpg").stat().st_mtime_ns == before
    assert ArchiveAttempt.objects.count() == 1


def test_a_damaged_archive_is_no_success(site: Site) -> None:
    site.add_run(RUN)
    assert call("archive", RUN).code == 0
    ArchiveJob.objects.update(verification=Verified.DAMAGED)
    answer = call("archive", RUN)
    assert answer.code == 1
    assert "is damaged" in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the runs to seal, or say --once"),
        (["--once", "run"], "name the runs to seal, or say --once"),
        (["nothing"], "There is no run nothing"),
        (["/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    arguments: list[str], said: str, site: Site
) -> None:
    answer = call("archive", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert not ArchiveJob.objects.exists()


def test_equal_names_must_be_told_apart(site: Site) -> None:
    site.add_run(RUN)
    site.add_run(RUN, sequencer="B00002")
    assert call("archive", RUN).code == 2
    answer = call("archive", f"A00001/{RUN}", f"B00002/{RUN}")
    assert answer.code == 0
    assert {path.name for path in site.archives.glob("*.tar.gpg")} == {
        f"{RUN}.tar.gpg",
        f"B00002__{RUN}.tar.gpg",
    }
    both = call("archive", RUN)
    assert both.code == 2
    assert "Several archives are called" in both.err


def test_a_failure_says_what_to_do(site: Site) -> None:
    run = site.add_run(RUN)
    (site.archives / f"{RUN}.tar.gpg").write_text("somebody's")
    answer = call("archive", run)
    assert answer.code == 1
    assert f"{RUN}: failed: " in answer.err or f"{RUN}: waits: " in answer.err
    assert (site.archives / f"{RUN}.tar.gpg").read_text() == "somebody's"
    assert sorted(path.name for path in site.archives.iterdir()) == [f"{RUN}.tar.gpg"]


def test_a_missing_receiver_is_waited_for(site: Site, settings: Settings) -> None:
    site.add_run(RUN)
    settings.CONFIG = site.config(gpg_receivers=["nobody@example.org"])
    answer = call("archive", RUN)
    assert answer.code == 3
    assert f"{RUN}: waits: there is no public key of 'nobody@example.org'" in answer.err
    assert "gpg --import" in answer.err
    assert ArchiveJob.objects.get().failure_count == 0


def test_too_little_space_is_waited_for(site: Site, settings: Settings) -> None:
    site.add_run(RUN)
    settings.CONFIG = site.config(free_space_margin_gb=10**9)
    answer = call("archive", RUN)
    assert answer.code == 3
    assert "free" in answer.err


def test_a_failed_run_is_tried_again(site: Site) -> None:
    site.add_run(RUN)
    assert call("archive", "--dry-run", RUN).code == 0
    job = _registered(site)
    ArchiveJob.objects.update(status=Status.FAILED, failure_count=3, message="Alas.")
    assert call("archive", RUN).code == 0
    job.refresh_from_db()
    assert (job.status, job.failure_count) == (Status.ENCRYPTED, 0)


def test_a_held_run_stays_held(site: Site) -> None:
    job = _registered(site)
    hold(job.pk, actor=shell_actor(), reason="Wait for Anna.")
    answer = call("archive", RUN)
    assert answer.code == 1
    assert "Wait for Anna.; release it first" in answer.err
    assert not ArchiveAttempt.objects.exists()


def _registered(site: Site) -> ArchiveJob:
    if not (site.runs / "A00001" / RUN).exists():
        site.add_run(RUN)
    return register_path(site.runs / "A00001" / RUN, actor=shell_actor())


def test_once_seals_what_is_due(site: Site) -> None:
    for name in ("one", "two"):
        site.add_run(name, is_due=True)
    site.add_run("not-yet")
    answer = call("archive", "--once")
    assert answer.code == 0
    assert answer.out.splitlines()[0] == "2 runs registered"
    assert answer.out.splitlines()[-1] == "nothing more is due"
    statuses = dict(ArchiveJob.objects.values_list("name", "status"))
    assert statuses == {"one": Status.ENCRYPTED, "two": Status.ENCRYPTED}
    again = call("archive", "--once")
    assert (again.code, again.out) == (0, "0 runs registered\nnothing more is due\n")


def test_once_tells_that_something_failed(site: Site) -> None:
    site.add_run("good", is_due=True)
    site.add_run("bad", is_due=True)
    (site.archives / "bad.tar.gpg").write_text("somebody's")
    answer = call("archive", "--once")
    assert answer.code == 1
    assert "bad: " in answer.err
    assert ArchiveJob.objects.get(name="good").status == Status.ENCRYPTED


def test_once_tells_of_what_waits_until_it_is_sealed(
    site: Site, settings: Settings
) -> None:
    site.add_run("one", is_due=True)
    settings.CONFIG = site.config(free_space_margin_gb=10**9)
    first, again = call("archive", "--once"), call("archive", "--once")
    assert (first.code, again.code) == (3, 3)
    for answer in (first, again):
        assert answer.err.count("one: waits: ") == 1
        assert "Next try: 20" in answer.err
    assert ArchiveAttempt.objects.count() == 1
    settings.CONFIG = site.config(free_space_margin_gb=0)
    ArchiveJob.objects.update(not_before=None)
    assert call("archive", "--once").code == 0


def test_once_tells_of_what_failed_before(site: Site) -> None:
    site.add_run("bad", is_due=True)
    (site.archives / "bad.tar.gpg").write_text("somebody's")
    first, again = call("archive", "--once"), call("archive", "--once")
    assert (first.code, again.code) == (1, 1)
    assert again.err == first.err
    assert "Next try: 20" in again.err
    assert ArchiveAttempt.objects.count() == 1
    job = ArchiveJob.objects.get()
    ArchiveJob.objects.update(status=Status.FAILED, not_before=None)
    last = call("archive", "--once")
    assert last.code == 1
    assert "bad: failed: " in last.err
    assert "Next try" not in last.err
    hold(job.pk, actor=shell_actor(), reason="Known.")
    assert call("archive", "--once").code == 0


def test_once_needs_sealing_to_be_on(site: Site, settings: Settings) -> None:
    settings.CONFIG = site.config(gpg_receivers=[])
    answer = call("archive", "--once")
    assert answer.code == 1
    assert "gpg_receivers names nobody" in answer.err


def test_a_dry_run_tells_and_changes_nothing(site: Site) -> None:
    run = site.add_run(RUN, is_due=True)
    for arguments in (["--once"], [RUN], [str(run)]):
        answer = call("archive", "--dry-run", *arguments)
        assert answer.code == 0
        lines = [line.strip() for line in answer.out.splitlines()]
        assert lines[0] == str(run)
        assert f"archive    {site.archives}/{RUN}.tar.gpg" in lines
        assert f"opened by  {', '.join(site.receivers)}" in lines
        assert f"left out   1 file, 500 B: {RUN}/Thumbnail_Images" in lines
    assert not ArchiveJob.objects.exists()
    assert list(site.archives.iterdir()) == []


def test_a_dry_run_gives_equal_names_different_archives(site: Site) -> None:
    for sequencer in ("A00001", "B00002"):
        site.add_run(RUN, sequencer=sequencer, is_due=True)
    named = [f"A00001/{RUN}", f"B00002/{RUN}"]
    for arguments in (["--once"], named):
        lines = call("archive", "--dry-run", *arguments).out.splitlines()
        archives = [line.split()[1] for line in lines if "  archive  " in line]
        assert archives == [
            f"{site.archives}/{RUN}.tar.gpg",
            f"{site.archives}/B00002__{RUN}.tar.gpg",
        ]


@pytest.mark.slow
def test_a_run_that_is_being_sealed_is_followed(site: Site) -> None:
    job = _registered(site)
    claimed = claim_job(job.pk, HOST, "another-worker")
    assert claimed
    answers: list[Answer] = []

    def follow() -> None:
        answers.append(_outside(site.start("archive", RUN)))
        connections.close_all()

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(2)  # it follows, or begins to: both must end the same
    seal_job(claimed)
    thread.join()
    assert (answers[0].code, answers[0].err) == (0, "")
    assert "verified" in answers[0].out
    assert ArchiveAttempt.objects.count() == 1


def _outside(process: subprocess.Popen[str]) -> Answer:
    out, err = process.communicate(timeout=120)
    return Answer(process.returncode, out, err)


@contextmanager
def _sealing(site: Site, *runs: str) -> Iterator[subprocess.Popen[str]]:
    """The command, at the first run, whose content does not come to its end."""
    process = site.start("archive", *runs)
    try:
        _wait_for(
            lambda: (
                process.poll() is not None
                or ArchiveJob.objects.filter(status="processing").exists()
            )
        )
        assert process.poll() is None, process.communicate()
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait_for(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _make_big(run: Path) -> None:
    """Some seconds of gpg, without taking space at the source."""
    with (run / "big").open("wb") as file:
        file.truncate(600_000_000)


@pytest.mark.slow
def test_a_data_directory_of_another_host_is_refused(site: Site) -> None:
    (site.directory / "var").mkdir(exist_ok=True)
    (site.directory / "var" / "host").write_text("another\n")
    answer = _outside(site.start("archive", RUN))
    assert answer.code == 2
    assert "is of the host 'another'" in answer.err


@pytest.mark.slow
def test_the_first_signal_finishes_the_run_and_begins_no_other(site: Site) -> None:
    _make_big(site.add_run("one"))
    site.add_run("two")
    with _sealing(site, "one", "two") as process:
        process.send_signal(signal.SIGINT)
        answer = _outside(process)
    assert answer.code == 130
    assert "two: not begun" in answer.err
    assert ArchiveJob.objects.get().status == Status.ENCRYPTED


@pytest.mark.slow
def test_the_second_signal_cancels_and_leaves_nothing(site: Site) -> None:
    _make_big(site.add_run("one"))
    with _sealing(site, "one") as process:
        process.send_signal(signal.SIGINT)
        time.sleep(1.2)
        process.send_signal(signal.SIGINT)
        answer = _outside(process)
    assert answer.code == 130
    assert "one: cancelled; nothing of this attempt is left" in answer.err
    job = ArchiveJob.objects.get()
    assert (job.status, job.worker_id, job.failure_count) == (Status.PENDING, "", 0)
    assert ArchiveAttempt.objects.get().outcome == Outcome.CANCELLED
    assert list(site.archives.iterdir()) == []
    assert list((site.directory / "var" / "manifests").iterdir()) == []
    assert list((site.directory / "var" / "run" / "gnupg").iterdir()) == []
