"""`manage.py import-statusdb`."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from archiving.choices import CopyState, Origin, Status
from archiving.management import statusdb
from archiving.models import ArchiveCopy, ArchiveJob
from tests.archiving.commands.shell import Site, call

pytestmark = pytest.mark.django_db(transaction=True)
MADE, CHANGED = "2024-01-31T10:00:00.123456", "2024-02-01T11:30:00"
# What a status becomes, and whether there is a copy.
STATUSES = {
    "pending": (Status.PENDING, None),
    "processing": (Status.PENDING, None),
    "failed": (Status.FAILED, None),
    "encrypted": (Status.ENCRYPTED, None),
    "archiving": (Status.ENCRYPTED, CopyState.FAILED),
    "archiving_failed": (Status.ENCRYPTED, CopyState.FAILED),
    "archived": (Status.ENCRYPTED, CopyState.STORED),
    "pdc_archived": (Status.ENCRYPTED, CopyState.STORED),
}


def document(name: str, status: str, **fields: Any) -> dict[str, Any]:
    return {
        "_id": name,
        "_rev": "3-abc",
        "path": f"/seq/A00001/{name}/",
        "status": status,
        "created_at": MADE,
        "updated_at": CHANGED,
        **fields,
    }


def dump(site: Site, *documents: Any) -> Path:
    file = site.directory / "dump.json"
    rows = [
        {"id": one["_id"], "key": one["_id"], "value": {"rev": "3-abc"}, "doc": one}
        for one in documents
    ]
    file.write_text(json.dumps({"total_rows": len(rows), "offset": 0, "rows": rows}))
    return file


def add_archives(site: Site, *names: str) -> None:
    for name in names:
        (site.archives / f"{name}.tar.gpg").write_bytes(b"archive")


def test_each_status_is_taken_over(site: Site) -> None:
    add_archives(site, *[f"run-{status}" for status in STATUSES])
    file = dump(
        site,
        {"_id": "_design/lookup", "views": {}},
        *[document(f"run-{status}", status) for status in STATUSES],
    )
    answer = call("import_statusdb", file)
    assert (answer.code, answer.err) == (0, "")
    assert "8 taken over, 0 brought up to date, 0 were known" in answer.out
    assert "archived: 2" in answer.out.splitlines()
    for status, (ours, copy) in STATUSES.items():
        job = ArchiveJob.objects.get(run_name=f"run-{status}")
        assert job.status == ours
        assert job.path == f"/seq/A00001/run-{status}"
        assert [one.state for one in job.copies.all()] == ([copy] if copy else [])
        assert job.created_at == dt.datetime.fromisoformat(f"{MADE}+00:00")
        assert job.updated_at == dt.datetime.fromisoformat(f"{CHANGED}+00:00")


@pytest.mark.parametrize("prefix", ["", "encryption_"])
def test_old_and_new_names_of_fields_are_known(prefix: str, site: Site) -> None:
    fields = {f"{prefix}failure_count": 3, f"{prefix}worker_id": "somewhere"}
    assert (
        call("import_statusdb", dump(site, document("r", "failed", **fields))).code == 0
    )
    assert ArchiveJob.objects.get().failure_count == 3


@pytest.mark.parametrize(
    ("value", "expected"), [(True, CHANGED), ("2024-02-03T04:05:06", None)]
)
def test_when_it_was_sent_away_is_kept(
    value: object, expected: str | None, site: Site
) -> None:
    add_archives(site, "another")
    file = dump(site, document("r", "encrypted", pdc_archived=value))
    assert call("import_statusdb", file).code == 0
    at = dt.datetime.fromisoformat(f"{expected or value}+00:00")
    assert ArchiveCopy.objects.get().stored_at == at


def test_archives_that_are_there_are_adopted_and_repeats_change_nothing(
    site: Site,
) -> None:
    site.keys.mkdir(parents=True)
    add_archives(site, "here")
    (site.keys / "here.key.gpg").write_bytes(b"no message")
    file = dump(site, document("here", "encrypted"), document("gone", "archived"))
    assert call("import_statusdb", file).code == 0
    here = ArchiveJob.objects.get(name="here")
    assert (here.origin, here.is_here) == (Origin.ADOPTED, True)
    assert bytes(here.wrapped_key or b"") == b"no message"
    assert not ArchiveJob.objects.get(name="gone").is_here
    again = call("import_statusdb", file)
    assert again.code == 0
    assert "0 taken over, 0 brought up to date, 2 were known" in again.out
    assert ArchiveJob.objects.count() == 2


@pytest.mark.parametrize("is_dry", [True, False])
def test_an_empty_destination_is_a_disk_that_is_away(site: Site, is_dry: bool) -> None:
    options = ["--dry-run"] if is_dry else []
    answer = call("import_statusdb", dump(site, document("r", "encrypted")), *options)
    assert answer.code == 2
    assert "seems not to be mounted" in answer.err
    assert not ArchiveJob.objects.exists()


def test_an_archive_that_is_nowhere_is_told_and_taken_over_later(site: Site) -> None:
    add_archives(site, "here")
    file = dump(site, document("here", "encrypted"), document("gone", "encrypted"))
    answer = call("import_statusdb", file)
    assert answer.code == 1
    assert "1 taken over" in answer.out
    assert "gone.tar.gpg can't be found" in answer.err
    assert "1 were left out" in answer.err
    add_archives(site, "gone")
    assert "1 taken over" in call("import_statusdb", file).out
    assert ArchiveJob.objects.filter(is_here=True).count() == 2


def test_a_dry_run_tells_and_changes_nothing(site: Site) -> None:
    answer = call("import_statusdb", dump(site, document("r", "failed")), "--dry-run")
    assert answer.code == 0
    assert "1 would be taken over" in answer.out
    assert not ArchiveJob.objects.exists()


def test_a_bad_document_is_told_and_stops_no_other(site: Site) -> None:
    bad = [
        document("a", "melted"),
        document("b", "failed", failure_count=-1),
        document("c", "pending", updated_at="yesterday"),
        document("d", "pending", path="relative"),
    ]
    file = dump(site, *bad, document("good", "pending"))
    answer = call("import_statusdb", file)
    assert answer.code == 1
    assert ArchiveJob.objects.get().run_name == "good"
    told = answer.err.splitlines()
    assert [line.split(":")[0] for line in told[:4]] == ["a", "b", "c", "d"]
    assert told[4] == "4 were left out"


def test_a_dump_can_forge_no_lines(site: Site) -> None:
    forged = "x\n\x1b[2Jall is well"
    answer = call("import_statusdb", dump(site, document(forged, "melted")))
    assert answer.code == 1
    assert "\x1b" not in answer.err
    assert answer.err.startswith("x\\x0a\\x1b[2Jall is well: status: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"rows": [\n  {"id": }', "no JSON at line 2, column 10"),
        (b'{"a": "\xff"}', "no text at byte 7"),
        (b"[]", "it has no rows"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"rows": [' + b"1" * 5_000 + b"]}", "a number of too many digits"),
    ],
)
def test_what_is_no_dump_is_refused(content: bytes, said: str, site: Site) -> None:
    file = site.directory / "dump.json"
    file.write_bytes(content)
    answer = call("import_statusdb", file)
    assert answer.code == 2
    assert said in answer.err


def test_a_dump_without_documents_is_told(site: Site) -> None:
    file = site.directory / "dump.json"
    file.write_text('{"rows": [{"id": "r", "key": "r", "value": {}}]}')
    answer = call("import_statusdb", file)
    assert answer.code == 1
    assert "r: no document: add include_docs=true" in answer.err


def test_a_dump_that_is_too_big_is_refused(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statusdb, "LIMIT_BYTES", 100)
    answer = call("import_statusdb", dump(site, document("r", "pending")))
    assert answer.code == 2
    assert "100 are the most that can be read" in answer.err
    missing = call("import_statusdb", site.directory / "missing")
    assert missing.code == 2
    assert "can't be read: No such file" in missing.err
