"""The events of `up`, written by a thread so that no database can stop it."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, connections

from seqhub.operations.choices import Source
from seqhub.operations.services.events import Actor, record_event

RETRY_S = 2.0
# More than this while the database is away is not worth remembering.
LIMIT = 1000


@dataclass
class Journal:
    """Events about this host. They wait until the database takes them."""

    host: str
    _waiting: queue.Queue[tuple[str, str, dict[str, Any]]] = field(
        default_factory=lambda: queue.Queue(LIMIT)
    )
    _closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def record(self, kind: str, message: str, **data: Any) -> None:
        with suppress(queue.Full):
            self._waiting.put_nowait((kind, message, data))

    def close(self) -> None:
        self._closing.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not (self._closing.is_set() and self._waiting.empty()):
            with suppress(queue.Empty):
                kind, message, data = self._waiting.get(timeout=0.5)
                self._write(kind, message, data)

    def _write(self, kind: str, message: str, data: dict[str, Any]) -> None:
        while True:
            try:
                record_event(
                    f"host:{self.host}",
                    kind,
                    message,
                    actor=Actor(Source.SUPERVISOR),
                    data=data,
                )
            except DatabaseError:
                if self._closing.wait(RETRY_S):
                    return
            else:
                return
            finally:
                connections.close_all()
