"""One minute of watching a host: a scan, then looks at what changes."""

from __future__ import annotations

import time

from runfolders.services import locks
from runfolders.services.scan import ScanReport, scan_host
from runfolders.services.second_look import look_again
from seqhub.lib import drain

# The next minute's tick takes over; django-q2 ends a task after 120 s.
STAY_S = 50
SCAN_LIMIT_S = 75
EVERY_S = 5.0
NAP_S = 0.5


def patrol(host: str) -> ScanReport | None:
    """Scan `host`, then look every few seconds at what changes, for a minute.

    The watching has a lock of its own: a scan that was asked for does not wait
    for it. It ends early when the cluster wants to stop. The scan's report; None
    if another scan was going on.
    """
    until = time.monotonic() + STAY_S
    report = scan_host(host, limit_s=SCAN_LIMIT_S)
    with locks.exclusive(locks.WATCH, host) as is_mine:
        while is_mine and not drain.is_asked() and look_again(host):
            if not _wait(min(EVERY_S, until - time.monotonic())):
                break
    return report


def _wait(seconds: float) -> bool:
    """Wait so long; False if there is no time left or the cluster stops."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not drain.is_asked():
        time.sleep(min(left, NAP_S))
    return seconds > 0 and not drain.is_asked()
