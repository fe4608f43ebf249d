from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqhub.lib import disk
from seqhub.lib.disk import DiskTimeout, read_disk


@pytest.fixture
def hang() -> Iterator[threading.Event]:
    """Set at the end, so that no thread hangs on."""
    event = threading.Event()
    yield event
    event.set()


def test_it_returns_and_raises_what_the_function_does(tmp_path: Path) -> None:
    assert read_disk(tmp_path.is_dir) is True
    with pytest.raises(FileNotFoundError):
        read_disk((tmp_path / "missing").stat)


def test_a_read_that_hangs_is_given_up(
    hang: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "TIMEOUT_S", 0.05)
    with pytest.raises(DiskTimeout):
        read_disk(hang.wait)


def test_hung_reads_leave_the_others_an_answer_at_once_and_places_come_back(
    hang: threading.Event, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disk, "TIMEOUT_S", 0.05)
    for _ in range(disk.PLACES):
        with pytest.raises(DiskTimeout):
            read_disk(hang.wait)
    with pytest.raises(DiskTimeout, match="All disk reads hang"):
        read_disk(tmp_path.is_dir)
    hang.set()
    monkeypatch.setattr(disk, "TIMEOUT_S", 5.0)
    assert read_disk(tmp_path.is_dir) is True
