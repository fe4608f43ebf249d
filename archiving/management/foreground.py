"""Long work in a shell: how far it is, and the two-step stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.core.management.base import OutputWrapper
from django.db import DatabaseError, connection

from archiving.choices import Stage
from archiving.models import ArchiveJob, Restore, Verification
from archiving.selectors import ProgressView, progress_of
from seqhub.lib.stopping import StopRequests
from seqhub.lib.terminal import ProgressLine
from seqhub.lib.units import format_bytes, format_duration

LOOK_S = 0.5
STOPPED = 130  # as a shell says of what Ctrl-C has ended

Row = ArchiveJob | Restore | Verification


class Foreground:
    """What a command that works for long has with its terminal.

    The first signal asks to finish what runs and begin nothing more; a second one
    raises Cancelled in the work, which cleans up behind itself.
    """

    def __init__(self, stdout: OutputWrapper) -> None:
        self.stop = StopRequests()
        self._line = ProgressLine(stdout)

    def show(self, row: Row, name: str) -> None:
        """`row` as it is in the database now."""
        view = progress_of(row)
        stage = Stage(view.stage).label if view.stage else "waiting"
        self._line.show(f"{name}: {stage}", view.percent, self._detail(view))

    def close(self) -> None:
        """Before anything else is written."""
        self._line.close()

    @contextmanager
    def working(self, row: Row, name: str) -> Iterator[None]:
        """Show how far the work on a row is, which the block does. A second signal
        raises Cancelled in it."""
        is_over = threading.Event()
        arguments = (row, name, is_over)
        follower = threading.Thread(target=self._follow, args=arguments, daemon=True)
        follower.start()
        try:
            with self.stop.cancelling():
                yield
        finally:
            is_over.set()
            follower.join()
            self.close()

    def _follow(self, row: Row, name: str, is_over: threading.Event) -> None:
        rows = type(row)._default_manager  # noqa: SLF001 - Django's
        try:
            while not is_over.wait(LOOK_S):
                # The work goes on without being watched.
                with suppress(DatabaseError):
                    if now := rows.filter(pk=row.pk).first():
                        self.show(now, name)
        finally:
            connection.close()

    def _detail(self, view: ProgressView) -> str:
        if self.stop.is_requested:
            return "(stops when this is done; once more cancels it)"
        parts = []
        if view.bytes_total is not None:
            done, total = format_bytes(view.bytes_done), format_bytes(view.bytes_total)
            parts.append(f"{done} of {total}")
        elif view.files_done:
            parts.append(f"{view.files_done:,} files")
        if view.rate_bytes_s:
            parts.append(f"{format_bytes(view.rate_bytes_s)}/s")
        if view.eta_s is not None:
            parts.append(f"{format_duration(view.eta_s)} left")
        return ", ".join(parts)
