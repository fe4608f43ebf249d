from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from archiving import checks
from seqhub.config import build_config

Check = Callable[..., list[str]]
TWO = ["one@example.org", "two@example.org"]


@pytest.fixture
def check(settings: Settings, tmp_path: Path) -> Check:
    """What is said of the `archiving` section with these values: `ID place`."""
    for name in ("watched", "there"):
        (tmp_path / name).mkdir()

    def told(**values: Any) -> list[str]:
        settings.CONFIG = build_config(
            {
                "data_dir": "data",
                "monitored_directories": [str(tmp_path / "watched")],
                "archiving": values,
            },
            tmp_path,
        )
        messages = [m for m in run_checks() if m.id and m.id.startswith("archiving.")]
        assert all(message.hint for message in messages)
        return [f"{m.id} {m.msg.split(':')[0]}" for m in messages]

    return told


def test_sealing_may_be_off(check: Check) -> None:
    assert check() == []


def test_a_good_section_says_nothing(check: Check) -> None:
    assert check(destination_path="there", gpg_receivers=TWO) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"destination_path": "there"},
            "archiving.W001 archiving.gpg_receivers names nobody",
        ),
        (
            {"gpg_receivers": TWO},
            "archiving.W002 archiving.destination_path is not set",
        ),
        (
            {"destination_path": "there", "gpg_receivers": TWO[:1]},
            "archiving.W003 archiving.gpg_receivers",
        ),
    ],
)
def test_half_a_configuration_is_told(
    values: dict[str, Any], expected: str, check: Check
) -> None:
    assert check(**values) == [expected]


@pytest.mark.parametrize(
    "key",
    ["sequencing_path", "destination_path", "run_keys_path", "gnupg_home"],
)
def test_each_directory_must_be_there(key: str, check: Check) -> None:
    values = {"destination_path": "there", "gpg_receivers": TWO, key: "missing"}
    assert check(**values) == [f"archiving.W004 archiving.{key}"]


def test_each_restore_root_must_be_there(check: Check) -> None:
    told = check(restore_roots=["missing", "there", "absent"])
    assert told == ["archiving.W004 archiving.restore_roots"] * 2


def test_a_directory_that_hangs_is_told(
    check: Check, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A directory that does not answer can't be had here: a pipe that nobody
    writes to stands in for its disk."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(checks, "ANSWER_S", 0.1)
    monkeypatch.setattr(checks, "_problem", lambda _path, _access: pipe.read_text())
    told = check(destination_path="there", gpg_receivers=TWO)
    assert told == ["archiving.W004 archiving.destination_path"]
    with pipe.open("w"):  # lets go of the thread
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_a_destination_must_be_writable(check: Check, tmp_path: Path) -> None:
    (tmp_path / "there").chmod(0o500)
    told = check(destination_path="there", gpg_receivers=TWO)
    assert told == ["archiving.W004 archiving.destination_path"]


def test_restores_cannot_overwrite_the_data(check: Check, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for root in (".", "link"):
        assert check(restore_roots=[root]) == ["archiving.E001 archiving.restore_roots"]


@pytest.mark.parametrize("values", [{}, {"sequencing_path": "there"}])
def test_archives_do_not_lie_among_runs(
    values: dict[str, str], check: Check, tmp_path: Path
) -> None:
    root = tmp_path / values.get("sequencing_path", "watched")
    (root / "archives").mkdir()
    told = check(destination_path=str(root / "archives"), gpg_receivers=TWO, **values)
    assert told == ["archiving.W005 archiving.destination_path"]


def test_an_empty_destination_of_archives_is_taken_for_unmounted(
    check: Check, tmp_path: Path
) -> None:
    manifests = tmp_path / "data" / "manifests"
    manifests.mkdir(parents=True)
    assert check(destination_path="there", gpg_receivers=TWO) == []
    (manifests / "7.manifest").touch()
    told = check(destination_path="there", gpg_receivers=TWO)
    assert told == ["archiving.W006 archiving.destination_path"]
    (tmp_path / "there" / "RUN.tar.gpg").touch()
    assert check(destination_path="there", gpg_receivers=TWO) == []
