"""Paths in the URLs of `/api/1.0`: odd names, and places that are none of ours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from django.test import RequestFactory
from django.urls import resolve
from hypothesis import assume, example, given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from runfolders.api.arteria import path_in_url
from runfolders.models import Root, Runfolder
from seqhub.lib.sent_path import KEY
from tests.runfolders.api.arteria import API, is_error
from tests.runfolders.api.conftest import MakeRun


def test_the_link_leads_to_the_run_folder(client: APIClient, make_run: MakeRun) -> None:
    for name in (
        "plain",
        "with space",
        "per%cent",
        "per%41cent",
        "percent%E5",
        "%C3%A5 å",
        "a?b#c",
        "årgång;=+&",
    ):
        run = make_run(name)
        entry = client.get(f"{API}/path{quote(run.path)}").json()
        assert client.get(entry["link"]).json()["path"] == run.path


@given(st.binary(min_size=1))
@example(b"%E5")
@example(b"\xe5%E5%25\xc3\xa5")
@example("å%E5\n".encode())
def test_every_name_survives_the_way_into_a_url_and_back(name: bytes) -> None:
    assume(not {0, ord("/")} & set(name))
    path = b"/data/seq/" + name
    for call in ("", "/path", "/test/markasready/path"):
        request = RequestFactory().get(f"{API}{call}{quote(path)}")
        request.META[KEY] = unquote(f"{API}{call}{quote(path)}", "latin-1")
        found = resolve(request.path_info).kwargs["path"]
        assert os.fsencode(path_in_url(request, found)) == path


@pytest.mark.parametrize(
    "below",
    ["/RUN/Data", "/../seq/RUN", "/RUN/..", "/./RUN", "/..", "", "/", "/RUN%00"],
)
def test_what_is_not_where_run_folders_lie_is_refused(
    client: APIClient, make_run: MakeRun, root: Root, below: str
) -> None:
    make_run("RUN")
    (Path(root.path) / "RUN" / "Data").mkdir()
    answer = client.get(f"{API}/path{root.path}{below}")
    assert is_error(answer, 400, "not_monitored")


@pytest.mark.parametrize(
    "path", ["data/RUN", "", "/", "/etc", "//etc/passwd", "/%2e%2e"]
)
def test_a_path_outside_is_refused(client: APIClient, root: Root, path: str) -> None:
    assert is_error(client.get(f"{API}/path{path}"), 400, "not_monitored")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "no such run", "%0A", "%F0"])
def test_a_name_that_is_not_there_is_404(
    client: APIClient, root: Root, name: str
) -> None:
    answer = client.get(f"{API}/path{root.path}/{name}")
    assert is_error(answer, 404, "runfolder_not_found")


def test_slashes_too_many_do_no_harm(client: APIClient, make_run: MakeRun) -> None:
    run = make_run("RUN")
    for path in (run.path.replace("/seq/", "//seq///"), f"{run.path}/", f"/{run.path}"):
        assert client.get(f"{API}/path{path}").json()["path"] == run.path


def test_a_name_that_is_not_utf8_has_a_link_that_works(
    client: APIClient, root: Root, configure: Callable[..., None]
) -> None:
    raw = Path(root.path).as_posix().encode() + b"/caf\xe9"
    configure(can_create_runfolder=True)
    url = f"{API}/path{quote(raw)}"
    assert client.put(url).status_code == 201
    entry = client.get(url).json()
    assert entry["link"].endswith("/caf%E9")
    assert client.get(entry["link"]).json() == entry
    assert client.post(entry["link"], {"state": "done"}, "json").status_code == 200
    [listed] = client.get(f"{API}?state=done").json()["runfolders"]
    assert listed["link"] == entry["link"]


def test_a_directory_that_is_no_run_folder_yet_has_the_state_none(
    client: APIClient, root: Root
) -> None:
    (Path(root.path) / "plain").mkdir()
    answer = client.get(f"{API}/path{root.path}/plain")
    assert answer.status_code == 200
    assert answer.json()["state"] == "none"
    assert not Runfolder.objects.exists()
