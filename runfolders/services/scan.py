"""The scan: every root of a host, once, and what came of it."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils import timezone

from runfolders.models import Root
from runfolders.services import locks
from runfolders.services.duplicates import sync_duplicates
from runfolders.services.policy import current_policy
from runfolders.services.recorder import RootReport
from runfolders.services.root_scan import scan_root
from runfolders.services.roots import sync_roots
from runfolders.services.size import ring_for_sizes
from seqhub.lib import queues
from seqhub.operations.services.doorbell import ring
from seqhub.operations.services.events import Actor, record_event
from seqhub.operations.services.heartbeats import beat

ROLE = "scanner"
BEAT_S = 1.0


@dataclass(slots=True)
class ScanReport:
    """What a scan did. `is_finished` is false if its time was up before."""

    roots: list[RootReport] = field(default_factory=list)
    is_finished: bool = True

    def total(self, count: str) -> int:
        """Sum of a count of the roots: new, changed, completed, vanished, ..."""
        return sum(getattr(root, count) for root in self.roots)


def scan_host(
    host: str,
    *,
    progress: Callable[[int, int], None] | None = None,
    only: str | None = None,
    limit_s: float | None = None,
    now: dt.datetime | None = None,
) -> ScanReport | None:
    """Look at every root of `host`; None if another scan of it is going on.

    `progress` is told directories done and known of; `only` is the path of the
    one root to scan; each root has its share of `limit_s` seconds, and the next
    scan goes on where one ended. `now` is the time of what is observed (tests set it).
    """
    with locks.exclusive(locks.SCAN, host) as is_mine:
        return _scan(host, progress, only, limit_s, now) if is_mine else None


def request_scan(host: str, *, actor: Actor) -> None:
    """Have `host` scan now, not at the next minute."""
    message = f"A scan of {host} was asked for."
    record_event(f"host:{host}", "scan_requested", message, actor=actor)
    ring("runfolders.tasks.scan", host, queue=queues.local(host))


def _scan(
    host: str,
    progress: Callable[[int, int], None] | None,
    only: str | None,
    limit_s: float | None,
    now: dt.datetime | None,
) -> ScanReport:
    policy = current_policy()
    report = ScanReport()
    until = None if limit_s is None else time.monotonic() + limit_s
    roots = [
        root
        for root in sync_roots(host, now or timezone.now())
        if only is None or root.path == only
    ]
    for number, root in enumerate(roots):
        result = scan_root(
            root,
            policy=policy,
            progress=_Beat(root, progress),
            deadline=_share(until, len(roots) - number),
            now=now,
        )
        report.roots.append(result)
        report.is_finished &= result.is_finished
    sync_duplicates(host)
    if report.total("completed"):
        ring_for_sizes(host)
    finished_at = timezone.now().isoformat() if report.is_finished else None
    seen = report.total("seen")
    beat(host, ROLE, {"done": seen, "total": seen, "finished_at": finished_at})
    return report


def _share(until: float | None, roots: int) -> float | None:
    """When the first of so many roots must end, so that none of them takes the
    time of all; what it leaves is for the others."""
    if until is None:
        return None
    now = time.monotonic()
    return now + (until - now) / roots


class _Beat:
    """Tells of progress, the database at most once a second."""

    def __init__(self, root: Root, progress: Callable[[int, int], None] | None) -> None:
        self._root = root
        self._progress = progress
        # A scan that is done sooner says so only at its end.
        self._last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        if self._progress:
            self._progress(done, total)
        if time.monotonic() - self._last >= BEAT_S:
            self._last = time.monotonic()
            data = {"done": done, "total": total, "root": self._root.path}
            beat(self._root.host, ROLE, {**data, "finished_at": None})
