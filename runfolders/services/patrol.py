"""One minute of watching a host: a scan, then looks at what changes."""

from __future__ import annotations

import os
import time

from runfolders.services import locks
from runfolders.services.scan import ScanReport, scan_host
from runfolders.services.second_look import look_again

# The next minute's tick takes over; django-q2 ends a task after 120 s.
STAY_S = 50
SCAN_LIMIT_S = 90
EVERY_S = 5


def patrol(host: str) -> ScanReport | None:
    """Scan `host`, then look every few seconds at what changes, for a minute.

    The watching has a lock of its own: a scan that was asked for does not wait
    for it. It ends early when its cluster does. The scan's report; None if
    another scan was going on.
    """
    until = time.monotonic() + STAY_S
    report = scan_host(host, limit_s=SCAN_LIMIT_S)
    parent = os.getppid()
    with locks.exclusive(locks.WATCH, host) as is_mine:
        while is_mine and look_again(host) and time.monotonic() + EVERY_S < until:
            time.sleep(EVERY_S)
            if os.getppid() != parent:
                break
    return report
