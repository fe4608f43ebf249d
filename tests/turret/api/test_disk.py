"""`/api/fs/...` and `/api/config`."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from rest_framework.test import APIClient

from tests.clients import client_with, make_user
from tests.turret.launching.site import Site
from tests.turret.repositories import make_repository

pytestmark = pytest.mark.django_db

Send = Callable[[APIClient], Any]
CALLS: list[Send] = [
    lambda client: client.get("/api/fs/roots"),
    lambda client: client.get("/api/fs/browse"),
    lambda client: client.post("/api/fs/mkdir?path=/none/new"),
    lambda client: client.post("/api/fs/upload?dir=/none", {"file": io.BytesIO(b"x")}),
    lambda client: client.get("/api/config"),
    lambda client: client.post("/api/config?path=/none", {"content": ""}, "json"),
    lambda client: client.get("/api/config/remote?pipeline=nf-core/demo"),
]


@pytest.fixture
def root(site: Site) -> Path:
    root = site.directory / "allowed"
    (root / "runs").mkdir()
    (root / "sheet.csv").write_text("sample\n")
    return root


def upload(client: APIClient, query: str, name: str, data: bytes) -> Any:
    file = io.BytesIO(data)
    file.name = name
    return client.post(f"/api/fs/upload?{query}", {"file": file}, "multipart")


@pytest.mark.parametrize("send", CALLS)
def test_whoever_may_not_launch_sees_nothing(send: Send, root: Path) -> None:
    user = make_user("turret.view_launch", "turret.view_workflow")
    answer = send(client_with("read", "write", user=user))
    assert answer.status_code == 403
    assert "turret.launch_launch" in answer.json()["detail"]
    assert send(APIClient()).status_code == 401


@pytest.mark.parametrize("send", [CALLS[2], CALLS[3], CALLS[5]])
def test_changes_need_the_scope_write(send: Send, root: Path) -> None:
    user = make_user("turret.launch_launch")
    assert send(client_with("read", user=user)).status_code == 403


def test_a_directory_is_shown(operator: APIClient, root: Path) -> None:
    assert operator.get("/api/fs/roots").json() == {"roots": [str(root)]}
    answer = operator.get("/api/fs/browse", {"path": str(root)})
    told = answer.json()
    times = [entry.pop("mtime") for entry in told["entries"]]
    assert all(datetime.fromisoformat(time).tzinfo for time in times)
    runs = {"name": "runs", "is_dir": True, "size": None, "path": f"{root}/runs"}
    sheet = {"name": "sheet.csv", "is_dir": False, "size": 7}
    assert told == {
        "path": str(root),
        "parent": None,
        "roots": [str(root)],
        "entries": [runs, {**sheet, "path": f"{root}/sheet.csv"}],
        "truncated": False,
    }
    assert operator.get("/api/fs/browse").json()["path"] == str(root)
    below = operator.get("/api/fs/browse", {"path": f"{root}/runs"}).json()
    assert below["parent"] == str(root)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/etc", 403),
        ("{root}/..", 403),
        ("{root}/../var", 403),
        ("{root}/none", 404),
        ("{root}/.hidden", 404),
        ("{root}/sheet.csv", 400),
        ("runs", 400),
        ("{root}/a\0b", 400),
    ],
)
def test_what_is_not_shown_is_refused(
    path: str, status: int, operator: APIClient, root: Path
) -> None:
    (root / ".hidden").mkdir()
    answer = operator.get("/api/fs/browse", {"path": path.format(root=root)})
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message", "detail"}


def test_the_data_directory_is_never_shown(operator: APIClient, site: Site) -> None:
    site.launcher["allowed_roots"] = [str(site.directory)]
    from_root = site.config()
    (site.directory / "var" / "x").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.CONFIG", from_root)
        answer = operator.get("/api/fs/browse", {"path": str(site.directory)})
        assert "var" not in [entry["name"] for entry in answer.json()["entries"]]
        below = {"path": f"{site.directory}/var/x"}
        assert operator.get("/api/fs/browse", below).status_code == 403


@pytest.mark.parametrize("place", ["launches", "launches/x", "way", "var/new"])
def test_nothing_of_launches_is_shown_or_written(
    place: str, operator: APIClient, site: Site
) -> None:
    """Their directories hold parameters, and tokens."""
    site.launcher["allowed_roots"] = [str(site.directory)]
    launch = site.launches / "x"
    launch.mkdir(parents=True)
    (launch / "launch.config").write_text("mine")
    (site.directory / "way").symlink_to(launch)
    address = make_repository(site.directory / "three")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.CONFIG", site.config())
        path = f"{site.directory}/{place}"
        shown = operator.get("/api/fs/browse", {"path": str(site.directory)}).json()
        assert [entry["name"] for entry in shown["entries"] if entry["is_dir"]] == [
            "allowed",
            "three",
        ]
        config = f"/api/config?path={path}/launch.config"
        for answer in (
            operator.get("/api/fs/browse", {"path": path}),
            operator.get(config),
            operator.post(config, {"content": ""}, "json"),
            operator.post(f"/api/fs/mkdir?path={path}/new"),
            upload(operator, f"dir={path}", "a", b"x"),
            operator.post(f"/api/pipeline/clone?pipeline={address}&path={path}/new"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "outside_roots")
    assert [path.name for path in launch.iterdir()] == ["launch.config"]


def test_without_roots_nothing_is_shown(operator: APIClient, site: Site) -> None:
    site.launcher["allowed_roots"] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.CONFIG", site.config())
        assert operator.get("/api/fs/roots").json() == {"roots": []}
        assert operator.get("/api/fs/browse").status_code == 400
        assert operator.get("/api/fs/browse", {"path": "/"}).status_code == 403


def test_a_directory_is_made_once(operator: APIClient, root: Path) -> None:
    path = f"{root}/new"
    answer = operator.post(f"/api/fs/mkdir?path={path}")
    assert (answer.status_code, answer.json()) == (200, {"path": path, "created": True})
    assert (root / "new").is_dir()
    assert operator.post(f"/api/fs/mkdir?path={path}").status_code == 409
    assert operator.post(f"/api/fs/mkdir?path={root}/.new").status_code == 400
    assert operator.post("/api/fs/mkdir").status_code == 400


@pytest.mark.parametrize("data", [b"", b"sample\n", b"x" * 3_000_000])
def test_a_file_is_uploaded_once_more(
    data: bytes, operator: APIClient, root: Path
) -> None:
    for name in ("in.csv", "in_1.csv"):
        answer = upload(operator, f"dir={root}/runs", "in.csv", data)
        path = f"{root}/runs/{name}"
        told = {"path": path, "filename": name, "size": len(data), "project": ""}
        assert (answer.status_code, answer.json()) == (200, told)
        assert Path(path).read_bytes() == data


def test_a_project_is_a_directory_of_the_first_root(
    operator: APIClient, root: Path
) -> None:
    answer = upload(operator, "project=runs", "a.csv", b"x")
    assert answer.json()["path"] == f"{root}/runs/a.csv"
    assert answer.json()["project"] == "runs"
    assert upload(operator, "project=..", "a.csv", b"x").status_code == 400
    assert upload(operator, "project=none", "a.csv", b"x").status_code == 404
    assert upload(operator, "", "a.csv", b"x").status_code == 400


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/a.csv", "a.csv"),
        ("/etc/a.csv", "a.csv"),
        ("..\\a.csv", "a.csv"),
        (".bashrc", None),
        ("..", None),
        ("é.csv", "é.csv"),
        ("a" * 300 + ".csv", "a" * 251 + ".csv"),
    ],
)
def test_names_of_uploads_lead_nowhere(
    sent: str, name: str | None, operator: APIClient, root: Path
) -> None:
    answer = upload(operator, f"dir={root}/runs", sent, b"x")
    assert answer.status_code == (200 if name else 400)
    assert [path.name for path in (root / "runs").iterdir()] == [name] * bool(name)


def test_a_newline_in_a_name_leads_nowhere(operator: APIClient, root: Path) -> None:
    body = (
        '--b\r\nContent-Disposition: form-data; name="file"; filename="a%0Ab\nc"\r\n'
        "\r\nx\r\n--b--\r\n"
    )
    kind = "multipart/form-data; boundary=b"
    path = f"/api/fs/upload?dir={root}/runs"
    answer = operator.generic("POST", path, body, kind)
    assert answer.status_code in (200, 400)
    assert all(path.name.isprintable() for path in (root / "runs").iterdir())


def test_an_upload_is_a_file(operator: APIClient, root: Path) -> None:
    path = f"/api/fs/upload?dir={root}"
    assert operator.post(path, {"file": "text"}, "multipart").status_code == 400
    assert operator.post(path, {}, "multipart").status_code == 400
    assert operator.post(path, {"a": 1}, "json").status_code == 415
    assert sorted(path.name for path in root.iterdir()) == ["runs", "sheet.csv"]


@pytest.mark.parametrize("by_session", [True, False])
def test_an_upload_that_is_too_large_is_refused(
    by_session: bool, operator: APIClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turret.api.disk.MOST_UPLOAD_BYTES", 1000)
    client: Any = operator
    if by_session:
        client = APIClient(enforce_csrf_checks=True)
        user = make_user("turret.launch_launch", is_staff=True)
        client.force_login(user)
        client.cookies["csrftoken"] = "a" * 32
        client.defaults["HTTP_X_CSRFTOKEN"] = "a" * 32
    assert upload(client, f"dir={root}", "a", b"x" * 1001).status_code == 413
    assert upload(client, f"dir={root}", "a", b"x" * 1000).status_code == 200


def test_an_upload_says_that_the_disk_is_full(
    operator: APIClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    answer = upload(operator, f"dir={root}/runs", "a", b"x")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "full" in answer.json()["detail"]
    assert list((root / "runs").iterdir()) == []


@pytest.mark.parametrize("send", [CALLS[2], CALLS[3], CALLS[5]])
def test_a_session_alone_changes_nothing(send: Send, root: Path) -> None:
    """Another site's page would send its cookie, too."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("turret.launch_launch", is_staff=True))
    answer = send(client)
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["detail"]


def test_secrets_of_configurations_are_masked_and_stay(
    operator: APIClient, root: Path
) -> None:
    file = root / "nextflow.config"
    text = "process.cpus = 2\naws.secretKey = 'hunter2'\n"
    file.write_text(text)
    query = {"path": str(root)}
    shown = operator.get("/api/config", query).json()["content"]
    assert "hunter2" not in shown
    assert "process.cpus = 2" in shown
    answer = operator.post(f"/api/config?path={root}", {"content": shown}, "json")
    assert answer.status_code == 400
    assert "[masked]" in answer.json()["detail"]
    assert file.read_text() == text


def test_secrets_of_a_pipeline_s_configuration_are_masked(
    operator: APIClient, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    file = tmp_path / "mine" / "nextflow.config"
    file.write_text("tower.accessToken = 'hunter2'")
    for call in ("config", "config/remote"):
        answer = operator.get(f"/api/{call}", {"pipeline": str(tmp_path / "mine")})
        assert answer.status_code == 200
        assert "hunter2" not in answer.content.decode()


def test_a_configuration_is_written_and_read(operator: APIClient, root: Path) -> None:
    path = f"{root}/runs/nextflow.config"
    nothing = {"content": "", "source": "", "path": path}
    assert operator.get("/api/config", {"path": f"{root}/runs"}).json() == nothing
    text = "process.cpus = 1 // å\n"
    for _ in range(2):
        answer = operator.post(
            f"/api/config?path={root}/runs", {"content": text}, "json"
        )
        assert answer.json() == {"saved": True, "path": path}
    told = {"content": text, "source": "local", "path": path}
    assert operator.get("/api/config", {"path": path}).json() == told


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("", "", 400),
        ("/etc", "", 403),
        ("{root}/none", "", 404),
        ("{root}/../nextflow.config", "", 403),
        ("{root}/.config", "", 400),
        ("{root}/runs", None, 400),
        ("{root}/runs", "a\0b", 400),
        ("{root}/runs", "\ud800", 400),
    ],
)
def test_a_configuration_that_can_t_be_is_refused(
    path: str, content: str | None, status: int, operator: APIClient, root: Path
) -> None:
    query = f"path={path.format(root=root)}"
    body = {} if content is None else {"content": content}
    text = json.dumps(body)
    answer = operator.generic("POST", f"/api/config?{query}", text, "application/json")
    assert answer.status_code == status
    assert list((root / "runs").iterdir()) == []


def test_other_files_are_not_read_as_configurations(
    operator: APIClient, root: Path
) -> None:
    answer = operator.get("/api/config", {"path": f"{root}/sheet.csv"})
    assert answer.status_code == 400
    assert "sample" not in answer.content.decode()


def test_a_pipeline_s_own_configuration_is_told(
    operator: APIClient, root: Path, tmp_path: Path
) -> None:
    address = make_repository(tmp_path / "three")
    told = operator.get("/api/config/remote", {"pipeline": address}).json()
    assert (told["source"], told["path"]) == ("pipeline", "")
    assert "manifest" in told["content"]
    query = {"path": str(root), "pipeline": address}
    assert operator.get("/api/config", query).json() == told
    (root / "nextflow.config").write_text("mine")
    assert operator.get("/api/config", query).json()["content"] == "mine"
    assert operator.get("/api/config/remote").status_code == 400
    missing = {"pipeline": f"{address}-none"}
    assert operator.get("/api/config/remote", missing).status_code == 404
