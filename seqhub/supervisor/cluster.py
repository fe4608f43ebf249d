"""A django-q2 cluster that stops in two steps and dies whole.

django-q2's own main process sets a multiprocessing Event in its signal handler,
which hangs for ever once the sentinel is gone, and a killed sentinel leaves
workers behind that consume tasks unguarded (both measured with 1.11). So the
sentinel is the main process here, its signals are only counted, and the kernel
ends each process of the cluster with it.
"""

from __future__ import annotations

import gc
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from typing import Any

from django.utils.module_loading import autodiscover_modules
from django_q import cluster
from django_q.conf import logger

from seqhub.lib import drain, processes
from seqhub.lib.processes import (
    Cancelled,
    die_with_parent,
    raise_cancelled_on_sigterm,
)
from seqhub.lib.stopping import StopRequests

LOOK_S = 0.2
# A look into the database and the pause after it, at the slowest.
PUSHER_S = 5
# Saving the results that wait.
MONITOR_S = 30
# What a cancelled task gets for removing what it has half-made.
CANCEL_S = 10
IDLE = -1.0


class _StopEvent:
    """The wish to stop, as django-q2's guard asks for it."""

    def __init__(self, stop: StopRequests) -> None:
        self._stop = stop

    def is_set(self) -> bool:
        return self._stop.is_requested

    def wait(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not self.is_set() and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        return self.is_set()


class Sentinel(cluster.Sentinel):  # type: ignore[misc]
    """django-q2's guard, of whose family no member outlives it."""

    pool: list[ForkProcess]

    def spawn_process(self, target: Callable[..., None], *args: Any) -> ForkProcess:
        process = cluster.get_mp_context().Process(
            target=_run, args=(os.getpid(), target, args)
        )
        process.daemon = True
        if target is cluster.worker:
            process.timer = args[2]
            self.pool.append(process)
        process.start()
        return process  # type: ignore[no-any-return]

    def reincarnate(self, process: ForkProcess) -> None:
        """Replace a dead process, unless its death has spoiled a queue.

        Who waits for a multiprocessing queue holds its lock, and a killed process
        never gives it back: each successor would wait for ever.
        """
        killed = process.exitcode is not None and process.exitcode < 0
        timer = getattr(process, "timer", None)
        idle = timer is not None and timer.value == IDLE
        if killed and (process is self.monitor or idle):
            logger.critical("an idle process was killed: the cluster must start afresh")
            os._exit(1)
        super().reincarnate(process)

    def stop(self) -> None:
        """End the cluster when its workers have finished what they are at.

        django-q2 first sends as many STOPs as there are workers. The queue may hold
        fewer, and a worker that is recycled takes none: it then waits for ever. A
        message that stays in the queue is lost, which costs a doorbell.
        """
        drain.ask()
        self.event_out.set()
        # At our end nothing waits for what nobody takes.
        self.task_queue.cancel_join_thread()
        self.pusher.join(PUSHER_S)
        self.pusher.terminate()  # blocked by a full queue
        while self.pool:
            with suppress(queue.Full):
                self.task_queue.put_nowait("STOP")
            time.sleep(LOOK_S)
            self.pool = [process for process in self.pool if process.is_alive()]
        self.result_queue.put("STOP")
        self.monitor.join(MONITOR_S)


def _run(parent: int, target: Callable[..., None], args: tuple[Any, ...]) -> None:
    # A terminal signals all processes, of which the main one decides. The programs that
    # tasks start are to finish at a Ctrl-C, too: they inherit what is ignored.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for signum in (signal.SIGHUP, signal.SIGQUIT):
        signal.signal(signum, _leave_to_main)
    if target is cluster.worker:
        raise_cancelled_on_sigterm()
    else:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent(parent)
    target(*args)


def _leave_to_main(_signum: int, _frame: object) -> None:
    """What programs do not inherit."""


def run_cluster() -> int:
    """Run the cluster that Q_CLUSTER_NAME names until it is stopped.

    The first SIGINT or SIGTERM lets running tasks finish, for as long as they take;
    a second one, or SIGQUIT, raises Cancelled in them. Returns the exit code: 0
    after a stop that was asked for, 1 when the cluster broke.
    """
    # Loaded once and never looked at by the garbage collector, which would write to
    # every page, what the processes are forked from is shared by all of them.
    autodiscover_modules("tasks")
    gc.collect()
    gc.freeze()
    stop = StopRequests()
    sentinel = Sentinel(_StopEvent(stop), threading.Event(), uuid.uuid4(), start=False)
    # After django-q2 has set handlers of its own.
    stop.install()
    try:
        with stop.cancelling():
            sentinel.start()
    except Cancelled:
        _cancel()
    return 0 if stop.is_requested else 1


def _cancel() -> None:
    # Found before anything ends: orphans are nobody's descendants. What leads a
    # session of its own, as Nextflow does, is meant to outlive us.
    members = set(processes.session_members(os.getsid(0)))
    family = [p for p in processes.descendants(os.getpid()) if p in members]
    processes.end(family, grace_s=CANCEL_S)
