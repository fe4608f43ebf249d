"""A look at an archive on disk: what of it is as sealed, and what is not.

It reads and reports; the one thing that it writes is a readable manifest that was
lost. services.verification asks for it and keeps what comes out.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from archiving.choices import Depth
from archiving.engine.findings import Fault
from archiving.engine.gpg.home import open_home
from archiving.engine.verifying import digest
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble
from archiving.models import ArchiveJob, Verification
from archiving.services.destination import is_bare
from archiving.services.examination import (
    Examination,
    compare_digest,
    say_source_was_not_compared,
)
from archiving.services.keys import key_digest, open_session_key, read_wrapped
from archiving.services.manifests import file_digest, path_of
from archiving.services.opening import Opener
from archiving.services.policy import Policy


def examine(
    row: Verification, policy: Policy, watch: Watch, key_file: Path | None
) -> Examination:
    """As deep as `row` asks for and the keys at hand allow.

    Raises Trouble for what keeps us from looking, which says nothing of the
    archive (its disk is not there, gpg is missing, `key_file` is of another
    archive), and what `watch` raises.
    """
    job = row.job
    found = Examination()
    _find_directory(job)
    _examine_key_file(job, found)
    sealed_is_right, readable_is_right = _examine_manifests(job, found)
    if not _is_there(job.archive_path):
        words = f"{job.archive_path} is not there"
        found.add(Fault.ARCHIVE_MISSING, words)
        found.is_compared = True
        found.not_checked.append("The archive itself: it is not there.")
        return found
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        key = _open_key(row, home, key_file, found)
        if key is None:
            _examine_bytes(job, watch, found)
            say_source_was_not_compared(row, found)
            return found
        opener = Opener(row, key, home, watch, found, is_key_given=key_file is not None)
        opener.examine(sealed_is_right, readable_is_right)
    return found


def _find_directory(job: ArchiveJob) -> None:
    """Raise Trouble unless the archive's directory is there.

    One that holds nothing is taken for a mount point without its disk.
    """
    directory = job.archive_path.parent
    try:
        is_empty = is_bare(directory)
    except OSError as error:
        raise Trouble(
            Code.DESTINATION_MISSING,
            f"{directory} can't be looked at: {error.strerror}",
            "Mount it, or let the user that runs SeqHub read it.",
        ) from error
    if is_empty:
        raise Trouble(
            Code.DESTINATION_MISSING,
            f"{directory} holds nothing: its disk seems not to be mounted",
            "Mount it. If the archives were removed, bring them back from a copy.",
        )


def _is_there(path: Path) -> bool:
    """Raises Trouble for what can't be looked at."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from error
    return path.is_file()


def _unreadable(path: Path, error: OSError) -> Trouble:
    return Trouble(
        Code.DESTINATION_FAILED,
        f"{path} can't be looked at: {error.strerror}",
        "Look at its disk, and at who may read there.",
    )


def _examine_key_file(job: ArchiveJob, found: Examination) -> None:
    content = read_wrapped(job)
    if content is None:
        kept = "; the database has the key" if job.wrapped_key is not None else ""
        found.add(Fault.KEY_MISSING, f"the key file {job.key_path} is missing{kept}")
    elif not job.key_sha256:
        found.wrapped_key = content
        found.checked.append("The key file was recorded; nothing was known of it.")
    elif key_digest(content) != job.key_sha256:
        found.add(
            Fault.KEY_DIFFERS, f"the key file {job.key_path} is not the one of it"
        )
    else:
        found.checked.append("The key file is as sealed.")


def _examine_manifests(job: ArchiveJob, found: Examination) -> tuple[bool, bool]:
    """Whether the encrypted and the readable manifest are as sealed."""
    if not job.manifest_sha256:
        return False, False
    sealed = _examine_manifest(
        job.sealed_manifest_path,
        job.sealed_manifest_sha256,
        "The encrypted manifest",
        found,
    )
    if job.manifest_host != settings.CONFIG.host:
        found.not_checked.append(
            f"The readable manifest: it is on {job.manifest_host}."
        )
        return sealed, False
    readable = _examine_manifest(
        path_of(job), job.manifest_sha256, "The readable manifest", found
    )
    return sealed, readable


def _examine_manifest(path: Path, wanted: str, name: str, found: Examination) -> bool:
    try:
        has = file_digest(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    if has is None:
        words = f"{name[0].lower()}{name[1:]} {path} is missing"
        found.add(Fault.MANIFEST_MISSING, words)
    elif has != wanted:
        words = f"{name[0].lower()}{name[1:]} {path} is not as sealed"
        found.add(Fault.MANIFEST_DIFFERS, words)
    else:
        found.checked.append(f"{name} is as sealed.")
    return has == wanted


def _open_key(
    row: Verification, home: Path, key_file: Path | None, found: Examination
) -> bytes | None:
    """None: the archive can't be opened here, or nobody asks for it."""
    if row.depth == Depth.BYTES:
        found.not_checked.append("The content: only the bytes were to be looked at.")
        return None
    try:
        return open_session_key(row.job, home, key_file)
    except Trouble as trouble:
        if key_file is not None:
            raise
        if trouble.code == Code.NO_SECRET_KEY:
            found.not_checked.append(
                "The content was not opened: no secret key of its recipients is on "
                "this host."
            )
        elif trouble.code == Code.WRONG_KEY:
            found.add(Fault.WRONG_KEY, trouble.message)
            found.not_checked.append("The content was not opened: its key is damaged.")
        else:
            raise
    return None


def _examine_bytes(job: ArchiveJob, watch: Watch, found: Examination) -> None:
    try:
        size, sha256 = digest(job.archive_path, watch)
    except Trouble as trouble:
        if trouble.code != Code.ARCHIVE_DAMAGED:
            raise
        found.add(Fault.ARCHIVE_UNREADABLE, trouble.message)
        return
    compare_digest(job, size, sha256, found)
