"""Removing what was restored: the directory that we made, and nothing else."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from archiving.choices import RestoreState
from archiving.errors import RestoreRefused
from archiving.models import Restore
from archiving.services.folders import (
    count_later,
    identity_of,
    remove_known,
    remove_tree,
)
from archiving.services.history import record
from archiving.services.policy import Policy, current_policy
from archiving.services.targets import partial_path, resolve_target
from runfolders.engine.files import storable
from runfolders.services.passing_over import take_up_again
from seqhub.operations.services.events import SYSTEM

log = logging.getLogger(__name__)

_GIVEN_UP = (RestoreState.CANCELLED, RestoreState.FAILED)
_OVER = (*_GIVEN_UP, RestoreState.EXPIRED)


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
    has_left = Q(state__in=_OVER, has_partial=True)
    has_made = Q(state__in=_GIVEN_UP, made_path__isnull=False)
    for row in rows.filter(has_left | has_made):
        removed += tidy_up(row)
    return removed


def tidy_up(row: Restore) -> bool:
    """Remove what a restore that is over has half made, and the folder that appeared
    just before it was given up; whether that is done."""
    policy = current_policy()
    columns: dict[str, object] = {"has_partial": False}
    try:
        target = resolve_target(row.target, policy, anywhere=row.is_anywhere)
        if not target.is_dir():
            return False  # not mounted, perhaps
        if row.made_path is not None and row.state in _GIVEN_UP:
            final = _made(row)
            words = _remove_made(row, final, target)
            if not words:
                return False
            take_up_again(row.host, str(final))
            columns |= {"made_path": None, "made_identity": ""}
            if os.path.lexists(final):
                columns["message"] = storable(words)
        else:
            remove_known(partial_path(row, target), row.partial_identity)
    except (OSError, RestoreRefused) as error:
        log.warning("What %s left can't be removed: %s", row, error)
        return False
    rows = Restore.objects.filter(pk=row.pk, state__in=_OVER, mark=row.mark)
    rows.update(**columns)
    return True


def _expire(row: Restore, policy: Policy) -> bool:
    final = _made(row)
    try:
        words = storable(_remove(row, final, policy))
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
    """What was done, in words; empty if it is to be tried again. Raises OSError."""
    try:
        target = resolve_target(str(final.parent), policy, anywhere=False)
    except RestoreRefused:
        return f"{final} was left: it no longer lies in a directory for restores."
    return _remove_made(row, final, target) if target.is_dir() else ""


def _remove_made(row: Restore, final: Path, target: Path) -> str:
    """As `_remove`. The folder leaves its name first, so that nobody finds half of
    it."""
    leaving = partial_path(row, target)
    remove_known(leaving, row.partial_identity)
    was_leaving = remove_known(leaving, row.made_identity)
    if identity_of(final) == row.made_identity:
        if later := count_later(final, row.made_ns or 0):
            return (
                f"{final} was left: files in it ({later:,}) were not restored, or "
                "were changed since."
            )
        # Nobody else gets into it any more.
        final.chmod(stat.S_IRWXU)
        final.rename(leaving)
        remove_tree(leaving)
        was_leaving = True
    if was_leaving:
        return f"{final} was removed."
    if os.path.lexists(final):
        return f"{final} was left: it is not the directory that was restored."
    if str(target.stat().st_ino) != row.made_in:
        return ""  # the disk is away
    return f"{final} was gone already."


def _made(row: Restore) -> Path:
    return Path(os.fsdecode(bytes(row.made_path or b"")))
