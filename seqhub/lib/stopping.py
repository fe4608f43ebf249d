"""The two-step stop: finish what runs, or cancel it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from seqhub.lib.processes import Cancelled

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
        self._cancels = False

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
    def installed(self) -> Iterator[None]:
        """The same for as long as the block lasts."""
        signums = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
        before = {signum: signal.getsignal(signum) for signum in signums}
        self.install()
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)

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

    @contextmanager
    def cancelling(self) -> Iterator[None]:
        """Within the block, a wish to cancel raises Cancelled where it strikes."""
        self._cancels = True
        try:
            yield
        finally:
            self._cancels = False

    def cancel(self) -> None:
        """As the signals do; Cancelled is raised once, so that the clean-up that
        follows is not disturbed."""
        self.is_cancelled = True
        if self._cancels:
            self._cancels = False
            raise Cancelled(128 + signal.SIGINT)

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.requested_at is None:
            self.requested_at = now
        if signum == signal.SIGQUIT or now - self.requested_at >= DOUBLE_S:
            self.cancel()
        if self._interrupts:
            # Once only: the unwinding must not be interrupted in its turn.
            self._interrupts = False
            raise Interrupted
