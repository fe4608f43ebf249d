"""`manage.py restore`: get a run, or some of its files, back."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction

from archiving.choices import RestoreState
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import Kind
from archiving.management.foreground import STOPPED, Foreground
from archiving.models import ArchiveJob, Restore
from archiving.selectors import one_job
from archiving.services.expiry import tidy_up
from archiving.services.manifests import open_manifest
from archiving.services.policy import current_policy
from archiving.services.restores import (
    cancel_restore,
    claim_restore,
    request_restore,
    run_restore,
)
from archiving.services.space import free_bytes
from archiving.services.targets import (
    check_target,
    clean_names,
    members_of,
    resolve_target,
)
from seqhub.lib.lease import new_worker_id
from seqhub.lib.patience import TimedOut
from seqhub.lib.processes import Cancelled
from seqhub.lib.units import counted, format_bytes
from seqhub.operations.errors import DomainError
from seqhub.operations.management.actor import shell_actor
from seqhub.operations.management.documented import DocumentedCommand

FAILED, USAGE, WAITS, UNCOMPARED = 1, 2, 3, 4


class Command(DocumentedCommand):
    """Restore a run to DIR/<run>, or only the files and directories that --file
    names, and compare each with the manifest.

    DIR may be anywhere that you may write to; what is restored stays there until
    you remove it. Nothing is overwritten.

    Exit codes: 0 all was restored and is as in the manifest; 1 it could not be
    restored; 2 the command line is wrong, or there is no such archive or file; 3
    not now, for want of space say; 4 restored, but not all of it could be compared
    (the archive has no manifest, or files that were there stayed as they were); 130
    stopped. But for 0 and 4, nothing is left of it.
    """

    # The work itself tells what is wrong for it; a disk elsewhere must not hold it up.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="RUN", help="a name, sequencer/run, or path")
        parser.add_argument("--to", required=True, type=Path, metavar="DIR")
        parser.add_argument(
            "--file",
            action="append",
            default=[],
            metavar="PATH",
            help="in the run folder; a directory means all below; may be repeated",
        )
        parser.add_argument(
            "--key-file",
            type=Path,
            metavar="FILE",
            help="the run key, as RUN.key.gpg or decrypted (gpg -d RUN.key.gpg)",
        )
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(
        self,
        *args: Any,
        run: str,
        to: Path,
        file: list[str],
        key_file: Path | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        self._foreground = Foreground(self.stdout)
        try:
            job = one_job(run)
            names = [name.removeprefix("./") for name in file]
            if dry_run:
                self._plan(job, to.absolute(), names)
                return
            row = self._claim(job, to.absolute(), names)
        except (DomainError, TimedOut, ManifestDamaged, OSError) as error:
            raise CommandError(str(error), returncode=USAGE) from None
        with self._foreground.stop.installed():
            code = self._restore(row, key_file)
        if code:
            sys.exit(code)

    @transaction.atomic
    def _claim(self, job: ArchiveJob, target: Path, names: Sequence[str]) -> Restore:
        """Raises DomainError. In one transaction: no other worker sees it waiting."""
        asked = request_restore(
            job.pk,
            target=str(target),
            files=names,
            actor=shell_actor(),
            reason="Asked for in a shell.",
            anywhere=True,
        )
        host = settings.CONFIG.host
        row = claim_restore(asked.pk, host, new_worker_id(host))
        if row is None:
            where = "is being sealed anew" if job.host == host else f"is on {job.host}"
            raise CommandError(f"the archive of {job.name} {where}", returncode=FAILED)
        return row

    def _restore(self, row: Restore, key_file: Path | None) -> int:
        name = row.job.name
        try:
            with self._foreground.working(row, name):
                row = run_restore(row, key_file=key_file)
        except Cancelled:
            self._give_up(row, "Stopped.")
            self.stderr.write(f"{name}: stopped; nothing is left of it")
            return STOPPED
        if row.state == RestoreState.AVAILABLE:
            return self._tell_restored(row)
        self.stderr.write(f"{name}: {row.message.rstrip('.')}. {row.next_step}".strip())
        if row.state != RestoreState.REQUESTED:
            return FAILED
        # In a shell nobody waits for it any longer.
        self._give_up(row, "It would have had to wait.")
        return WAITS

    def _tell_restored(self, row: Restore) -> int:
        path = Path(row.target) / row.job.run_name
        if row.files_checked is None or row.message:
            self.stdout.write(f"{path}: restored. {row.message}".strip())
            return UNCOMPARED
        self.stdout.write(
            f"{path}: {counted(row.files_checked, 'file')}, as in the manifest"
        )
        return 0

    def _give_up(self, row: Restore, reason: str) -> None:
        """Remove what was half restored: `up`, which would do so, may not run."""
        try:
            tidy_up(cancel_restore(row.pk, actor=shell_actor(), reason=reason))
        except DomainError as error:
            self.stderr.write(error.message)

    def _plan(self, job: ArchiveJob, target: Path, names: Sequence[str]) -> None:
        """Raises DomainError, TimedOut, ManifestDamaged, OSError."""
        real = resolve_target(str(target), current_policy(), anywhere=True)
        check_target(job, real, may_fill=bool(names))
        wanted = clean_names(job, names)
        files = size = 0
        with open_manifest(job) as file:
            chosen = tuple(members_of(job, wanted, file))
            file.seek(0)
            for member in read_manifest(file)[1]:
                if not chosen or _is_chosen(member.name, chosen):
                    files += member.kind is Kind.FILE
                    size += member.size
        free = format_bytes(free_bytes(_existing(real)))
        self.stdout.write(
            f"{job.archive_path}: {counted(files, 'file')}, {format_bytes(size)},"
            f" would be restored to {real}, where {free} are free"
        )


def _is_chosen(name: bytes, chosen: tuple[bytes, ...]) -> bool:
    return any(name == one or name.startswith(one + b"/") for one in chosen)


def _existing(path: Path) -> Path:
    """The directory, or the nearest one above it that is there."""
    return next(one for one in (path, *path.parents) if one.is_dir())
