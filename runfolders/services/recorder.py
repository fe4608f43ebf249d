"""From looks to rows: each folder for itself, so that none stops another."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError
from django.utils import timezone

from runfolders.engine.files import storable
from runfolders.engine.look import Look
from runfolders.errors import RunfolderNotFound
from runfolders.models import Root, Runfolder
from runfolders.services.observation import is_another_run, observe
from runfolders.services.policy import Policy
from runfolders.services.presence import give_way
from runfolders.services.registration import register

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RootReport:
    """What the scan of a root did."""

    path: str
    missing: str = ""  # why the root could not be looked at
    seen: int = 0  # directories
    new: int = 0
    changed: int = 0  # looked at and already known, moved ones included
    completed: int = 0
    vanished: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)  # path -> reason
    is_finished: bool = True


@dataclass(slots=True)
class Recorder:
    """Writes looks down; trouble with one folder stays with that folder."""

    root: Root
    ids: dict[str, int]
    policy: Policy
    report: RootReport
    now: dt.datetime | None = None
    is_poll: bool = True

    def record(self, look: Look) -> None:
        """Write one look down; what goes wrong is logged and its folder unreadable."""
        try:
            if look.path in self.ids:
                self._record_known(look)
            else:
                self._record_new([look])
        except (OperationalError, InterfaceError):
            raise  # the database is away: that is not the folder's fault
        except (RunfolderNotFound, Runfolder.DoesNotExist):
            pass  # somebody made us forget it meanwhile
        except Exception:
            log.exception("recording %s", storable(look.path))
            self._give_up(look)

    def record_all(self, looks: Sequence[Look]) -> None:
        """The same for many: new ones at once, because a first scan has thousands."""
        new = [look for look in looks if look.path not in self.ids]
        for look in looks:
            if look.path in self.ids:
                self.record(look)
        if not new:
            return
        try:
            self._record_new(new)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # One of them spoils it for all: find out which.
            log.exception("recording %d new run folders at once", len(new))
            for look in new:
                self.record(look)

    def _record_known(self, look: Look) -> None:
        now = self.now or timezone.now()
        row = Runfolder.objects.get(pk=self.ids[look.path])
        self.report.changed += 1
        if look.error:
            self.report.unreadable[storable(look.path)] = look.error
        if row.is_present and is_another_run(row, look):
            give_way(row.pk, now=now)
            self._record_new([look])
            return
        became_complete = observe(
            row.pk, look, policy=self.policy, now=now, is_poll=self.is_poll
        )
        self.report.completed += became_complete

    def _record_new(self, looks: Sequence[Look]) -> None:
        now = self.now or timezone.now()
        registered = register(self.root, looks, policy=self.policy, now=now)
        self.report.new += len(registered.new)
        self.report.changed += len(registered.known_again)
        self.report.completed += registered.completed
        for look in looks:
            if look.error:
                self.report.unreadable[storable(look.path)] = look.error

    def _give_up(self, look: Look) -> None:
        """A fault of ours: the folder is unreadable until it is mended."""
        reason = "SeqHub can't record this folder; the log has the details."
        self.report.unreadable[storable(look.path)] = reason
        if look.path in self.ids:
            failed = Look(
                look.path, look.platform, look.before, look.before, error=reason
            )
            now = self.now or timezone.now()
            observe(self.ids[look.path], failed, policy=self.policy, now=now)
