"""`/api/launches/{id}/log`: its end, and what a follower polls."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import HOST
from tests.turret.factories import LaunchFactory
from tests.turret.launching.site import Site
from turret.api.launch_log import MOST_BYTES, MOST_LINES
from turret.choices import LaunchState
from turret.models import Launch


@pytest.fixture
def launch(site: Site, tmp_path: Path) -> Launch:
    (tmp_path / "launch").mkdir()
    return LaunchFactory.create(directory=str(tmp_path / "launch"), host=HOST)


@pytest.fixture
def log(launch: Launch) -> Path:
    return Path(launch.directory) / "output.log"


def read(client: APIClient, launch: Launch, **query: int) -> Any:
    answer = client.get(f"/api/launches/{launch.launch_id}/log", query)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    return answer


def test_the_last_lines_are_read(client: APIClient, launch: Launch, log: Path) -> None:
    log.write_text("".join(f"line {number}\n" for number in range(1000)))
    assert read(client, launch, tail=2).content == b"line 998\nline 999\n"
    assert read(client, launch).content.count(b"\n") == 200
    assert read(client, launch, tail=0).content == b""
    assert read(client, launch, tail=10**17).content.count(b"\n") == 1000


def test_of_a_long_log_the_end_is_read(
    client: APIClient, launch: Launch, log: Path
) -> None:
    with log.open("wb") as file:
        file.truncate(1 << 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\nthe end\n")
    assert read(client, launch, tail=1).content == b"the end\n"
    answer = read(client, launch, tail=MOST_LINES)
    assert len(answer.content) <= 4 << 20
    follower = read(client, launch, offset=1 << 30)
    assert follower.content == b"the end\n"


def test_bytes_that_are_no_utf_8_are_shown_as_such(
    client: APIClient, launch: Launch, log: Path
) -> None:
    log.write_bytes(b"caf\xe9 \x00 na\xc3\xafve\n")
    for query in ({"tail": 5}, {"offset": 0}):
        shown = read(client, launch, **query).content.decode()
        assert shown == "caf\ufffd \ufffd na\u00efve\n"


def test_a_follower_gets_each_line_once(
    client: APIClient, launch: Launch, log: Path
) -> None:
    said = [f"line {number}\n" for number in range(4)]
    heard, offset = "", 0
    with log.open("w") as file:
        # The second is written in two halves, between which it is asked for.
        for piece in (said[0], said[1][:3], said[1][3:] + said[2], ""):
            file.write(piece)
            file.flush()
            answer = read(client, launch, offset=offset)
            assert answer["X-Launch-State"] == "running"
            heard += answer.content.decode()
            offset = int(answer["X-Next-Offset"])
        assert heard == "".join(said[:3])
        file.write("no newline")
    assert read(client, launch, offset=offset).content == b""
    Launch.objects.update(state=LaunchState.FAILED)
    last = read(client, launch, offset=offset)
    assert last.content == b"no newline\n"
    assert (last["X-Launch-State"], last["X-Next-Offset"]) == ("failed", "31")
    assert read(client, launch, offset=31).content == b""


def test_a_follower_of_a_long_log_gets_it_in_pieces(
    client: APIClient, launch: Launch, log: Path
) -> None:
    text = "".join(f"line {number}\n" for number in range(60_000))
    log.write_text(text)
    heard, offset = "", 0
    while answer := read(client, launch, offset=offset).content.decode():
        assert len(answer) <= MOST_BYTES
        heard += answer
        offset += len(answer)
    assert heard == text


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(
    client: APIClient, launch: Launch, log: Path
) -> None:
    log.write_text("short\n")
    answer = read(client, launch, offset=5000)
    assert (answer.content, answer["X-Next-Offset"]) == (b"short\n", "6")
    far = read(client, launch, offset=10**18 - 1)
    assert far.content == b"short\n"


def test_secrets_are_masked_wherever_reading_begins(
    client: APIClient, launch: Launch, log: Path
) -> None:
    line = b"db_password = hunter2\n"
    log.write_bytes(line * 2)
    assert b"hunter2" not in read(client, launch, tail=9).content
    for offset in range(len(line) * 2 + 1):
        assert b"hunter2" not in read(client, launch, offset=offset).content


def test_there_may_be_no_log_yet(
    client: APIClient, launch: Launch, log: Path, tmp_path: Path
) -> None:
    for query in ({"tail": 5}, {"offset": 0}):
        assert read(client, launch, **query).content == b""
    log.symlink_to(tmp_path / "seqhub.yaml")
    (tmp_path / "seqhub.yaml").write_text("a: 1\n")
    for query in ({"tail": 5}, {"offset": 0}):
        answer = client.get(f"/api/launches/{launch.launch_id}/log", query)
        assert answer.status_code in (200, 404)
        assert b"a: 1" not in answer.content


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_no_log(
    client: APIClient, launch: Launch, log: Path, make: Callable[[Path], object]
) -> None:
    make(log)
    for query in ({"tail": 5}, {"offset": 0}, {"offset": 7}):
        assert read(client, launch, **query).content == b""


@pytest.mark.parametrize(
    "query", ["tail=-1", "tail=x", "offset=-5", "offset=", f"offset={10**30}"]
)
def test_a_wrong_number_is_400(client: APIClient, launch: Launch, query: str) -> None:
    answer = client.get(f"/api/launches/{launch.launch_id}/log?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


def test_errors_are_json_whatever_is_accepted(client: APIClient, db: None) -> None:
    answer = client.get("/api/launches/x/log", headers={"Accept": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_launch")


def test_a_log_of_another_host_is_told_of(client: APIClient, site: Site) -> None:
    other = LaunchFactory.create(host="elsewhere", directory="/nowhere/x")
    answer = client.get(f"/api/launches/{other.launch_id}/log")
    assert answer.status_code == 404
    assert "elsewhere" in answer.json()["detail"]
