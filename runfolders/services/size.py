"""How large a complete run is: measured once, by a slow and polite walk."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator

from django.db.models import Q
from django.utils import timezone

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services import locks
from seqhub.lib import queues
from seqhub.lib.patience import TimedOut, patient
from seqhub.lib.sizes import look_into
from seqhub.operations.services.doorbell import ring

# A single directory may take so long, on a busy file server too.
ANSWER_S = 600
# What could not be measured is tried again then.
AGAIN_AFTER = dt.timedelta(days=1)
_IDLE = 19  # the nice value that lets everybody else go first


def ring_for_sizes(host: str) -> None:
    """Have the sizes of the runs of `host` measured that became complete."""
    ring("runfolders.tasks.measure_sizes", host, queue=queues.long(host))


def unmeasured(host: str) -> list[int]:
    """Ids of complete run folders that were not measured, nor tried to be lately."""
    tried_lately = Q(size_measured_at__gt=timezone.now() - AGAIN_AFTER)
    rows = Runfolder.objects.filter(
        host=host,
        is_present=True,
        root__is_configured=True,
        sequencing=Sequencing.COMPLETE,
        size_bytes=None,
    ).exclude(tried_lately)
    return list(rows.order_by("completed_at", "pk").values_list("pk", flat=True))


def measure_size(runfolder_id: int) -> int | None:
    """Bytes of the regular files; None if not all of them can be looked at.

    Links are not followed, a file with several names counts once. Does nothing
    while another process measures the same folder. Hours may pass.
    """
    row = Runfolder.objects.filter(pk=runfolder_id, is_present=True).first()
    if row is None:
        return None
    with locks.exclusive(locks.MEASURE, str(runfolder_id)) as is_mine:
        if not is_mine:
            return None
        size = 0
        try:
            for part in patient(ANSWER_S, row.root.path, _sizes(str(row.location))):
                size += part
        except (OSError, TimedOut):
            # Said to be not measured rather than said too small.
            measured = None
        else:
            measured = size
        # Only if it still is the folder that was measured.
        Runfolder.objects.filter(
            pk=runfolder_id, is_present=True, sequencing=Sequencing.COMPLETE
        ).update(size_bytes=measured, size_measured_at=timezone.now())
        return measured


def _sizes(folder: str) -> Iterator[int]:
    """Bytes directory by directory. Raises OSError."""
    # On Linux of this thread alone, which does nothing but this walk.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _IDLE)
    counted: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        size, below = look_into(pending.pop(), counted)
        pending += below
        yield size
