"""`manage.py keys` and `manage.py rewrap`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from archiving.engine.gpg.wrapping import recipients_of
from archiving.models import ArchiveJob, Recipient
from tests.archiving.commands.shell import Site, call
from tests.archiving.factories import ArchiveJobFactory
from tests.archiving.keys import add_key

pytestmark = pytest.mark.django_db(transaction=True)
RUN = "240131_A00001_0001_AHXXXXXXXX"


@pytest.fixture
def sealed(site: Site) -> ArchiveJob:
    site.add_run(RUN)
    assert call("archive", RUN).code == 0
    return ArchiveJob.objects.get()


def test_they_are_listed_with_what_they_open(sealed: ArchiveJob, site: Site) -> None:
    assert call("keys", "--check").code == 0
    answer = call("keys")
    assert (answer.code, answer.err) == (0, "")
    _, *rows = [line.split("\t") for line in answer.out.splitlines()]
    assert {row[0]: row[2:] for row in rows} == {
        site.receivers[0]: ["yes", "ok", "here", "never", "1"],
        site.receivers[1]: ["yes", "ok", "elsewhere", "never", "1"],
    }


def test_archives_that_nobody_opens_any_more_are_told(
    sealed: ArchiveJob, site: Site
) -> None:
    ArchiveJobFactory.create(sealed=True)
    assert call("keys", "--check").code == 0
    answer = call("keys")
    assert "1 archive can be opened by none of the receivers" in answer.err


def test_the_check_fails_for_a_bad_key(
    site: Site, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    expired = add_key(site.gnupg, "old", expired=True)
    settings.CONFIG = site.config(
        gpg_receivers=[site.receivers[0], expired, "nobody@example.org"]
    )
    answer = call("keys", "--check")
    assert answer.code == 1
    assert not [record for record in caplog.records if record.name == "gnupg"]
    assert "expired on 2020-01-02. Ask its owner" in answer.err
    _, *rows = [line.split("\t") for line in answer.out.splitlines()]
    assert {row[0]: row[3] for row in rows} == {
        site.receivers[0]: "ok",
        expired: "expired",
        "nobody@example.org": "missing",
    }


def test_the_check_fails_without_receivers(site: Site, settings: Settings) -> None:
    settings.CONFIG = site.config(gpg_receivers=[])
    answer = call("keys", "--check")
    assert answer.code == 1
    assert "archiving.gpg_receivers" in answer.err


def test_secret_keys_are_tried(site: Site, settings: Settings) -> None:
    answer = call("keys", "--test")
    assert answer.code == 0
    assert "could be decrypted" in answer.out
    assert "no secret key that can be used is here" in answer.err
    settings.CONFIG = site.config(gpg_receivers=site.receivers[1:])
    assert call("keys", "--test").code == 3


def test_lost_key_files_are_written_again(
    sealed: ArchiveJob, site: Site, tmp_path: Path
) -> None:
    before = sealed.key_path.read_bytes()
    sealed.key_path.unlink()
    assert "1 key file would be written" in call("keys", "--export", "--dry-run").out
    assert not sealed.key_path.exists()
    assert call("keys", "--export").code == 0
    assert sealed.key_path.read_bytes() == before
    assert call("keys", "--export", tmp_path / "copies").code == 0
    copy = tmp_path / "copies" / f"{RUN}.key.gpg"
    assert copy.read_bytes() == before
    copy.write_bytes(b"another")
    answer = call("keys", "--export", tmp_path / "copies")
    assert answer.code == 1
    assert f"{copy} stays" in answer.err
    assert copy.read_bytes() == b"another"


def test_keys_are_written_to_the_present_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ArchiveJobFactory.create(sealed=True)
    monkeypatch.chdir(tmp_path)
    answer = call("keys", "--export", ".")
    assert (answer.code, answer.out) == (0, "1 key file written\n")
    assert [path.name for path in tmp_path.glob("*.gpg")] == [job.key_path.name]


def test_new_receivers_can_open_old_archives(
    sealed: ArchiveJob, site: Site, settings: Settings
) -> None:
    added = add_key(site.gnupg, "third")
    settings.CONFIG = site.config(gpg_receivers=[*site.receivers, added])
    digest, before = sealed.archive_sha256, sealed.key_path.read_bytes()
    planned = call("rewrap", "--all", "--dry-run")
    assert planned.code == 0
    assert f"{RUN}: would be wrapped anew" in planned.out
    assert sealed.key_path.read_bytes() == before
    done = call("rewrap", RUN)
    assert done.code == 0
    assert "1 wrapped anew, 0 were so already, 0 failed" in done.out
    assert len(recipients_of(sealed.key_path.read_bytes())) == 3
    sealed.refresh_from_db()
    assert sealed.archive_sha256 == digest
    assert Recipient.objects.get(fingerprint=added).jobs.get() == sealed
    assert "0 wrapped anew, 1 were so already" in call("rewrap", "--all").out
    listed = call("keys")
    assert len(listed.out.splitlines()) == 4
    assert "not known here" not in listed.out
    assert "\tno\t" not in listed.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "say --all"),
        (["--all", RUN], 2, "say --all"),
        (["nothing"], 2, "There is no archive of nothing"),
    ],
)
def test_what_to_rewrap_must_be_said(
    arguments: list[str], code: int, said: str, site: Site
) -> None:
    answer = call("rewrap", *arguments)
    assert answer.code == code
    assert said in answer.err


def test_a_rewrap_without_a_usable_key_changes_nothing(
    sealed: ArchiveJob, site: Site, settings: Settings
) -> None:
    settings.CONFIG = site.config(gpg_receivers=["nobody@example.org"])
    answer = call("rewrap", "--all")
    assert answer.code == 1
    assert "there is no public key of 'nobody@example.org'" in answer.err
