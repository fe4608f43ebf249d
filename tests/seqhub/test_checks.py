from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from seqhub.config import build_config

pytestmark = pytest.mark.usefixtures("no_variables")


@pytest.fixture
def ids(settings: Settings, tmp_path: Path) -> Any:
    """The ids of all that the checks say of a configuration."""

    watched = tmp_path / "watched"
    watched.mkdir()

    def check(**values: Any) -> list[str]:
        values = {"data_dir": "data", "monitored_directories": [str(watched)], **values}
        settings.CONFIG = build_config(values, tmp_path)
        return [message.id for message in ours(run_checks()) if message.id]

    return check


def ours(messages: list[CheckMessage]) -> list[CheckMessage]:
    assert all(message.hint for message in messages)
    return messages


def test_a_good_configuration_says_nothing(ids: Any) -> None:
    assert ids() == []


def test_watching_nothing_is_a_warning(ids: Any) -> None:
    assert ids(monitored_directories=[]) == ["runfolders.W004"]


def test_runs_may_be_for_sealing_alone(ids: Any, tmp_path: Path) -> None:
    section = {"sequencing_path": str(tmp_path / "watched")}
    assert ids(monitored_directories=[], archiving=section) == []


def test_a_root_that_is_not_there_is_a_warning(ids: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    missing = [str(tmp_path / "missing"), str(tmp_path / "file")]
    assert ids(monitored_directories=missing) == ["runfolders.W001"] * 2


def test_a_link_cannot_put_the_data_into_a_root(ids: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (tmp_path / "data").symlink_to(root / "inside")
    assert ids(monitored_directories=[str(root)]) == ["seqhub.E001"]


def test_a_named_secret_key_file_must_be_there(ids: Any) -> None:
    assert ids(secret_key_file="missing") == ["seqhub.E002"]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0o600, []), (0o640, []), (0o644, ["seqhub.W001"]), (0o660, ["seqhub.W001"])],
)
def test_a_secret_key_is_for_seqhub_only(
    mode: int, expected: list[str], ids: Any, tmp_path: Path
) -> None:
    (tmp_path / "key").touch(mode=0o600)
    (tmp_path / "key").chmod(mode)
    assert ids(secret_key_file="key") == expected


def test_missing_programs_are_named(
    ids: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ids() == ["seqhub.W002"] * 2


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"host": "127.0.0.1"}, []),
        ({"host": "::1"}, []),
        ({"host": "localhost"}, []),
        ({"host": "192.0.2.1"}, ["seqhub.W003"]),
        ({"host": "192.0.2.1", "public_url": "http://a"}, ["seqhub.W003"]),
        ({"host": "192.0.2.1", "public_url": "https://a"}, []),
        ({"trusted_proxies": ["10.0.0.1"]}, []),
        ({"trusted_proxies": ["::/0"]}, ["seqhub.W004"]),
    ],
)
def test_what_is_open_to_the_network_is_told(
    server: dict[str, Any], expected: list[str], ids: Any
) -> None:
    assert ids(server=server) == expected


def test_an_api_that_is_open_to_everybody_is_told(ids: Any) -> None:
    assert ids(api={"open_to": ["10.0.0.0/8", "0.0.0.0/0"]}) == ["seqhub.W004"]


def test_no_queue_hands_out_what_still_runs(ids: Any, settings: Settings) -> None:
    assert ids() == []
    settings.Q_CLUSTER = real_settings.Q_CLUSTER | {"retry": 1}
    assert ids() == ["seqhub.E003"]
