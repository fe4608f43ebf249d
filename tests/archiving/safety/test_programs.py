"""Programs that are missing, die or lie: a clear word, and the next try works."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from archiving.choices import CheckState, Outcome, Stage, Verified
from archiving.engine.gpg import wrapping
from archiving.engine.gpg.agents import processes_of
from archiving.errors import Code
from archiving.services import keys
from tests.archiving.keys import add_key
from tests.archiving.safety.ground import Ground
from tests.archiving.services.archives import verify

pytestmark = pytest.mark.django_db(transaction=True)

USED = ("setpriv", "ionice", "nice", "tar", "gpg", "gpgconf", "gpg-agent", "bash")
NOTHING = "0" * 40


def use_programs(
    ground: Ground, patch: pytest.MonkeyPatch, **instead: str | None
) -> None:
    """A PATH of its own, with scripts instead of programs, or None instead."""
    directory = ground.path / "bin"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name in USED:
        program = shutil.which(name, path=os.defpath)
        assert program, name
        if name not in instead:
            (directory / name).symlink_to(program)
        elif script := instead[name]:
            text = f"#!/bin/bash\n{script.format(real=program)}\n"
            (directory / name).write_text(text)
            (directory / name).chmod(0o755)
    patch.setenv("PATH", str(directory))


# What they say is what the real ones say; an error of a disk can't be had here.
EIO_OF_TAR = (
    '{real} "$@" | head -c 1000000; echo \'tar: run/Data/big.bcl: Read error at byte'
    " 0, while reading 512 bytes: Input/output error' >&2; exit 2"
)
EIO_OF_GPG = (
    'case "$*" in *--symmetric*) {real} "$@" | head -c 1000000; echo \'gpg: error'
    ' writing to output: Input/output error\' >&2; exit 2;; esac; exec {real} "$@"'
)


@pytest.mark.parametrize(
    ("instead", "code", "words"),
    [
        ({"gpg": None}, Code.PROGRAM_MISSING, "gpg is not on the PATH"),
        ({"tar": None}, Code.PROGRAM_MISSING, "tar can't be started"),
        ({"tar": '{real} "$@"; exit 1'}, Code.SOURCE_CHANGED, "changed"),
        ({"tar": '{real} "$@"; exit 2'}, Code.TAR_FAILED, "tar failed"),
        ({"tar": "exit 2"}, Code.TAR_FAILED, "tar failed"),
        ({"tar": "exit 0"}, Code.TAR_FAILED, "no whole archive"),
        ({"tar": EIO_OF_TAR}, Code.SOURCE_UNREADABLE, "Input/output error"),
        ({"gpg": EIO_OF_GPG}, Code.DESTINATION_FAILED, "Input/output error"),
        (
            {"tar": '{real} "$@" | head -c 1000000; exit 0'},
            Code.TAR_FAILED,
            "no whole archive",
        ),
        (
            {"gpg": 'case "$*" in *--symmetric*) exit 2;; esac; exec {real} "$@"'},
            Code.GPG_FAILED,
            "gpg failed",
        ),
        # It says that all is well, and writes half.
        (
            {
                "gpg": 'case "$*" in *--symmetric*) {real} "$@" | head -c 1000000;'
                ' cat > /dev/null; exit 0;; esac; exec {real} "$@"'
            },
            Code.ARCHIVE_DAMAGED,
            "not as it was written",
        ),
    ],
)
def test_a_program_that_fails_is_told_of_and_the_next_try_works(
    ground: Ground,
    monkeypatch: pytest.MonkeyPatch,
    instead: dict[str, str | None],
    code: Code,
    words: str,
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)
    with monkeypatch.context() as patch:
        use_programs(ground, patch, **instead)
        attempt = ground.seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, code)
    assert words in attempt.message
    shutil.rmtree(ground.path / "bin")
    ground.check_tried_again(job, run)


def test_what_a_program_said_last_is_kept(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ground.add_job(ground.add_big_run())
    with monkeypatch.context() as patch:
        use_programs(ground, patch, tar="echo 'tar: I am unwell' >&2; exit 2")
        attempt = ground.seal(job)
    assert attempt.log_tail == "tar: tar: I am unwell"


Options = dict[str, Any]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"revoked": True}, Code.RECIPIENT_UNUSABLE),
        ({"expired": True}, Code.RECIPIENT_EXPIRED),
        (None, Code.RECIPIENT_MISSING),
    ],
)
def test_it_waits_for_a_recipient(
    ground: Ground, options: Options | None, code: Code
) -> None:
    bad = NOTHING if options is None else add_key(ground.gnupg, "bad", **options)
    run = ground.add_big_run()
    job = ground.add_job(run)
    ground.configure(gpg_receivers=[ground.fingerprint, bad])
    attempt = ground.seal(job)
    assert (attempt.outcome, attempt.code) == (Outcome.WAITING, code)
    assert bad in job.message
    assert job.failure_count == 0
    ground.configure(gpg_receivers=[ground.fingerprint])
    ground.check_tried_again(job, run)


def test_a_key_that_goes_away_before_it_is_used_leaves_no_archive(
    ground: Ground,
) -> None:
    run = ground.add_big_run()
    job = ground.add_job(run)

    def take_keys_away() -> None:
        [home] = (ground.data / "run" / "gnupg").glob("home-*")
        (home / "pubring.kbx").unlink()

    attempt = ground.seal(job, Stage.WRAPPING, take_keys_away)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.GPG_FAILED)
    ground.check_tried_again(job, run)


def test_an_agent_that_hangs_says_nothing_of_the_archive(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ground.add_job(ground.add_big_run())
    ground.seal(job)
    unwrap = wrapping.unwrap

    def hang(home: Path, wrapped: bytes) -> bytes:
        unwrap(home, wrapped)
        [agent] = processes_of(home)
        agent.send(signal.SIGSTOP)
        # A minute in real life.
        return unwrap(home, wrapped, limit_s=1)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "unwrap", hang)
        row = verify(job)
    assert row.state == CheckState.FAILED
    assert "gave no answer" in row.message
    assert job.verification == Verified.VERIFIED
    ground.check_tidy()
    assert verify(job).state == CheckState.OK


def test_a_file_that_may_not_be_read_is_named(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tar runs without what lets root read everything."""
    run = ground.add_big_run()
    secret = run / "Data" / "last.bcl"
    job = ground.add_job(run)
    with monkeypatch.context() as patch:
        if os.geteuid() == 0:
            lost = "--bounding-set=-dac_override,-dac_read_search"
            use_programs(ground, patch, tar=f'exec setpriv {lost} {{real}} "$@"')
        secret.chmod(0o000)
        attempt = ground.seal(job)
        secret.chmod(0o644)
    assert (attempt.outcome, attempt.code) == (Outcome.FAILED, Code.SOURCE_UNREADABLE)
    assert "last.bcl" in job.message
    assert "read every file" in job.next_step
    shutil.rmtree(ground.path / "bin", ignore_errors=True)
    ground.check_tried_again(job, run)
