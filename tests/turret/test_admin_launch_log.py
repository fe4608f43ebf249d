"""The log on the page of a launch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.staff import staff
from tests.turret.factories import LaunchFactory
from turret.choices import LaunchState
from turret.models import Launch
from turret.panels import launch_log
from turret.panels.launch_log import log_from, plain

pytestmark = pytest.mark.django_db

ESC = "\x1b"


def page_of(row: Launch, rest: str = "change/") -> str:
    return f"/admin/turret/launch/{row.pk}/{rest}"


def text_of(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("<wbr>", "")


def with_log(directory: Path, text: str | bytes, **values: Any) -> Launch:
    data = text.encode() if isinstance(text, str) else text
    (directory / "output.log").write_bytes(data)
    return LaunchFactory.create(directory=str(directory), **values)


def test_the_end_of_the_log_is_shown_and_asked_for_again(tmp_path: Path) -> None:
    row = with_log(tmp_path, "first\nhalf")
    said = text_of(staff("viewer"), page_of(row))
    assert "first\n" in said
    assert "half" not in said  # a line that is not there whole yet
    assert "offset=6&amp;shown=6" in said


def test_the_log_of_what_has_ended_is_shown_whole_and_not_asked_for(
    tmp_path: Path,
) -> None:
    row = with_log(tmp_path, "first\nlast", state="failed")
    said = text_of(staff("viewer"), page_of(row))
    assert "first\nlast" in said
    assert "log-next" not in said


def test_a_follower_gets_each_line_once(tmp_path: Path) -> None:
    row = with_log(tmp_path, "one\ntw")
    text, offset = "", 0
    for more in ("o\nthr", "", "ee\n", "\x00\xff four\nfive"):
        log = log_from(row, "output", offset, 1)
        text, offset = text + log.text, log.offset
        with (tmp_path / "output.log").open("ab") as file:
            file.write(more.encode("latin-1"))
    row.state = LaunchState.FAILED
    log = log_from(row, "output", offset, 1)
    assert text + log.text == "one\ntwo\nthree\n\ufffd\ufffd four\nfive\n"
    assert log.again_s == 0


def test_the_answer_to_a_follower_goes_behind_what_the_page_has(tmp_path: Path) -> None:
    row = with_log(tmp_path, "one\n<b>two</b>\n")
    answer = staff("viewer").get(page_of(row, "log/"), {"offset": "4", "shown": "4"})
    said = answer.content.decode()
    assert said.startswith("&lt;b&gt;two&lt;/b&gt;\n<span")
    assert "offset=15&amp;shown=15" in said
    assert "HX-Retarget" not in answer


@pytest.mark.parametrize("query", [{"offset": "0"}, {"offset": "99999999"}])
def test_a_follower_who_is_lost_gets_the_end_again(
    tmp_path: Path, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch_log, "MOST_BYTES", 1000)
    monkeypatch.setattr(launch_log, "FIRST_BYTES", 500)
    row = with_log(tmp_path, "".join(f"line {n}\n" for n in range(1000)))
    answer = staff("viewer").get(page_of(row, "log/"), query)
    assert answer["HX-Retarget"] == "#launch-log"
    assert "line 999\n" in answer.content.decode()
    assert "line 100\n" not in answer.content.decode()


def test_a_page_that_holds_much_begins_with_the_end_again(tmp_path: Path) -> None:
    row = with_log(tmp_path, "one\ntwo\n")
    log = log_from(row, "output", 4, launch_log.SHOWN_BYTES + 1)
    assert log.is_whole
    assert log.shown == 8


def test_of_a_log_of_a_gigabyte_only_the_end_is_read(tmp_path: Path) -> None:
    row = with_log(tmp_path, "")
    with (tmp_path / "output.log").open("r+b") as file:
        file.seek(1 << 30)
        file.write(b"\nthe end\n")
    log = log_from(row, "output", 0, 0)
    assert log.is_cut
    assert log.text.endswith("the end\n")
    assert len(log.text) <= launch_log.FIRST_BYTES


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"{ESC}[31mred{ESC}[0m", "red"),
        (f"{ESC}[2J{ESC}[1;1Hgone{ESC}[K", "gone"),
        (f"{ESC}]0;title\x07text", "text"),
        (f"{ESC}]8;;http://x{ESC}\\link{ESC}]8;;{ESC}\\", "link"),
        ("\x9b31mred", "red"),
        ("1 %\r50 %\r100 %\r", "100 %"),
        ("a\x08b\x07\tc\x7f", "a\u2408b\u2407\tc\u2421"),
        ("user\u202egnp.exe", "user\ufffdgnp.exe"),
        (f"cut off {ESC}[3", "cut off \u241b[3"),
    ],
)
def test_control_characters_are_shown_and_not_obeyed(written: str, shown: str) -> None:
    assert plain(written) == shown


def test_secrets_in_the_log_are_masked(tmp_path: Path) -> None:
    row = with_log(tmp_path, "export DB_PASSWORD=hunter2\n")
    said = text_of(staff("operator"), page_of(row))
    assert "DB_PASSWORD=[masked]" in said
    assert "hunter2" not in said


def test_no_link_is_followed_to_the_log(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "output.log").symlink_to(tmp_path / "secret")
    row = LaunchFactory.create(directory=str(tmp_path))
    assert "hunter2" not in text_of(staff("operator"), page_of(row))


def test_nextflows_own_log_can_be_chosen_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "nextflow.log").write_text("DEBUG nextflow\n")
    row = with_log(tmp_path, "printed\n")
    client = staff("viewer")
    assert "DEBUG nextflow" in text_of(client, page_of(row), file="nextflow")
    assert "printed" in text_of(client, page_of(row), file="../secret")


def test_a_log_on_another_host_is_said_to_be_there() -> None:
    row = LaunchFactory.create(host="elsewhere", directory="/not/there")
    said = text_of(staff("viewer"), page_of(row))
    assert "The log lies on elsewhere, in /not/there." in said
