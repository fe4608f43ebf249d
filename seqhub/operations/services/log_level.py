"""The log level of all processes of this host, changed while they run."""

from __future__ import annotations

import logging

from django.conf import settings

from seqhub.lib.files import write_atomic
from seqhub.lib.log import LEVELS, read_level
from seqhub.operations.errors import InvalidValue
from seqhub.operations.services.events import Actor, record_event


def current_log_level() -> str:
    """Its name; the configured one until somebody changes it."""
    default = logging.getLevelNamesMapping()[settings.CONFIG.log_level]
    return logging.getLevelName(read_level(settings.LOG_LEVEL_FILE, default))


def change_log_level(word: object, *, actor: Actor) -> str:
    """Every process follows within seqhub.lib.log.LEVEL_CHECK_S, also the ones
    that start later. Raises InvalidValue."""
    level = word.upper() if isinstance(word, str) else ""
    if level not in LEVELS:
        raise InvalidValue(
            f"Unknown log level {str(word)[:50]!r}; known: {', '.join(LEVELS)}."
        )
    path = settings.LOG_LEVEL_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by all of our processes, whichever user they run as.
    write_atomic(path, f"{level}\n".encode(), mode=0o644)
    record_event(
        f"host:{settings.CONFIG.host}",
        "log_level_changed",
        f"The log level of {settings.CONFIG.host} is {level} from now on.",
        actor=actor,
    )
    return level
