"""What a task wrote to its error output, where its work directory is within reach."""

from __future__ import annotations

from django.conf import settings

from seqhub.lib.patience import TimedOut, within
from turret.engine.masking import mask
from turret.engine.tails import Tail, Untold, read_tail, root_of
from turret.models import WorkflowTask

FILE = ".command.err"
LIMIT_BYTES = 8 << 10
_PATIENCE_S = 5.0


def is_in_reach(task: WorkflowTask) -> bool:
    """May its work directory be read here? Nothing is touched."""
    return root_of(task.workdir, settings.CONFIG.turret.readable_roots) is not None


def error_tail(task: WorkflowTask) -> Tail:
    """The end of its .command.err, masked. Raises Untold."""
    root = root_of(task.workdir, settings.CONFIG.turret.readable_roots)
    if root is None:
        raise Untold(
            "Its work directory is not below a directory of turret.readable_roots."
        )
    try:
        tail = within(
            _PATIENCE_S, str(root), read_tail, task.workdir, FILE, root, LIMIT_BYTES
        )
    except TimedOut as error:
        raise Untold(f"{error}.") from None
    return Tail(mask(tail.text), tail.size_bytes, tail.is_cut)
