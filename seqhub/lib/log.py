"""Logging: one line a record, and a level that can be changed while it runs."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# How stale a process may be about a level that another one has set.
LEVEL_CHECK_S = 1.0


class LevelFile(logging.Filter):
    """Lets through what the level in a file allows, or else the configured one.

    The file is how `PUT /api/1.0/admin/log_level` reaches every process of the
    host, without a database. `up` begins with the configured level again.
    """

    def __init__(self, default: str, path: str) -> None:
        super().__init__()
        self.default = logging.getLevelNamesMapping()[default]
        self.path = path
        self._level = self.default
        self._checked = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._checked > LEVEL_CHECK_S or not self._checked:
            self._checked = now
            self._level = read_level(Path(self.path), self.default)
        return record.levelno >= self._level


def read_level(path: Path, default: int) -> int:
    """The level that `path` holds; `default` where it holds none."""
    try:
        word = path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return default
    return logging.getLevelNamesMapping().get(word, default)


class OneLine(logging.Formatter):
    """`LEVEL logger: message`, or JSON where SEQHUB_LOG_FORMAT=json.

    `up` sets the format for its children: it prefixes lines for a terminal and
    passes JSON on where a log collector reads.
    """

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if record.exc_info:
            message = f"{message}\n{self.formatException(record.exc_info)}"
        if os.environ.get("SEQHUB_LOG_FORMAT") != "json":
            return f"{record.levelname} {record.name}: {message}"
        return json.dumps(
            {
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
                "level": record.levelname,
                "logger": record.name,
                "message": message,
            }
        )


def logging_settings(level: str, level_file: Path) -> dict[str, Any]:
    """Django's LOGGING: everything to standard error, through LevelFile."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "level_file": {
                "()": "seqhub.lib.log.LevelFile",
                "default": level,
                "path": str(level_file),
            }
        },
        "formatters": {"one_line": {"()": "seqhub.lib.log.OneLine"}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "one_line",
                "filters": ["level_file"],
            }
        },
        "root": {"handlers": ["stderr"], "level": "DEBUG"},
        # Chatty below INFO whatever the site asks for.
        "loggers": {
            name: {"level": "INFO"}
            for name in ("asyncio", "django.utils.autoreload", "psycopg", "urllib3")
        }
        | {
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            # Two lines a task; what a task has to say, it says itself.
            "django-q": {"level": "WARNING"},
            "django.db.backends": {"level": "INFO"},
            # It warns of each exit code of gpg; what one means is said where it is
            # known.
            "gnupg": {"level": "ERROR"},
            "django.server": {"handlers": [], "level": "INFO", "propagate": True},
        },
    }
