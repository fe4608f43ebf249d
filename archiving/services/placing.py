"""The work of a restore: from an archive to a folder that appears whole.

Everything is written into a hidden directory beside the place, compared with the
manifest, and then renamed. What a worker that is gone has left is gone on with.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from archiving.engine.gpg.home import open_home
from archiving.engine.restoring import Restored, restore, select
from archiving.engine.trouble import destination_trouble, writing
from archiving.engine.watch import Watch
from archiving.errors import Code, RestoreRefused, Trouble
from archiving.models import ArchiveJob, Restore
from archiving.services.folders import (
    identity_of,
    is_private,
    mark_folder,
    remove_known,
    remove_tree,
)
from archiving.services.keys import open_session_key
from archiving.services.manifests import trusted_manifest
from archiving.services.policy import Policy
from archiving.services.targets import (
    final_name,
    partial_path,
    resolve_target,
    wanted_members,
)
from runfolders.services.passing_over import pass_over
from seqhub.lib.files import fsync_directory
from seqhub.lib.lease import LeaseLost, holds
from seqhub.lib.units import format_bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """`files` is None when there was no manifest to compare with."""

    files: int | None
    # Of chosen files: those that were there before and stayed as they were.
    left_alone: int = 0


class Replaced(Exception):
    """The archive was sealed anew meanwhile: what was restored may be of both."""


def place(row: Restore, policy: Policy, watch: Watch, key_file: Path | None) -> Placed:
    """Restore what a claimed row asks for.

    Raises Trouble, Replaced, LeaseLost, and what `watch` raises.
    """
    target = _target(row, policy)
    final = target / final_name(row.job)
    if row.made_identity and identity_of(final) == row.made_identity:
        # Renamed, and then the worker died.
        with writing(final):
            remove_known(partial_path(row, target), row.partial_identity)
        _note(row, has_partial=False)
        return Placed(row.files_checked)
    may_fill = row.is_anywhere and bool(row.files)
    if os.path.lexists(final) and not may_fill:
        raise _occupied(final)
    _make(target)
    with writing(final):
        partial = _open_partial(row, target)
    with _held(row, partial) as held:
        restored = _restore(row, held, final, policy, watch, key_file)
        _check_archive_is_the_same(row.job)
        files = restored.files if restored.is_checked else None
        left_alone = 0
        with writing(final):
            if os.path.lexists(final):
                left_alone = _fill(held / final.name, final)
            else:
                _appear(row, held / final.name, final, files)
            remove_known(partial, row.partial_identity)
    _note(row, has_partial=False)
    return Placed(files, left_alone)


def _target(row: Restore, policy: Policy) -> Path:
    try:
        return resolve_target(row.target, policy, anywhere=row.is_anywhere)
    except RestoreRefused as error:
        raise Trouble(Code.DESTINATION_MISSING, error.message) from error


def _make(target: Path) -> None:
    """Raises Trouble."""
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        trouble = destination_trouble(target, error)
        if trouble.code != Code.DESTINATION_MISSING:
            raise trouble from error
        raise Trouble(
            Code.DESTINATION_MISSING,
            f"{target} can't be made: {error.strerror}",
            "Choose another directory (in a shell: --to).",
        ) from error


def _open_partial(row: Restore, target: Path) -> Path:
    """A directory to write into, which is ours alone. Raises OSError, LeaseLost.

    A worker that only fell silent may wake up and write on: what it has made is
    removed, and not gone on with.
    """
    partial = partial_path(row, target)
    if row.partial_identity and identity_of(partial) == row.partial_identity:
        if is_private(partial) and _is_gone(row.partial_by):
            _note(row, has_partial=True, partial_by=row.worker_id)
            return partial
        remove_tree(partial)
    row.mark = secrets.token_hex(8)
    partial = partial_path(row, target)
    partial.mkdir(mode=stat.S_IRWXU)
    try:
        mark_folder(partial, row.mark)
        row.partial_identity = identity_of(partial)
        _note(
            row,
            has_partial=True,
            partial_by=row.worker_id,
            partial_identity=row.partial_identity,
            mark=row.mark,
        )
    except BaseException:
        partial.rmdir()  # nobody would know it again
        raise
    return partial


@contextmanager
def _held(row: Restore, partial: Path) -> Iterator[Path]:
    """A path that leads into the directory, also for our children, whatever others
    put under its name. Raises Trouble."""
    with writing(partial):
        descriptor = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        inode = os.fstat(descriptor).st_ino
        if str(inode) != row.partial_identity.partition(":")[0]:
            raise Trouble(
                Code.DESTINATION_FAILED,
                f"{partial} was exchanged for another directory",
                f"Look who may write in {partial.parent}.",
            )
        yield Path(f"/proc/{os.getpid()}/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _is_gone(worker_id: str) -> bool:
    """Whether a worker of this host has ended, or was this process, which does one
    thing after the other. What it started has ended with it."""
    process = worker_id.split(":")[-2]  # as seqhub.lib.lease.new_worker_id writes it
    return int(process) == os.getpid() or not Path("/proc", process).exists()


def _restore(
    row: Restore,
    held: Path,
    final: Path,
    policy: Policy,
    watch: Watch,
    key_file: Path | None,
) -> Restored:
    job = row.job
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        key = open_session_key(job, home, key_file)
        with trusted_manifest(job, key, home, watch) as manifest:
            wanted = wanted_members(row, manifest)
            with writing(final):
                if manifest is None:
                    _empty(held)
                _check_space(row, manifest, wanted, held, policy)
            restored = restore(
                job.archive_path, manifest, wanted, held, key, home, watch
            )
    if restored.findings:
        with writing(final):
            _empty(held)
        raise Trouble(
            Code.ARCHIVE_DAMAGED,
            f"{restored.findings_count:,} of the files are not as they were sealed: "
            f"{restored.findings[0].message}",
            "Verify the archive, and take another copy of it if it is damaged.",
        )
    return restored


def _empty(held: Path) -> None:
    """Where nothing tells half a file from a whole one, or a wrong one from ours.
    Raises OSError."""
    for left in held.iterdir():
        if _is_directory(left):
            remove_tree(left)
        else:
            left.unlink()


def _check_space(
    row: Restore,
    manifest: Path | None,
    wanted: list[bytes] | None,
    held: Path,
    policy: Policy,
) -> None:
    """Raises Trouble(NO_SPACE), OSError; counts what an earlier try has written."""
    if manifest is None:
        needed = row.job.source_bytes or row.job.archive_bytes or 0
    else:
        needed = select(manifest, wanted).size_bytes
    needed = max(needed - _size_of(held), 0) + policy.margin_bytes
    disk = os.statvfs(held)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise Trouble(
            Code.NO_SPACE,
            f"{row.target} has {format_bytes(free)} free; the restore needs "
            f"{format_bytes(needed)}",
            "Free space there, or restore to another directory; it is tried again by "
            "itself.",
        )


def _size_of(directory: Path) -> int:
    total = 0
    for where, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += os.lstat(f"{where}/{name}").st_size
    return total


def _check_archive_is_the_same(job: ArchiveJob) -> None:
    now = ArchiveJob.objects.values_list("sealed_attempt", "sealed_at", "publishing")
    attempt, sealed_at, publishing = now.get(pk=job.pk)
    if (attempt, sealed_at) != (job.sealed_attempt, job.sealed_at) or publishing:
        raise Replaced


def _appear(row: Restore, made: Path, final: Path, files: int | None) -> None:
    """Give the folder its name. What made it is noted first: whoever comes after a
    crash knows it by that, and the scanner takes it for no new run."""
    mark_folder(made, row.mark)
    _note(
        row,
        made_path=os.fsencode(final),
        made_identity=identity_of(made),
        made_in=str(final.parent.stat().st_ino),
        made_ns=made.lstat().st_ctime_ns,
        files_checked=files,
    )
    pass_over(row.host, str(final), f"It was restored from the archive {row.job.name}.")
    _move(made, final)
    fsync_directory(final.parent)


def _fill(made: Path, final: Path) -> int:
    """Put what is missing into a folder that is there; how much was there already.

    Nothing is overwritten, and no link is followed.
    """
    left_alone = 0
    for source in sorted(made.iterdir()):
        place = final / source.name
        if _is_directory(source):
            if not os.path.lexists(place):
                _move(source, place)
            elif _is_directory(place):
                left_alone += _fill(source, place)
            else:
                left_alone += 1
            continue
        try:
            # Unlike a rename it never replaces what somebody has just put there.
            os.link(source, place, follow_symlinks=False)
        except FileExistsError:
            left_alone += 1
    return left_alone


def _move(made: Path, place: Path) -> None:
    """Rename a directory: one that may not be written can't change its parent, but
    for root."""
    mode = stat.S_IMODE(made.lstat().st_mode)
    made.chmod(mode | stat.S_IRWXU)
    made.rename(place)
    place.chmod(mode)


def _is_directory(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def _note(row: Restore, **columns: object) -> None:
    """Write to the row as long as it is ours. Raises LeaseLost."""
    if not Restore.objects.filter(holds(row)).update(**columns):
        raise LeaseLost(f"{row} was taken back")


def _occupied(final: Path) -> Trouble:
    return Trouble(
        Code.ALREADY_THERE,
        f"{final} is there already",
        "Nothing is ever overwritten: move it away, or restore elsewhere.",
    )
