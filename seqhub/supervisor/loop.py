"""Watching over the children until somebody asks to stop."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from seqhub.lib.stopping import StopRequests
from seqhub.postgres import EmbeddedPostgres, PostgresError
from seqhub.supervisor.child import Child
from seqhub.supervisor.journal import Journal
from seqhub.supervisor.output import Output
from seqhub.supervisor.record import Record
from seqhub.supervisor.systemd import notify_systemd

LOOK_S = 0.5
PROGRESS_S = 10
# From the cancelling signal to SIGKILL.
CANCEL_S = 20
DATABASE_RETRY_S = 10


class Supervisor:
    """Keeps `children` and the embedded database running."""

    def __init__(
        self,
        children: Sequence[Child],
        *,
        embedded: EmbeddedPostgres | None,
        sockets: Sequence[socket.socket],
        stop: StopRequests,
        output: Output,
        journal: Journal,
        record: Record,
    ) -> None:
        self._children = children
        self._embedded = embedded
        self._sockets = sockets
        self._stop = stop
        self._output = output
        self._journal = journal
        self._record = record
        self._database_retry_at = 0.0
        # A signal, the death of a child included, ends the wait between looks.
        self._wake, write_end = os.pipe()
        for descriptor in (self._wake, write_end):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _signum, _frame: None)

    def start(self) -> None:
        """Start every child that is due."""
        started = [child for child in self._children if child.is_due]
        for child in started:
            child.start(self._output)
        if started:
            self._write_record()

    def run(self) -> None:
        """Watch until a stop is requested, then stop all of it."""
        try:
            while not self._stop.is_requested:
                self._look_after_database()
                self._look_after_children()
                self.start()
                self._wait()
        finally:
            self._stop_children()

    def _wait(self) -> None:
        select.select([self._wake], [], [], LOOK_S)
        with suppress(BlockingIOError):
            os.read(self._wake, 4096)

    def _write_record(self) -> None:
        try:
            self._record.write([child.id for child in self._children if child.id])
        except OSError as error:
            # A full disk must not end what runs.
            self._output.say(f"can't note what runs: {error}", "ERROR")

    def _look_after_children(self) -> None:
        for child in self._children:
            how = child.take_death()
            if how is None:
                continue
            self._write_record()
            if child.runs_once:
                self._output.say(f"{child.name} {how}")
                continue
            message = f"{child.name} {how}; starting it again"
            if child.delay_s:
                message += f" in {child.delay_s:g} s"
            self._output.say(message, "WARNING")
            self._journal.record(
                "process_restarted",
                f"{message}.",
                process=child.name,
                restarts=child.restarts,
            )

    def _look_after_database(self) -> None:
        if self._embedded is None or time.monotonic() < self._database_retry_at:
            return
        try:
            if self._embedded.is_running:
                return
            self._output.say("the database is gone; starting it again", "WARNING")
            if self._embedded.ensure_running():
                self._output.say("the database is back")
                self._journal.record(
                    "database_restarted",
                    "The database was gone and has been started again.",
                    process="database",
                )
        except PostgresError as error:
            self._output.say(f"{error}; trying again", "ERROR")
            self._database_retry_at = time.monotonic() + DATABASE_RETRY_S

    def _stop_children(self) -> None:
        notify_systemd("STOPPING=1")
        running = [child for child in self._children if child.is_running]
        asked_at = time.monotonic()
        for child in running:
            child.send(signal.SIGTERM)
        # Refused from now on, rather than kept waiting for nobody.
        for listening in self._sockets:
            listening.close()
        told_at = asked_at - PROGRESS_S
        while running and not self._stop.is_cancelled:
            if time.monotonic() - told_at >= PROGRESS_S:
                told_at = time.monotonic()
                names = ", ".join(child.name for child in running)
                self._output.say(
                    f"stopping when {names} finished what runs;"
                    " Ctrl-C or SIGTERM once more cancels it"
                )
            self._wait()
            for child in running:
                waited_s = time.monotonic() - asked_at
                if child.patience_s is not None and waited_s > child.patience_s:
                    child.end_session(0)
            running = self._without_the_ended(running)
        if running:
            self._cancel(running)
        for child in self._children:
            child.end_session(0)
        self._record.remove()

    def _cancel(self, running: list[Child]) -> None:
        self._output.say(
            f"cancelling {', '.join(child.name for child in running)}", "WARNING"
        )
        for child in running:
            child.send(signal.SIGQUIT)
        deadline = time.monotonic() + CANCEL_S
        while running and time.monotonic() < deadline:
            self._wait()
            running = self._without_the_ended(running)

    @staticmethod
    def _without_the_ended(running: list[Child]) -> list[Child]:
        rest = [child for child in running if child.is_running]
        for child in running:
            if child not in rest:
                child.end_session(0)
        return rest
