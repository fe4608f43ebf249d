"""`/api/archives/{id}/manifest`: in pages, and as one stream."""

from __future__ import annotations

import hashlib
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from rest_framework.test import APIClient

from archiving.engine.members import Kind, Member
from archiving.models import ArchiveJob
from tests.archiving.api.conftest import WriteManifest
from tests.archiving.factories import ArchiveJobFactory

DIGEST = hashlib.sha256(b"x").hexdigest()


def file(name: str, size: int = 1) -> Member:
    raw = name.encode(errors="surrogateescape")
    return Member(raw, Kind.FILE, 0o644, size, 1_700_000_000, sha256=DIGEST)


def directory(name: str) -> Member:
    raw = name.encode(errors="surrogateescape")
    return Member(raw, Kind.DIRECTORY, 0o755, 0, 1_700_000_000)


MEMBERS = [
    directory("RUN"),
    directory("RUN/Data"),
    file("RUN/Data/a.bcl", 10),
    directory("RUN/Data/L\udce51"),
    file("RUN/Data/L\udce51/b.bcl", 20),
    Member(b"RUN/Data/link", Kind.SYMLINK, 0o777, 0, 1_700_000_000, b"a.bcl"),
    file("RUN/RunInfo.xml"),
]


@pytest.fixture
def job(db: None, write_manifest: WriteManifest) -> ArchiveJob:
    job = ArchiveJobFactory.create(sealed=True, run_name="RUN")
    write_manifest(job, MEMBERS)
    return job


def page(client: APIClient, job: ArchiveJob, **query: str) -> dict[str, Any]:
    answer = client.get(f"/api/archives/{job.pk}/manifest", query)
    assert answer.status_code == 200, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def names(client: APIClient, job: ArchiveJob, **query: str) -> list[str]:
    return [entry["name"] for entry in page(client, job, **query)["results"]]


def text(client: APIClient, job: ArchiveJob, **query: str) -> bytes:
    query = {"format": "text", **query}
    answer = client.get(f"/api/archives/{job.pk}/manifest", query)
    assert isinstance(answer, StreamingHttpResponse)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    return b"".join(answer)


def test_all_members_come_in_the_archives_order(
    client: APIClient, job: ArchiveJob
) -> None:
    found = page(client, job)
    assert found["count"] == len(MEMBERS)
    assert found["results"][2] == {
        "name": "RUN/Data/a.bcl",
        "kind": "file",
        "mode": "0644",
        "bytes": 10,
        "mtime": 1_700_000_000,
        "sha256": DIGEST,
        "target": "",
        "files": None,
    }
    assert [entry["kind"] for entry in found["results"]] == [
        "directory",
        "directory",
        "file",
        "directory",
        "file",
        "symlink",
        "file",
    ]
    assert found["results"][5]["target"] == "a.bcl"


def test_a_directory_shows_what_lies_in_it(client: APIClient, job: ArchiveJob) -> None:
    [below, *others] = page(client, job, directory="RUN/Data")["results"]
    assert (below["name"], below["files"], below["bytes"]) == (
        "RUN/Data/L\\xe51",
        1,
        20,
    )
    assert [entry["name"] for entry in others] == ["RUN/Data/a.bcl", "RUN/Data/link"]


def test_a_name_is_asked_for_as_it_was_shown(
    client: APIClient, job: ArchiveJob
) -> None:
    inside = ["RUN/Data/L\\xe51/b.bcl"]
    assert names(client, job, directory="RUN/Data/L\\xe51/") == inside
    assert text(client, job, directory="RUN/Data/L\\xe51").endswith(
        b"  RUN/Data/L\xe51/b.bcl\n"
    )


def test_a_search_finds_names_in_any_case(client: APIClient, job: ArchiveJob) -> None:
    assert names(client, job, q="RUNINFO") == ["RUN/RunInfo.xml"]
    assert names(client, job, q="nothing") == []


def test_pages_lead_to_each_other(client: APIClient, job: ArchiveJob) -> None:
    seen: list[str] = []
    url: str | None = f"/api/archives/{job.pk}/manifest?limit=3&q=RUN"
    while url:
        found = client.get(url).json()
        assert (found["count"], len(found["results"]) <= 3) == (len(MEMBERS), True)
        seen += [entry["name"] for entry in found["results"]]
        url = found["next"]
    assert len(set(seen)) == len(seen) == len(MEMBERS)


def test_the_text_is_what_sha256sum_reads(
    client: APIClient, db: None, write_manifest: WriteManifest, tmp_path: Path
) -> None:
    job = ArchiveJobFactory.create(sealed=True, run_name="RUN")
    odd = ["RUN/a", "RUN/b\nc", "RUN/d\\e", "RUN/f\udce5"]
    path = write_manifest(job, [directory("RUN"), *map(file, odd)])
    for name in odd:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    whole = text(client, job)
    assert whole == path.read_bytes()
    for content in (whole, text(client, job, directory="RUN")):
        check = subprocess.run(
            ["sha256sum", "--check", "--strict", "--quiet", "-"],
            input=content,
            cwd=tmp_path,
            check=False,
            capture_output=True,
        )
        assert (check.returncode, check.stderr) == (0, b"")
    (tmp_path / odd[1]).write_bytes(b"y")
    check = subprocess.run(
        ["sha256sum", "--check", "-"],
        input=whole,
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert check.returncode == 1


def test_the_text_can_be_filtered(client: APIClient, job: ArchiveJob) -> None:
    line = f"{DIGEST}  RUN/RunInfo.xml\n".encode()
    assert text(client, job, q="info") == line
    assert text(client, job, directory="RUN/Data").count(b"\n") == 2
    assert text(client, job, q="nothing") == b""


def test_accept_chooses_the_text(client: APIClient, job: ArchiveJob) -> None:
    url = f"/api/archives/{job.pk}/manifest"
    answer = client.get(url, headers={"Accept": "text/plain"})
    assert b"".join(answer).startswith(b"# SeqHub manifest 1\n")
    refusal = client.get(f"{url}?q=a&directory=b", headers={"Accept": "text/plain"})
    assert refusal.status_code == 400
    assert refusal.content == b"invalid_value: Send either directory or q.\n"


def test_a_directory_that_is_not_there_is_404(
    client: APIClient, job: ArchiveJob
) -> None:
    for name in ("RUN/None", "RUN/RunInfo.xml", "../..", "RUN/Data/\\xe5"):
        answer = client.get(f"/api/archives/{job.pk}/manifest", {"directory": name})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("query", [{}, {"format": "text"}])
def test_a_manifest_that_is_not_here_is_409(
    client: APIClient, write_manifest: WriteManifest, query: dict[str, str]
) -> None:
    jobs = [
        ArchiveJobFactory.create(sealed=True, manifest_sha256=""),
        ArchiveJobFactory.create(sealed=True, manifest_host="elsewhere"),
        ArchiveJobFactory.create(sealed=True),
        ArchiveJobFactory.create(),
    ]
    for job in jobs:
        answer = client.get(f"/api/archives/{job.pk}/manifest", query)
        assert answer.status_code == 409
        assert b"manifest_not_here" in answer.content


def test_a_damaged_manifest_is_409(
    client: APIClient, job: ArchiveJob, write_manifest: WriteManifest
) -> None:
    path = write_manifest(job, MEMBERS)
    path.write_bytes(path.read_bytes()[:-20])
    answer = client.get(f"/api/archives/{job.pk}/manifest")
    assert (answer.status_code, answer.json()["code"]) == (409, "manifest_not_here")
    assert "damaged" in answer.json()["message"]


@pytest.mark.parametrize("query", [{}, {"q": "file"}])
def test_a_long_manifest_is_streamed_not_loaded(
    client: APIClient, write_manifest: WriteManifest, query: dict[str, str]
) -> None:
    def members() -> Iterator[Member]:
        yield directory("RUN")
        for number in range(20_000):
            yield file(f"RUN/{'long/' * 20}file{number:06}")

    job = ArchiveJobFactory.create(sealed=True, run_name="RUN")
    path = write_manifest(job, members())
    size = path.stat().st_size
    url = f"/api/archives/{job.pk}/manifest"
    client.get(url, {"format": "text", "q": "nothing"})
    tracemalloc.start()
    try:
        answer: Any = client.get(url, {"format": "text", **query})
        lines = sum(block.count(b"\n") for block in answer)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lines == (20_000 if query else path.read_bytes().count(b"\n"))
    assert size > 4_000_000
    assert peak < size / 3
