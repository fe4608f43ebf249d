"""`/api/1.0` as arteria-runfolder's clients know it, row by row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from runfolders.choices import State
from runfolders.models import Root
from seqhub.operations.models import Event
from tests.factories import RootFactory, RunfolderFactory
from tests.runfolders.api.arteria import API, JSON, is_error, names, send
from tests.runfolders.api.conftest import MakeRun


def test_a_run_folder_has_the_keys_that_clients_read(
    client: APIClient, make_run: MakeRun
) -> None:
    run = make_run("RUN", reagent_kit_barcode="MS1-300V2", library_tube="NV1-LIB")
    answer = client.get(f"{API}/path{run.path}", headers={"Host": "localhost:8123"})
    assert answer.status_code == 200
    assert answer["Content-Type"] == JSON
    assert answer.json() == {
        "host": "testhost",
        "path": run.path,
        "state": "ready",
        "service_version": django_settings.VERSION,
        "metadata": {
            "reagent_kit_barcode": "MS1-300V2",
            "library_tube_barcode": "NV1-LIB",
        },
        "link": f"http://localhost:8123{API}/path{run.path}",
    }


def test_unknown_metadata_is_left_out(client: APIClient, make_run: MakeRun) -> None:
    run = make_run("RUN")
    assert client.get(f"{API}/path{run.path}").json()["metadata"] == {}


def test_the_list_has_ready_ones_unless_asked_for_others(
    client: APIClient, make_run: MakeRun
) -> None:
    for state in State.values:
        make_run(f"run-{state}", state=state)
    assert names(client.get(API)) == ["run-ready"]
    assert sorted(names(client.get(f"{API}?state=*"))) == sorted(
        f"run-{state}" for state in State.values
    )
    for state in State.values:
        for word in (state, state.upper(), state.title()):
            assert names(client.get(f"{API}?state={word}")) == [f"run-{state}"]


@pytest.mark.parametrize("word", ["unknown", "", "ready,done", "%00", "**"])
def test_a_list_of_an_unknown_state_is_refused(client: APIClient, word: str) -> None:
    assert is_error(client.get(f"{API}?state={word}"), 400, "unknown_state")


def test_lists_are_those_of_this_host_and_of_what_is_watched(
    client: APIClient, make_run: MakeRun, tmp_path: Path
) -> None:
    make_run("mine")
    make_run("ignored", ignored_at="2024-01-01T00:00Z")
    other = RootFactory.create(host="elsewhere", path=str(tmp_path))
    RunfolderFactory.create(root=other, path=str(tmp_path), complete=True)
    former = RootFactory.create(path=str(tmp_path), is_configured=False)
    RunfolderFactory.create(root=former, path=str(tmp_path / "seq"), complete=True)
    assert names(client.get(f"{API}?state=*")) == ["mine"]
    assert client.get(f"{API}/next").json()["path"].endswith("/mine")


def test_what_was_deleted_a_moment_ago_is_in_no_answer(
    client: APIClient, make_run: MakeRun
) -> None:
    gone = make_run("gone")
    there = make_run("there")
    shutil.rmtree(gone.path)
    assert names(client.get(API)) == ["there"]
    assert client.get(f"{API}/next").json()["path"] == there.path
    assert is_error(client.get(f"{API}/path{gone.path}"), 404, "runfolder_not_found")
    gone.refresh_from_db()
    # Whether it is gone for good is for the scan to say.
    assert (gone.is_present, gone.missing_since is None) == (True, False)


def test_runs_on_an_unmounted_disk_are_not_offered_but_stay_known(
    client: APIClient, make_run: MakeRun, root: Root
) -> None:
    run = make_run("RUN")
    Path(root.path).rename(f"{root.path}.away")
    assert names(client.get(API)) == []
    assert client.get(f"{API}/next").status_code == 204
    assert client.get(f"{API}/pickup").status_code == 204
    run.refresh_from_db()
    assert (run.is_present, run.state) == (True, "ready")
    Path(f"{root.path}.away").rename(root.path)
    assert names(client.get(API)) == ["RUN"]


def test_next_changes_nothing(client: APIClient, make_run: MakeRun) -> None:
    first = make_run("first", completed_at="2024-01-01T00:00Z")
    make_run("second", completed_at="2024-01-02T00:00Z")
    for _ in range(2):
        answer = client.get(f"{API}/next")
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        assert answer.json()["path"] == first.path
        assert answer.json()["state"] == "ready"
    assert not Event.objects.filter(kind="state_changed").exists()


@pytest.mark.parametrize("call", ["next", "pickup"])
def test_nothing_to_hand_out_is_204_without_a_body(
    client: APIClient, root: Root, call: str
) -> None:
    answer = client.get(f"{API}/{call}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("word", [*State.values, "DONE", "Started"])
@pytest.mark.parametrize("prefix", ["/path", ""])
def test_a_client_sets_any_state(
    client: APIClient, make_run: MakeRun, word: str, prefix: str
) -> None:
    run = make_run("RUN", state="cancelled")
    answer = client.post(f"{API}{prefix}{run.path}", {"state": word}, "json")
    assert (answer.status_code, answer.content) == (200, b"")
    run.refresh_from_db()
    assert run.state == word.lower()
    changes = Event.objects.filter(kind="state_changed")
    assert changes.count() == (word.lower() != "cancelled")
    for change in changes:
        assert (change.runfolder_ref, change.data["to"]) == (run.pk, word.lower())
        assert change.actor.startswith("robot (")


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", "", "x"],
)
def test_a_body_is_json_whatever_its_type(
    client: APIClient, make_run: MakeRun, content_type: str
) -> None:
    run = make_run("RUN")
    answer = send(
        client, "POST", f"{API}/path{run.path}", b'{"state": "done"}', content_type
    )
    assert answer.status_code == 200
    run.refresh_from_db()
    assert run.state == "done"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"state": "nonsense"}', "unknown_state"),
        (b'{"state": null}', "unknown_state"),
        (b'{"state": ["done"]}', "unknown_state"),
        (b'{"state": "\\ud800"}', "unknown_state"),
        (b'{"State": "done"}', "invalid_value"),
        (b"{}", "invalid_value"),
        (b"", "invalid_value"),
        (b"null", "invalid_value"),
        (b'"state"', "invalid_value"),
        (b'["state"]', "invalid_value"),
        (b"state=done", "parse_error"),
        (b"\xff\xfe", "parse_error"),
        (b"[" * 100_000, "parse_error"),
        (b'"' + b"x" * (1 << 20) + b'"', "parse_error"),
    ],
)
def test_a_body_without_a_known_state_is_refused(
    client: APIClient, make_run: MakeRun, body: bytes, code: str
) -> None:
    run = make_run("RUN")
    for path in (f"{API}/path{run.path}", f"{API}{run.path}"):
        answer = send(client, "POST", path, body, "application/json")
        assert is_error(answer, 400, code)
    run.refresh_from_db()
    assert run.state == "ready"


def test_a_state_is_set_for_known_run_folders_only(
    client: APIClient, root: Root, tmp_path: Path
) -> None:
    (Path(root.path) / "plain").mkdir()
    (tmp_path / "outside").mkdir()
    for path, status, code in (
        (f"{root.path}/missing", 404, "runfolder_not_found"),
        (f"{root.path}/plain", 404, "runfolder_not_found"),
        (f"{tmp_path}/outside", 400, "not_monitored"),
        (root.path, 400, "not_monitored"),
    ):
        answer = client.post(f"{API}/path{path}", {"state": "done"}, "json")
        assert is_error(answer, status, code)
    assert list((Path(root.path) / "plain").iterdir()) == []


def test_the_log_level_is_changed_in_running_processes(client: APIClient) -> None:
    url = "/api/1.0/admin/log_level"
    assert client.get(url).json() == {"log_level": "INFO"}
    for body in (b'{"log_level": "DEBUG"}', b'{"log_level": "debug"}'):
        answer = send(client, "PUT", url, body, "text/plain")
        assert (answer.status_code, answer.json()) == (200, {"log_level": "DEBUG"})
        assert client.get(url).json() == {"log_level": "DEBUG"}
        assert django_settings.LOG_LEVEL_FILE.read_text() == "DEBUG\n"
    for body in (b'{"log_level": "LOUD"}', b'{"log_level": 10}', b"{}", b"[]"):
        answer = send(client, "PUT", url, body, "application/json")
        assert is_error(answer, 400, "invalid_value")
    assert client.get(url).json() == {"log_level": "DEBUG"}


@pytest.mark.parametrize("path", ["/api", "/api/"])
def test_the_interface_lists_its_calls_to_everybody(path: str) -> None:
    answer = APIClient().get(path, headers={"Host": "localhost:8000"})
    assert answer["Content-Type"] == JSON
    routes = {entry["route"]: entry["methods"] for entry in answer.json()["doc"]}
    assert list(routes) == sorted(routes)
    base = "http://localhost:8000/api/1.0"
    assert set(routes[f"{base}/runfolders/path<path>"]) == {"get", "post", "put"}
    assert set(routes[f"{base}/runfolders<path>"]) == {"post"}
    assert all(line for methods in routes.values() for line in methods.values())


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("post", API, "GET, HEAD, OPTIONS"),
        ("delete", f"{API}/path/data/RUN", "GET, POST, PUT, HEAD, OPTIONS"),
        ("get", f"{API}/data/RUN", "POST, OPTIONS"),
    ],
)
def test_other_methods_are_405(
    client: APIClient, method: str, path: str, allowed: str
) -> None:
    answer = getattr(client, method)(path)
    assert is_error(answer, 405, "method_not_allowed")
    assert answer["Allow"] == allowed


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "x", "*/*;q=0"])
def test_the_answer_is_json_whatever_is_accepted(
    client: APIClient, root: Root, accept: str
) -> None:
    assert names(client.get(API, headers={"Accept": accept})) == []


def test_lists_take_the_same_queries_however_long(
    client: APIClient,
    make_run: MakeRun,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_run("first")
    client.get(API)
    with django_assert_num_queries(2):  # the token, the list
        client.get(API)
    for number in range(20):
        make_run(f"run{number}", reagent_kit_barcode="KIT")
    with django_assert_num_queries(2):
        assert len(names(client.get(API))) == 21
    with django_assert_num_queries(2):
        assert client.get(f"{API}/next").status_code == 200
