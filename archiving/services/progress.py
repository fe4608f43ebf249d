"""From the worker to the row: how far it is; and back: that it is to stop."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.utils import timezone

from archiving.choices import Stage
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob, Restore, Verification
from seqhub.lib.lease import Keeper, LeaseLost, holds

EVERY_S = 1.0
GUARD_EVERY_S = 5.0
# The rate is that of so many last seconds.
RATE_S = 30


class Reporter:
    """The engine's Watch for a row that is held by `keeper`.

    Raises LeaseLost, Trouble(CANCELLED) when a person wants it to end
    (`cancel_requested_at`), and what `guard` raises, which is called every few
    seconds with the stage. `also` is told everything, too.
    """

    def __init__(
        self,
        row: ArchiveJob | Verification | Restore,
        keeper: Keeper,
        *,
        guard: Callable[[Stage], None] | None = None,
        also: Watch | None = None,
    ) -> None:
        self._row = row
        self._keeper = keeper
        self._guard = guard
        self._also = also
        self._totals: tuple[int | None, int | None] = (None, None)
        self._written_at = self._guarded_at = 0.0
        # At what time.monotonic() how many bytes were done.
        self._marks: deque[tuple[float, int]] = deque()
        self.current = Stage(row.stage) if row.stage else Stage.CHECKING

    def expect(self, bytes_total: int | None, files_total: int | None) -> None:
        """How much the stages that begin from now on have to do, if it is known."""
        self._totals = (bytes_total, files_total)

    def stage(self, stage: Stage) -> None:
        self.current = stage
        self._marks.clear()
        self._write(0, 0)
        # What comes may be quiet for long: no connection is kept idle for it.
        connection.close_if_unusable_or_obsolete()
        if self._also:
            self._also.stage(stage)

    def tick(self, bytes_done: int, files_done: int) -> None:
        self._keeper.check()
        if self._also:
            self._also.tick(bytes_done, files_done)
        now = time.monotonic()
        if self._guard and now - self._guarded_at >= GUARD_EVERY_S:
            self._guarded_at = now
            self._guard(self.current)
        if now - self._written_at >= EVERY_S:
            self._mark(now, bytes_done)
            self._write(bytes_done, files_done)

    def _mark(self, now: float, bytes_done: int) -> None:
        self._marks.append((now, bytes_done))
        while now - self._marks[0][0] > RATE_S:
            self._marks.popleft()

    def _rate(self) -> float | None:
        """Bytes a second."""
        if len(self._marks) < 2:
            return None
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if ended > began else None

    def _write(self, bytes_done: int, files_done: int) -> None:
        self._keeper.check()
        self._written_at = time.monotonic()
        rows = type(self._row)._default_manager.filter(  # noqa: SLF001 - Django's
            holds(self._row)
        )
        try:
            found = rows.update(
                stage=self.current,
                bytes_done=bytes_done,
                bytes_total=self._totals[0],
                files_done=files_done,
                files_total=self._totals[1],
                rate_bytes_s=self._rate(),
                progress_at=timezone.now(),
            )
            wanted = rows.values_list("cancel_requested_at", flat=True).first()
        except DatabaseError:
            # The keeper knows how long a database may be away.
            connection.close_if_unusable_or_obsolete()
            return
        if not found:
            raise LeaseLost(f"{self._row} was taken back")
        if wanted:
            raise Trouble(Code.CANCELLED, "a person cancelled it")
