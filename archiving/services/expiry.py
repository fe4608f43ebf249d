"""Removing what was restored: the directory that we made, and nothing else."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.errors import RestoreRefused
from archiving.models import Restore
from archiving.services.history import record
from archiving.services.policy import Policy, current_policy
from archiving.services.targets import partial_path, resolve_target
from runfolders.engine.files import printable
from runfolders.services.passing_over import take_up_again
from seqhub.operations.services.events import SYSTEM

log = logging.getLogger(__name__)

_OVER = (RestoreState.CANCELLED, RestoreState.FAILED, RestoreState.EXPIRED)


def expire_due(host: str) -> int:
    """Remove the restored folders of this host whose time is over, and what restores
    that are over left half made; answers how many. What can't be removed now is
    tried again."""
    policy = current_policy()
    rows = Restore.objects.filter(host=host).select_related("job")
    removed = 0
    due = rows.filter(state=RestoreState.AVAILABLE, expires_at__lte=Now())
    for row in due:
        removed += _expire(row, policy)
    for row in rows.filter(state__in=_OVER, has_partial=True):
        removed += remove_partial(row)
    return removed


def remove_partial(row: Restore) -> bool:
    """Remove what a restore that is over has half made; whether it is gone."""
    policy = current_policy()
    try:
        target = resolve_target(row.target, policy, anywhere=row.is_anywhere)
        if not target.is_dir():
            return False  # not mounted, perhaps
        remove_tree(partial_path(row, target))
    except (OSError, RestoreRefused) as error:
        log.warning("What %s left can't be removed: %s", row, error)
        return False
    Restore.objects.filter(pk=row.pk, state__in=_OVER).update(has_partial=False)
    return True


def identity_of(path: Path) -> str:
    """`device:inode` of a directory; empty if there is none."""
    try:
        status = path.lstat()
    except OSError:
        return ""
    if not stat.S_ISDIR(status.st_mode):
        return ""
    return f"{status.st_dev}:{status.st_ino}"


def remove_tree(directory: Path) -> None:
    """Remove a directory, also what may not be written in it; none is no error.

    Raises OSError.
    """
    if not os.path.lexists(directory):
        return
    for where, _, _ in os.walk(directory):
        # Gone: somebody else removes it, too.
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.lstat(where).st_mode)
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                os.chmod(where, mode | stat.S_IRWXU)  # noqa: PTH101 - text in a walk
    with suppress(FileNotFoundError):
        shutil.rmtree(directory)


def _expire(row: Restore, policy: Policy) -> bool:
    final = Path(os.fsdecode(bytes(row.made_path or b"")))
    try:
        words = printable(_remove(row, final, policy))
    except OSError as error:
        log.warning("%s can't be removed: %s", final, error)
        return False
    if not words:
        return False
    with transaction.atomic():
        rows = Restore.objects.select_for_update(of=("self",)).filter(pk=row.pk)
        locked = rows.filter(state=RestoreState.AVAILABLE, expires_at__lte=Now())
        if (now := locked.first()) is None:
            return False
        now.state = RestoreState.EXPIRED
        now.state_since = timezone.now()
        now.message = words
        now.has_partial = False
        now.save(update_fields=["state", "state_since", "message", "has_partial"])
        take_up_again(row.host, str(final))
        data = {"restore": row.pk}
        record(row.job, "restore_expired", words, actor=SYSTEM, data=data)
    return True


def _remove(row: Restore, final: Path, policy: Policy) -> str:
    """What was done, in words; empty if it is to be tried again.

    It leaves its name first, so that nobody finds half of it. Raises OSError.
    """
    try:
        target = resolve_target(str(final.parent), policy, anywhere=False)
    except RestoreRefused:
        return f"{final} was left: it no longer lies in a directory for restores."
    leaving = partial_path(row, target)
    if identity_of(final) == row.made_identity:
        mode = stat.S_IMODE(final.lstat().st_mode)
        final.chmod(mode | stat.S_IRWXU)
        final.rename(leaving)
    if identity_of(leaving) == row.made_identity:
        remove_tree(leaving)
        return f"{final} was removed: its time was over."
    if os.path.lexists(final):
        return f"{final} was left: it is not the directory that was restored."
    device = row.made_identity.partition(":")[0]
    if not target.is_dir() or str(target.stat().st_dev) != device:
        return ""  # the disk is away
    return f"{final} was gone already when its time was over."
