"""The two-step stop, and telling systemd."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# make and terminals deliver one wish to stop twice.
DOUBLE_S = 1.0


class Interrupted(Exception):
    """A wish to stop came while there was nothing yet to stop gracefully."""


class StopRequests:
    """What the signals of this process have asked for so far.

    The first SIGINT, SIGTERM or SIGHUP asks to finish what runs and stop, a
    second one at least DOUBLE_S later to cancel it. SIGQUIT cancels at once.
    """

    def __init__(self) -> None:
        self.requested_at: float | None = None
        self.is_cancelled = False
        self._interrupts = False

    @property
    def is_requested(self) -> bool:
        return self.requested_at is not None

    def install(self) -> None:
        """Take over the signals. A SIGHUP that nohup has blocked stays blocked."""
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(signum, self._handle)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._handle)

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Within the block, a signal raises Interrupted where it strikes."""
        if self.is_requested:
            raise Interrupted
        self._interrupts = True
        try:
            yield
        finally:
            self._interrupts = False

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.requested_at is None:
            self.requested_at = now
        if signum == signal.SIGQUIT or now - self.requested_at >= DOUBLE_S:
            self.is_cancelled = True
        if self._interrupts:
            # Once only: the unwinding must not be interrupted in its turn.
            self._interrupts = False
            raise Interrupted


def notify_systemd(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(state.encode(), address)
