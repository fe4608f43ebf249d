"""The ends of what Nextflow and its tasks wrote, where that is within reach."""

from __future__ import annotations

from django.conf import settings

from seqhub.lib.patience import TimedOut, within
from turret.engine.masking import mask
from turret.engine.tails import Tail, Untold, read_tail, root_of
from turret.models import WorkflowTask

FILE = ".command.err"
LIMIT_BYTES = 8 << 10
PATIENCE_S = 5.0


def is_in_reach(task: WorkflowTask) -> bool:
    """May its work directory be read here? Nothing is touched."""
    return root_of(task.workdir, settings.CONFIG.turret.readable_roots) is not None


def error_tail(task: WorkflowTask) -> Tail:
    """The end of its .command.err, masked. Raises Untold."""
    return masked_tail(task.workdir, FILE, LIMIT_BYTES)


def masked_tail(directory: str, name: str, limit_bytes: int) -> Tail:
    """The end of a file, masked; it may be a little longer then. Raises Untold, also
    when the disk does not answer."""
    root = root_of(directory, settings.CONFIG.turret.readable_roots)
    if root is None:
        raise Untold(
            f"{name} can't be read here: {directory or 'its directory'} is not below a "
            "directory of turret.readable_roots."
        )
    try:
        tail = within(
            PATIENCE_S, str(root), read_tail, directory, name, root, limit_bytes
        )
    except TimedOut as error:
        raise Untold(f"{error}.") from None
    return Tail(mask(tail.text), tail.is_cut)
