from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection, transaction

from archiving.choices import CheckState, Depth, Status
from archiving.engine.gpg.wrapping import recipients_of
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob
from archiving.services import rewrapping
from archiving.services.rewrapping import export_keys, rewrap
from seqhub.lib.files import write_atomic
from seqhub.operations.models import Event
from tests.archiving.factories import ArchiveJobFactory
from tests.archiving.keys import add_key, make_home
from tests.archiving.runs import SHELL, Site
from tests.archiving.services.archives import (
    make_archive,
    take_secret_keys_away,
    verify,
)

pytestmark = pytest.mark.django_db(transaction=True)


def add_receiver(site: Site) -> str:
    """Somebody whose secret key is elsewhere."""
    fingerprint = add_key(site.gnupg, "anna", public_only=True)
    site.configure(gpg_receivers=[site.fingerprint, fingerprint])
    return fingerprint


def test_a_new_receiver_can_open_old_archives(site: Site) -> None:
    job = make_archive(site)
    archive = job.archive_path.read_bytes()
    anna = add_receiver(site)
    report = rewrap(None, actor=SHELL)
    assert (report.rewrapped, report.failed) == ([job.name], {})
    assert len(recipients_of(job.key_path.read_bytes())) == 2
    assert job.archive_path.read_bytes() == archive
    found = set(job.recipients.values_list("fingerprint", flat=True))
    assert found == {site.fingerprint, anna}
    assert Event.objects.filter(subject=job.subject, kind="rewrapped").exists()
    # With Anna's secret key alone.
    site.configure(gnupg_home=make_home(site.path / "annas"))
    add_key(site.path / "annas", "anna")
    row = verify(job)
    assert (row.state, row.depth) == (CheckState.OK, Depth.FULL)
    assert rewrap_again(site, job) == ([], [job.name])


def rewrap_again(site: Site, job: ArchiveJob) -> tuple[list[str], list[str]]:
    site.configure(gnupg_home=site.gnupg)
    report = rewrap([job.pk], actor=SHELL)
    return report.rewrapped, report.unchanged


def test_a_dry_run_writes_nothing(site: Site) -> None:
    job = make_archive(site)
    before = job.key_path.read_bytes()
    add_receiver(site)
    assert rewrap([job.pk], actor=SHELL, dry_run=True).rewrapped == [job.name]
    assert job.key_path.read_bytes() == before
    job.refresh_from_db()
    assert bytes(job.wrapped_key or b"") == before


def test_a_receiver_without_a_key_stops_it_before_it_begins(site: Site) -> None:
    make_archive(site)
    site.configure(gpg_receivers=[site.fingerprint, "nobody@example.org"])
    with pytest.raises(Trouble) as trouble:
        rewrap(None, actor=SHELL)
    assert trouble.value.code == Code.RECIPIENT_MISSING


def test_what_can_not_be_rewrapped_is_reported(site: Site) -> None:
    job = make_archive(site)
    add_receiver(site)
    take_secret_keys_away(site)
    report = rewrap(None, actor=SHELL)
    assert "no secret key" in report.failed[job.name]


def test_an_archive_that_is_being_sealed_anew_is_left_alone(site: Site) -> None:
    job = make_archive(site)
    before = job.key_path.read_bytes()
    add_receiver(site)
    ArchiveJob.objects.update(status=Status.PROCESSING)
    assert "sealed anew" in rewrap(None, actor=SHELL).failed[job.name]
    assert job.key_path.read_bytes() == before


def test_without_its_key_file_nothing_is_rewrapped(site: Site) -> None:
    job = make_archive(site)
    add_receiver(site)
    run_keys = Path(job.run_keys)
    away = run_keys.rename(run_keys.with_name("away"))
    assert "can't be written" in rewrap(None, actor=SHELL).failed[job.name]
    away.rename(run_keys)
    assert verify(job).state == CheckState.OK
    assert rewrap(None, actor=SHELL).rewrapped == [job.name]
    assert verify(job).state == CheckState.OK


def test_a_lost_key_file_is_written_by_the_way(site: Site) -> None:
    job = make_archive(site)
    job.key_path.unlink()
    assert rewrap(None, actor=SHELL).rewrapped == [job.name]
    assert job.key_path.read_bytes() == bytes(job.wrapped_key or b"")
    assert rewrap(None, actor=SHELL).unchanged == [job.name]


@pytest.mark.parametrize("is_new", [True, False], ids=["new receiver", "no change"])
@pytest.mark.parametrize("dry_run", [True, False])
def test_a_key_file_that_is_not_the_databases_stays(
    site: Site, is_new: bool, dry_run: bool
) -> None:
    job = make_archive(site)
    if is_new:
        add_receiver(site)
    before = job.key_path.read_bytes()
    # The database is as it was before the archive was sealed anew.
    stale = make_archive(site, site.add_run("M04034", "other")).wrapped_key
    ArchiveJob.objects.filter(pk=job.pk).update(wrapped_key=stale)
    report = rewrap([job.pk], actor=SHELL, dry_run=dry_run)
    assert (report.rewrapped, report.unchanged) == ([], [])
    assert f"{job.key_path} is not the key" in report.failed[job.name]
    assert job.key_path.read_bytes() == before
    job.refresh_from_db()
    assert bytes(job.wrapped_key or b"") == bytes(stale or b"")


def test_the_key_file_is_written_before_anybody_else_may_publish(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = make_archive(site)
    add_receiver(site)
    seen: list[bool] = []

    def is_locked() -> None:
        try:
            with transaction.atomic():
                rows = ArchiveJob.objects.select_for_update(skip_locked=True)
                seen.append(not rows.filter(pk=job.pk).exists())
        finally:
            connection.close()

    def write(path: Path, content: bytes) -> None:
        other = threading.Thread(target=is_locked)
        other.start()
        other.join()
        write_atomic(path, content)

    # Only looks at the row at the moment of the write; the write is the real one.
    monkeypatch.setattr(rewrapping, "write_atomic", write)
    assert rewrap(None, actor=SHELL).rewrapped == [job.name]
    assert seen == [True]
    assert len(recipients_of(job.key_path.read_bytes())) == 2


def test_lost_key_files_are_written_from_the_database(site: Site) -> None:
    job = make_archive(site)
    other = make_archive(site, site.add_run("M04034", "other"))
    job.key_path.unlink()
    other.key_path.write_bytes(b"another")
    assert export_keys(None, dry_run=True).written == [job.key_path]
    assert not job.key_path.exists()
    report = export_keys(None)
    assert (report.written, report.different) == ([job.key_path], [other.key_path])
    assert job.key_path.read_bytes() == bytes(job.wrapped_key or b"")
    assert job.key_path.stat().st_mode & 0o777 == 0o600
    assert other.key_path.read_bytes() == b"another"


def test_all_keys_are_written_to_a_directory(site: Site, tmp_path: Path) -> None:
    job = make_archive(site)
    ArchiveJob.objects.update(host="elsewhere")
    assert export_keys(None).written == []
    export_keys(tmp_path / "safe")
    assert list((tmp_path / "safe").iterdir()) == [
        tmp_path / "safe" / job.key_path.name
    ]


def test_keys_of_equal_names_get_names_of_their_own(tmp_path: Path) -> None:
    """Archives of two hosts, or at two destinations."""
    first = ArchiveJobFactory.create(sealed=True, name="run", wrapped_key=b"1")
    second = ArchiveJobFactory.create(
        sealed=True, name="run", wrapped_key=b"2", destination="/other"
    )
    # However late the first one gets its key.
    ArchiveJob.objects.filter(pk=first.pk).update(wrapped_key=None)
    assert export_keys(tmp_path).different == []
    ArchiveJob.objects.filter(pk=first.pk).update(wrapped_key=b"1")
    assert export_keys(tmp_path).different == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "run.key.gpg": b"1",
        f"run.{second.pk}.key.gpg": b"2",
    }
