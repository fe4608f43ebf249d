"""The list of what an archive holds: the readable copy, and the encrypted one."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from archiving.engine.opening import open_sealed
from archiving.engine.watch import Watch
from archiving.errors import Code, ManifestNotHere, Trouble
from archiving.models import ArchiveJob
from archiving.services.naming import PARTIAL
from archiving.services.policy import current_policy
from seqhub.lib.files import PRIVATE, fsync_directory


@contextmanager
def open_manifest(job: ArchiveJob) -> Iterator[BinaryIO]:
    """The readable manifest of the archive, for engine.browse and engine.manifest.

    Raises ManifestNotHere.
    """
    with _open_readable(job) as file:
        yield file


def path_of(job: ArchiveJob) -> Path:
    """Where this host keeps the readable manifest, whether it is there or not."""
    return current_policy().manifests_dir / f"{job.pk}.manifest"


def file_digest(path: Path) -> str | None:
    """SHA-256 of a regular file, hex; None if there is none. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def trusted_manifest(
    job: ArchiveJob, key: bytes, home: Path, watch: Watch
) -> Iterator[Path | None]:
    """The path of a manifest as it was sealed: the readable one, or the encrypted
    one decrypted for as long as it is needed. None: the archive has none.

    Raises Trouble(MANIFEST_MISSING) when neither is there as it was sealed.
    """
    if not job.manifest_sha256:
        yield None
        return
    readable = path_of(job)
    if _has_digest(readable, job.manifest_sha256):
        yield readable
        return
    with decrypted_manifest(job, key, home, watch) as path:
        if _has_digest(path, job.manifest_sha256):
            yield path
            return
    raise Trouble(
        Code.MANIFEST_MISSING,
        f"the manifest of {job.name} is not as it was sealed, nor is its copy",
        "The archive opens without it: gpg and tar, as docs/operations.md says.",
    )


@contextmanager
def decrypted_manifest(
    job: ArchiveJob, key: bytes, home: Path, watch: Watch
) -> Iterator[Path]:
    """The manifest from beside the archive, in a private file that goes afterwards.

    Raises Trouble: MANIFEST_MISSING, WRONG_KEY, ARCHIVE_DAMAGED, GPG_FAILED.
    """
    # In the gpg home, which is ours alone, and swept if its holder is killed.
    with tempfile.NamedTemporaryFile(prefix="manifest-", dir=home) as file:
        open_sealed(job.sealed_manifest_path, key, home, file.fileno(), watch)
        yield Path(file.name)


def put_back(job: ArchiveJob, opened: Path) -> None:
    """Make an opened manifest the readable one. Raises OSError."""
    readable = path_of(job)
    readable.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Of no attempt: the sweep takes it for a leftover.
    partial = readable.with_name(f"{job.pk}.0.{PARTIAL}")
    partial.unlink(missing_ok=True)
    with opened.open("rb") as source, partial.open("xb") as file:
        os.fchmod(file.fileno(), PRIVATE)
        shutil.copyfileobj(source, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(readable)
    fsync_directory(readable.parent)


def _open_readable(job: ArchiveJob) -> BinaryIO:
    if not job.manifest_sha256:
        raise ManifestNotHere(
            f"{job.name} has no list of its files; it gets one when it is sealed "
            "here (anew)."
        )
    host = settings.CONFIG.host
    if job.manifest_host != host:
        raise ManifestNotHere(
            f"The list of files of {job.name} is kept on {job.manifest_host}, not on "
            f"{host}."
        )
    try:
        descriptor = os.open(path_of(job), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise ManifestNotHere(
            f"The list of files of {job.name} can't be read: {error.strerror}. Verify "
            "the archive where its key can be opened; that puts it back."
        ) from error
    return os.fdopen(descriptor, "rb")


def _has_digest(path: Path, digest: str) -> bool:
    try:
        return file_digest(path) == digest
    except OSError:
        return False
