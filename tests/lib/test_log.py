from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from seqhub.lib import log


@pytest.fixture
def level_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(log, "LEVEL_CHECK_S", 0)
    return tmp_path / "log-level"


def record(level: int = logging.INFO, message: str = "Hello %s.") -> logging.LogRecord:
    return logging.LogRecord("a.b", level, "f.py", 1, message, ("you",), None)


def test_a_level_that_another_process_wrote_holds_at_once(level_file: Path) -> None:
    lets_through = log.LevelFile("INFO", str(level_file)).filter
    assert lets_through(record(logging.INFO))
    assert not lets_through(record(logging.DEBUG))
    level_file.write_text("DEBUG\n")
    assert lets_through(record(logging.DEBUG))
    level_file.write_text("ERROR\n")
    assert not lets_through(record(logging.WARNING))
    level_file.unlink()
    assert lets_through(record(logging.INFO))


@pytest.mark.parametrize("content", [b"", b"LOUD\n", b"10", b"debug", b"\xff"])
def test_what_is_no_level_changes_nothing(level_file: Path, content: bytes) -> None:
    level_file.write_bytes(content)
    lets_through = log.LevelFile("WARNING", str(level_file)).filter
    assert lets_through(record(logging.WARNING))
    assert not lets_through(record(logging.INFO))


def test_a_record_is_one_line_for_a_person_or_a_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SEQHUB_LOG_FORMAT", raising=False)
    assert log.OneLine().format(record()) == "INFO a.b: Hello you."
    monkeypatch.setenv("SEQHUB_LOG_FORMAT", "json")
    line = log.OneLine().format(record(message="Hello\n%s."))
    assert "\n" not in line
    entry = json.loads(line)
    assert entry.pop("at").endswith("Z")
    assert entry == {"level": "INFO", "logger": "a.b", "message": "Hello\nyou."}
