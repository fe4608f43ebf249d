"""Files of an archive in the console, and getting them back."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from archiving.choices import RestoreState
from archiving.engine.manifest import Header, ManifestWriter
from archiving.engine.members import Kind, Member
from archiving.engine.walk import LeftOut, Reason
from archiving.models import ArchiveJob, Restore
from archiving.panels.headline import restore_headline
from archiving.services.policy import current_policy
from seqhub.operations.models import Event
from tests.archiving.factories import (
    ArchiveJobFactory,
    RecipientFactory,
    RestoreFactory,
)
from tests.staff import staff

pytestmark = pytest.mark.django_db

LIST = "/admin/archiving/archivejob/"
RUN = "240131_A01234_0007_B"
ODD = b"r\xe5tt.txt"


def tab(job: ArchiveJob, **query: str) -> tuple[str, dict[str, str]]:
    return f"{LIST}{job.pk}/change/", {"tab": "files", **query}


@pytest.fixture
def job(settings: Settings, tmp_path: Path) -> ArchiveJob:
    """A sealed archive whose list of files can be read, and a place to restore to."""
    root = tmp_path / "restored"
    root.mkdir()
    archiving = settings.CONFIG.archiving.model_copy(update={"restore_roots": [root]})
    update = {"archiving": archiving, "data_dir": tmp_path / "data"}
    settings.CONFIG = settings.CONFIG.model_copy(update=update)
    found = ArchiveJobFactory.create(
        sealed=True, run_name=RUN, path=f"/data/seq/{RUN}", source_bytes=2**62
    )
    directory = current_policy().manifests_dir
    directory.mkdir(parents=True)
    header = Header(RUN, timezone.now(), ("Thumbs",), "tar (GNU tar) 1.34")
    with (directory / f"{found.pk}.manifest").open("wb") as file:
        writer = ManifestWriter(file, header)
        left_out = f"{RUN}/Thumbs".encode()
        writer.left_out(LeftOut(left_out, Reason.EXCLUDED, 12, 4096))
        for member in members():
            writer.member(member)
        writer.close()
    return found


def members() -> list[Member]:
    run = RUN.encode()
    names = [run, run + b"/Data", run + b"/Data/L001"]
    directories = [Member(name, Kind.DIRECTORY, 0o755, 0, 1) for name in names]
    files = [b"/Data/L001/1.bcl", b"/Data/L001/2.bcl", b"/Data/" + ODD]
    return directories + [
        Member(run + name, Kind.FILE, 0o644, 1024, 1, b"", "a" * 64) for name in files
    ]


def lines(client: Client, job: ArchiveJob, **query: str) -> list[Any]:
    address, query = tab(job, **query)
    panels = client.get(address, query).context["panels"]
    return list(panels[0].content["lines"])


def test_an_archives_directories_are_walked(job: ArchiveJob) -> None:
    client = staff("viewer")
    (data,) = lines(client, job)
    assert (data.name, data.files, data.size_bytes) == ("Data", 3, 3072)
    below = lines(client, job, dir=data.key)
    assert [line.name for line in below] == ["L001", "r\\xe5tt.txt"]
    files = lines(client, job, dir=below[0].key)
    assert [(line.name, line.size_bytes) for line in files] == [
        ("1.bcl", 1024),
        ("2.bcl", 1024),
    ]


def test_files_are_found_by_words_in_their_names(job: ArchiveJob) -> None:
    found = lines(staff("viewer"), job, q="l001/2")
    assert [line.name for line in found] == [f"{RUN}/Data/L001/2.bcl"]


def test_what_was_left_out_is_listed(job: ArchiveJob) -> None:
    address, query = tab(job)
    text = staff("viewer").get(address, query).content.decode()
    assert "12 files, 4.0 KiB, are not in the archive" in text
    assert "<code>Thumbs</code>" in text


@pytest.mark.parametrize("query", [{"dir": "no/such"}, {"page": "99"}, {"page": "x"}])
def test_a_place_that_is_not_there_is_no_error(
    job: ArchiveJob, query: dict[str, str]
) -> None:
    address, query = tab(job, **query)
    assert staff("viewer").get(address, query).status_code == 200


def test_a_list_of_files_that_is_elsewhere_says_so(job: ArchiveJob) -> None:
    ArchiveJob.objects.update(manifest_host="otherhost")
    address, query = tab(job)
    text = staff("viewer").get(address, query).content.decode()
    assert "is kept on otherhost" in text


def test_a_damaged_list_of_files_says_so(job: ArchiveJob) -> None:
    (current_policy().manifests_dir / f"{job.pk}.manifest").write_bytes(b"nonsense\n")
    address, query = tab(job)
    text = staff("viewer").get(address, query).content.decode()
    assert "The list of files can&#x27;t be shown: line 1" in text


def restore(client: Client, job: ArchiveJob, **answers: object) -> Any:
    root = str(current_policy().restore_roots[0])
    data = {"root": root, "subdirectory": "", "reason": "Because.", "names": "[]"}
    return client.post(f"{LIST}{job.pk}/restore/", {**data, **answers})


def test_a_manager_restores_a_run(job: ArchiveJob) -> None:
    answer = restore(staff("manager"), job, subdirectory="anna/again")
    assert answer["Location"] == f"{LIST}{job.pk}/change/?tab=restores"
    row = Restore.objects.get()
    root = current_policy().restore_roots[0]
    assert row.target == str(root / "anna/again")
    assert (row.files, row.requested_by, row.reason) == ([], "manager", "Because.")


def test_a_restores_page_tells_its_own_history(job: ArchiveJob) -> None:
    client = staff("manager")
    for name in ("a", "b"):
        restore(client, job, subdirectory=name, reason=f"For {name}.")
    row = Restore.objects.get(reason="For a.")
    text = client.get(f"/admin/archiving/restore/{row.pk}/change/").content.decode()
    (line,) = re.findall(r"<li class=\"by-person\">.*?</li>", text, re.S)
    assert "For a." in line


def test_files_that_were_ticked_are_restored(job: ArchiveJob) -> None:
    client = staff("manager")
    below = lines(client, job, dir=f"{RUN}/Data")
    keys = [line.key for line in below]
    data = {"choose": "1", "member": keys}
    asked = client.post(f"{LIST}{job.pk}/restore/", data)
    text = asked.content.decode()
    assert not Restore.objects.exists()
    assert "Data/L001, Data/r\\xe5tt.txt: decrypted" in text
    assert "It needs 3.0 KiB." in text
    names = asked.context["form"].initial["names"]
    restore(client, job, names=json.dumps(names))
    assert Restore.objects.get().files == ["Data/L001", "Data/r\\xe5tt.txt"]


def test_too_little_room_is_told_before(job: ArchiveJob) -> None:
    text = staff("manager").get(f"{LIST}{job.pk}/restore/").content.decode()
    assert "free, too little)" in text


@pytest.mark.parametrize(
    "answers",
    [
        {"root": "/etc"},
        {"subdirectory": "../.."},
        {"names": '{"a": 1}'},
        {"names": "[1]"},
        {"names": '["../x"]'},
        {"reason": " "},
    ],
)
def test_a_restore_elsewhere_or_of_nonsense_is_refused(
    job: ArchiveJob, answers: dict[str, str]
) -> None:
    answer = restore(staff("manager"), job, **answers)
    assert answer.status_code == 200
    assert not Restore.objects.exists()


def test_an_operator_restores_nothing(job: ArchiveJob) -> None:
    client = staff("operator")
    assert restore(client, job).status_code == 403
    row = RestoreFactory.create(job=job, state=RestoreState.AVAILABLE)
    page = f"/admin/archiving/restore/{row.pk}"
    for key in ("cancel", "extend", "retry", "remove"):
        answer = client.post(f"{page}/do/{key}/", {"reason": "x"})
        assert answer.status_code == 403
    assert "/do/" not in client.get(f"{page}/change/").content.decode()
    address, query = tab(job)
    assert "Restore these" not in client.get(address, query).content.decode()


@pytest.mark.parametrize(
    ("state", "key"),
    [
        (RestoreState.REQUESTED, "cancel"),
        (RestoreState.RUNNING, "cancel"),
        (RestoreState.AVAILABLE, "extend"),
        (RestoreState.AVAILABLE, "remove"),
        (RestoreState.FAILED, "retry"),
        (RestoreState.EXPIRED, "retry"),
    ],
)
def test_a_manager_acts_on_a_restore(
    job: ArchiveJob, state: RestoreState, key: str
) -> None:
    client = staff("manager")
    soon = timezone.now() + dt.timedelta(days=1)
    target = str(current_policy().restore_roots[0])
    row = RestoreFactory.create(job=job, state=state, target=target, expires_at=soon)
    page = f"/admin/archiving/restore/{row.pk}"
    assert f"{page}/do/{key}/" in client.get(f"{page}/change/").content.decode()
    answer = client.post(f"{page}/do/{key}/", {"reason": "Because."})
    assert answer["Location"] == f"{page}/change/"
    assert Event.objects.filter(actor="manager").exists()


@pytest.mark.parametrize(
    ("state", "words", "is_live"),
    [
        (RestoreState.REQUESTED, "Waiting for a free worker", True),
        (RestoreState.RUNNING, "Being decrypted and written", True),
        (RestoreState.AVAILABLE, "each of 3 files is as it was sealed", False),
        (RestoreState.FAILED, "No room. Free some.", False),
        (RestoreState.EXPIRED, "It can be restored again.", False),
        (RestoreState.CANCELLED, "nothing is left of it", False),
    ],
)
def test_a_restores_page_opens_with_what_it_waits_for(
    state: RestoreState, words: str, is_live: bool
) -> None:
    failed = state == RestoreState.FAILED
    row = RestoreFactory.create(
        state=state,
        files_checked=3,
        message="No room" if failed else "",
        next_step="Free some." if failed else "",
    )
    client = staff("viewer")
    for name in ("change", "live"):
        text = client.get(f"/admin/archiving/restore/{row.pk}/{name}/").content.decode()
        assert words in text
        assert ("every 2s" in text) is is_live


@pytest.mark.parametrize("state", list(RestoreState))
def test_an_archives_restores_follow_while_one_is_open(state: RestoreState) -> None:
    row = RestoreFactory.create(state=state)
    page = f"{LIST}{row.job.pk}/change/"
    text = staff("viewer").get(page, {"tab": "restores"}).content.decode()
    is_open = state in (RestoreState.REQUESTED, RestoreState.RUNNING)
    assert ('hx-select="#panel-restores"' in text) is is_open


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "The whole run"),
        (["Data/1.bcl"], "Data/<wbr>1.bcl"),
        (["a", "b"], "2 chosen"),
    ],
)
def test_a_restore_says_what_it_brings_back(files: list[str], words: str) -> None:
    row = RestoreFactory.create(files=files)
    client = staff("viewer")
    for page in (
        f"{LIST}{row.job.pk}/change/?tab=restores",
        f"/admin/archiving/restore/{row.pk}/change/",
    ):
        assert words in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("keys", "is_warned"), [([], False), ([False], True), ([False, True], False)]
)
def test_the_form_says_that_no_key_opens_the_archive(
    job: ArchiveJob, keys: list[bool], is_warned: bool
) -> None:
    for has_secret_key in keys:
        job.recipients.add(RecipientFactory.create(has_secret_key=has_secret_key))
    text = staff("manager").get(f"{LIST}{job.pk}/restore/").content.decode()
    command = f"seqhub restore {RUN} --to DIRECTORY --key-file FILE"
    assert (command in text) is is_warned


def test_one_file_is_not_called_files() -> None:
    row = RestoreFactory.create(state=RestoreState.AVAILABLE, files_checked=1)
    assert "; its only file is as it was sealed." in restore_headline(
        row, timezone.now()
    )
