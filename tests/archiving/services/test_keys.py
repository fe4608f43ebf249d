from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archiving.engine.gpg.home import open_home
from archiving.errors import Code, KeyUnusable, Trouble
from archiving.models import ArchiveJob, Recipient
from archiving.services.keys import (
    check_recipients,
    fingerprints_of,
    note_recipients,
    open_session_key,
)
from archiving.services.keys import test_key as try_key
from seqhub.operations.models import Attention, Event
from tests.archiving.factories import ArchiveJobFactory, RecipientFactory
from tests.archiving.keys import add_key, gpg, make_home
from tests.archiving.runs import SHELL, Site
from tests.archiving.services.archives import make_archive, take_secret_keys_away
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def attention() -> list[str]:
    return sorted(Attention.objects.values_list("code", flat=True))


def test_a_check_tells_who_the_recipients_are(site: Site) -> None:
    (row,) = check_recipients(HOST)
    assert row.fingerprint == site.fingerprint
    assert row.user_id == "core <core@example.org>"
    assert (row.is_configured, row.has_secret_key, row.problem) == (True, True, "")
    assert attention() == []
    take_secret_keys_away(site)
    (row,) = check_recipients(HOST)
    assert not row.has_secret_key


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"expired": True}, Code.RECIPIENT_EXPIRED),
        ({"sign_only": True}, Code.RECIPIENT_UNUSABLE),
        ({"revoked": True}, Code.RECIPIENT_UNUSABLE),
    ],
    ids=["expired", "can't encrypt", "revoked"],
)
def test_a_key_that_can_not_be_used_is_on_the_list(
    site: Site, options: dict[str, Any], code: Code
) -> None:
    bad = add_key(site.gnupg, "bad", **options)
    site.configure(gpg_receivers=[site.fingerprint, bad])
    rows = {row.fingerprint: row for row in check_recipients(HOST)}
    assert rows[bad].problem == code
    assert rows[bad].next_step
    assert attention() == ["recipient_problem"]
    site.configure(gpg_receivers=[site.fingerprint])
    check_recipients(HOST)
    assert attention() == []
    assert not Recipient.objects.get(fingerprint=bad).is_configured


def test_a_key_that_is_not_there_is_known_by_its_name_until_it_comes(
    site: Site,
) -> None:
    site.configure(gpg_receivers=["anna@example.org"])
    (row,) = check_recipients(HOST)
    assert (str(row), row.problem) == ("anna@example.org", Code.RECIPIENT_MISSING)
    fingerprint = add_key(site.gnupg, "anna")
    (row,) = check_recipients(HOST)
    assert (row.fingerprint, row.problem) == (fingerprint, "")
    assert Recipient.objects.count() == 1


def test_a_key_that_went_is_still_known(site: Site) -> None:
    check_recipients(HOST)
    site.configure(gnupg_home=make_home(site.path / "empty"))
    (row,) = check_recipients(HOST)
    assert (row.fingerprint, row.problem) == (
        site.fingerprint,
        Code.RECIPIENT_MISSING,
    )
    assert row.user_id == "core <core@example.org>"


def test_one_that_expires_soon_is_told_of(site: Site) -> None:
    soon = add_key(site.gnupg, "soon", expires="10d")
    site.configure(gpg_receivers=[soon])
    (row,) = check_recipients(HOST)
    assert row.problem == ""
    assert "expires on" in row.message
    assert attention() == ["recipient_expires_soon"]


def test_a_missing_gpg_is_every_recipients_problem(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        (row,) = check_recipients(HOST)
    assert row.problem == Code.PROGRAM_MISSING
    assert attention() == ["recipient_problem"]


def test_lost_key_files_are_told_of(site: Site) -> None:
    job = make_archive(site)
    check_recipients(HOST)
    assert attention() == []
    content = job.key_path.read_bytes()
    job.key_path.unlink()
    check_recipients(HOST)
    assert job.name in Attention.objects.get(code="key_lost").message
    job.key_path.write_bytes(content)
    check_recipients(HOST)
    assert attention() == []


def test_a_key_id_gets_its_key_once_it_is_imported(site: Site) -> None:
    other = make_home(site.path / "other")
    fingerprint = add_key(other, "old")
    wrapped = gpg(
        other,
        *("--trust-model", "always", "--recipient", fingerprint, "--encrypt"),
        content=b"key\n",
    )
    job = ArchiveJobFactory.create(sealed=True)
    with open_home(site.data / "run" / "gnupg", site.gnupg) as home:
        note_recipients(job, fingerprints_of(home, wrapped))
    assert len(job.recipients.get().fingerprint) == 16
    add_key(site.gnupg, "old")
    check_recipients(HOST)
    assert job.recipients.get().fingerprint == fingerprint


def test_recipients_of_an_archive_are_replaced() -> None:
    job = ArchiveJobFactory.create(sealed=True)
    there = RecipientFactory.create()
    for fingerprints in (["F" * 40], [there.fingerprint, there.fingerprint, "E" * 40]):
        note_recipients(job, fingerprints)
        found = job.recipients.values_list("fingerprint", flat=True)
        assert set(found) == set(fingerprints)


def test_a_key_test_says_whether_it_works(site: Site) -> None:
    check_recipients(HOST)
    row = Recipient.objects.get()
    assert "could be decrypted" in try_key(row.pk, actor=SHELL)
    take_secret_keys_away(site)
    with pytest.raises(KeyUnusable, match="does not work here"):
        try_key(row.pk, actor=SHELL)
    assert Event.objects.filter(kind="key_tested").count() == 2


def test_the_key_of_an_archive_comes_from_the_database_first(site: Site) -> None:
    job = make_archive(site)
    job.key_path.write_bytes(b"rubbish")
    with open_home(site.data / "run" / "gnupg", site.gnupg) as home:
        assert len(open_session_key(job, home)) == 64
        ArchiveJob.objects.update(wrapped_key=None)
        job.refresh_from_db()
        with pytest.raises(Trouble) as rubbish:
            open_session_key(job, home)
        assert rubbish.value.code == Code.WRONG_KEY
        job.key_path.unlink()
        with pytest.raises(Trouble) as missing:
            open_session_key(job, home)
        assert missing.value.code == Code.NO_SECRET_KEY
