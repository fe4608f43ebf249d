"""Rows that one worker at a time works on: a claim that expires.

The database's clock alone decides, so that hosts whose clocks differ or jump
agree. A worker is known by its id and the number of the attempt: one that was
silent for too long finds that the row is no longer its own, and can't finish it.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import secrets
import threading
import time
from types import TracebackType
from typing import Any, Self

from django.db import Error, connection, models
from django.db.models.functions import Now

log = logging.getLogger(__name__)

# Renewed so many times before it would expire.
RENEWALS = 4


class Leased(models.Model):
    """A row that is worked on under a lease. No worker: nobody holds it."""

    worker_id = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class LeaseLost(Exception):
    """Another worker may have the row by now: leave it alone."""


def new_worker_id(host: str) -> str:
    """Names this process, and no other one ever."""
    return f"{host}:{os.getpid()}:{secrets.token_hex(4)}"


def expiry(lease_s: float) -> Any:
    """An expression for `lease_until`: so many seconds from the statement."""
    return Now() + dt.timedelta(seconds=lease_s)


def expired() -> models.Q:
    """Rows whose worker has been silent for too long."""
    return ~models.Q(worker_id="") & models.Q(lease_until__lt=Now())


def holds(row: Leased) -> models.Q:
    """The row, as long as this very attempt holds it. Under a row lock this
    is the last look before a result counts."""
    return models.Q(pk=row.pk, worker_id=row.worker_id, attempt=row.attempt)


def renew(row: Leased, lease_s: float) -> None:
    """Raises LeaseLost when somebody took the row back."""
    rows = type(row)._default_manager.filter(holds(row))  # noqa: SLF001 - Django's
    if not rows.update(lease_until=expiry(lease_s)):
        raise LeaseLost(f"{row} is no longer held by {row.worker_id}")


class Keeper:
    """Renews a lease from a thread of its own while the work goes on.

    `is_lost` turns true when the row was taken back, or when the database has
    not answered for the length of a lease, which comes to the same.
    """

    def __init__(self, row: Leased, lease_s: float) -> None:
        self._row = row
        self._lease_s = lease_s
        self._stop = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def is_lost(self) -> bool:
        return self._lost.is_set()

    def check(self) -> None:
        """Raises LeaseLost."""
        if self.is_lost:
            raise LeaseLost(f"{self._row} was taken back")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._keep()
        except LeaseLost:
            self._lost.set()
        except Exception:
            # What nobody renews is lost soon, whatever the reason.
            log.exception("the lease of row %s can't be renewed", self._row.pk)
            self._lost.set()
        finally:
            connection.close()

    def _keep(self) -> None:
        """Until stopped. Raises LeaseLost."""
        renewed_at = time.monotonic()
        while not self._stop.wait(self._lease_s / RENEWALS):
            try:
                renew(self._row, self._lease_s)
                renewed_at = time.monotonic()
                # No idle connection stays open for hours.
                connection.close()
            # Not only DatabaseError: InterfaceError is none.
            except Error as error:
                connection.close()
                if time.monotonic() - renewed_at > self._lease_s:
                    raise LeaseLost(f"the database is silent: {error}") from error
