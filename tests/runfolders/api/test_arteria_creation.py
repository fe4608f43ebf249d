"""Run folders for testing a client, made through `/api/1.0`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rest_framework.test import APIClient

from runfolders.conf import MonitoredDirectory
from runfolders.models import Root
from tests.runfolders.api.arteria import API, is_error
from tests.runfolders.runs import NOVASEQ, run_info


def test_a_test_run_folder_is_created_and_marked_as_ready(
    client: APIClient, root: Root, configure: Callable[..., None]
) -> None:
    configure(can_create_runfolder=True)
    path = f"{root.path}/140101_M04499_0001_TEST"
    answer = client.put(f"{API}/path{path}")
    assert (answer.status_code, answer.content) == (201, b"")
    made = (Path(path) / "runParameters.xml").read_text()
    assert "<ReagentKitBarcode>AB1234567-123V1</ReagentKitBarcode>" in made
    entry = client.get(f"{API}/path{path}").json()
    assert entry["state"] == "none"
    assert entry["metadata"] == {
        "reagent_kit_barcode": "AB1234567-123V1",
        "library_tube_barcode": "NV0012345-LIB",
    }
    assert client.get(f"{API}/next").status_code == 204

    answer = client.put(f"{API}/test/markasready/path{path}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (Path(path) / "RTAComplete.txt").exists()
    assert client.get(f"{API}/next").json()["path"] == path
    assert client.get(f"{API}/pickup").json()["state"] == "pending"


def test_creation_is_refused_where_it_must_not_or_can_not_be(
    client: APIClient,
    root: Root,
    tmp_path: Path,
    configure: Callable[..., None],
) -> None:
    path = f"{root.path}/RUN"
    assert is_error(client.put(f"{API}/path{path}"), 400, "creation_refused")
    marked = client.put(f"{API}/test/markasready/path{path}")
    assert is_error(marked, 400, "creation_refused")
    assert list(Path(root.path).iterdir()) == []

    configure(can_create_runfolder=True)
    assert client.put(f"{API}/path{path}").status_code == 201
    assert is_error(client.put(f"{API}/path{path}"), 400, "creation_refused")
    for outside in (f"{tmp_path}/RUN", f"{path}/RUN", "/etc/RUN", "RUN"):
        answer = client.put(f"{API}/path{outside}")
        assert is_error(answer, 400, "not_monitored")


def test_marking_as_ready_changes_no_file_that_is_there(
    client: APIClient, root: Root, configure: Callable[..., None]
) -> None:
    configure(can_create_runfolder=True)
    path = f"{root.path}/RUN"
    client.put(f"{API}/path{path}")
    marker = Path(path) / "RTAComplete.txt"
    marker.write_text("1/1/2024,12:00:00,Illumina RTA 1.18.54")
    before = marker.stat().st_mtime_ns
    assert client.put(f"{API}/test/markasready/path{path}").status_code == 200
    assert marker.read_text() == "1/1/2024,12:00:00,Illumina RTA 1.18.54"
    assert marker.stat().st_mtime_ns == before
    assert client.get(f"{API}/next").json()["path"] == path


def test_nothing_is_made_behind_a_link_below_a_root(
    client: APIClient, tmp_path: Path, configure: Callable[..., None]
) -> None:
    outside = tmp_path / "outside"
    (outside / "RUN").mkdir(parents=True)
    (outside / "RUN" / "RunInfo.xml").write_text(run_info(NOVASEQ))
    real = tmp_path / "seq"
    (real / "A00834").mkdir(parents=True)
    (real / "link").symlink_to(outside)
    # The root itself may be reached through a link.
    (tmp_path / "linked").symlink_to(real)
    watched = MonitoredDirectory(path=tmp_path / "linked", depth=2)
    configure(can_create_runfolder=True, monitored_directories=[watched])
    url = f"{API}/path{tmp_path}/linked"
    assert client.put(f"{url}/A00834/RUN").status_code == 201
    assert is_error(client.put(f"{url}/link/NEW"), 400, "creation_refused")
    marked = client.put(f"{API}/test/markasready/path{tmp_path}/linked/link/RUN")
    assert marked.status_code in (400, 404)
    found = sorted(str(path.relative_to(outside)) for path in outside.rglob("*"))
    assert found == ["RUN", "RUN/RunInfo.xml"]
