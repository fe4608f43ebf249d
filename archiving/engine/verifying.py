"""Verifying: an archive is read from disk, opened, and compared with its manifest."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from archiving.choices import Stage
from archiving.engine.children import (
    CHUNK_BYTES,
    NAP_S,
    Child,
    Children,
    chunks,
    program_missing,
)
from archiving.engine.findings import Fault, Finding
from archiving.engine.gpg.symmetric import (
    check_decryption,
    decrypt_argv,
    passphrase_pipe,
)
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import Kind, Member, shown
from archiving.engine.tar import TarDamaged, TarScanner
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble

FINDINGS_KEPT = 100
# The disk is not there any more, which says nothing of what is on it.
_GONE = frozenset({errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN})
_FAULTS = {
    Code.WRONG_KEY: Fault.WRONG_KEY,
    Code.ARCHIVE_DAMAGED: Fault.DECRYPTION_FAILED,
}


@dataclass(slots=True)
class Findings:
    """The first hundred, and how many there were."""

    kept: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, finding: Finding) -> None:
        self.count += 1
        if self.count <= FINDINGS_KEPT:
            self.kept.append(finding)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was read; without findings all of it is as sealed."""

    archive_bytes: int
    archive_sha256: str
    files: int
    content_bytes: int
    findings: list[Finding]  # the first hundred
    findings_count: int


def verify(
    archive: Path, manifest: Path | None, key: bytes, home: Path, watch: Watch
) -> Checked:
    """Decrypt the archive from disk; compare each member with the manifest.

    Without a manifest: whether it opens and is a whole tar. Raises Trouble when it
    can't be looked at (ARCHIVE_MISSING, MANIFEST_MISSING, GPG_FAILED, ...): that
    says nothing of the archive. What `watch` raises is passed on.
    """
    findings = Findings()
    with Children() as children, open_archive(archive) as file:
        expected = _Expected(manifest, findings)
        try:
            scanner = TarScanner(expected.compare)
            source = _Source(archive, file, children)
            watch.stage(Stage.VERIFYING)
            _open(source, scanner, key, home, children, findings, watch)
            expected.finish(scanner)
        finally:
            expected.close()
    return Checked(
        archive_bytes=source.bytes_read,
        archive_sha256=source.digest.hexdigest(),
        files=scanner.files,
        content_bytes=scanner.content_bytes,
        findings=findings.kept,
        findings_count=findings.count,
    )


def digest(path: Path, watch: Watch) -> tuple[int, str]:
    """Bytes and SHA-256 of an archive, read from disk.

    Raises Trouble: ARCHIVE_MISSING, ARCHIVE_DAMAGED (the disk can't read it).
    """
    watch.stage(Stage.VERIFYING)
    with open_archive(path) as file, Children() as children:
        source = _Source(path, file, children)
        children.follow(
            source.read,
            watch=watch,
            done=lambda: (source.bytes_read, 0),
        )
        if source.error:
            raise _unreadable(source)
        return source.bytes_read, source.digest.hexdigest()


def open_archive(path: Path) -> BinaryIO:
    """Unbuffered, and read from the disk instead of what memory remembers of it.

    Raises Trouble(ARCHIVE_MISSING).
    """
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise Trouble(
            Code.ARCHIVE_MISSING,
            f"{path} can't be opened: {error.strerror}",
            "Is its disk mounted, and may the user that runs SeqHub read it?",
        ) from error
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
    return file


class _Source:
    """The archive's bytes and digest, read through a descriptor whose position
    belongs to gpg."""

    def __init__(self, path: Path, file: IO[bytes], children: Children) -> None:
        self.path = path
        self.file = file
        self.bytes_read = 0
        self.digest = hashlib.sha256()
        self.error: OSError | None = None
        self._children = children
        self._buffer = memoryview(bytearray(CHUNK_BYTES))

    def read(self, gpg: Child | None = None) -> None:
        """Read what `gpg` has read, while memory still has it, and once it has ended
        whatever is left."""
        try:
            while not self._children.are_killed:
                is_alone = gpg is None or gpg.process.poll() is not None
                count = self._read(CHUNK_BYTES if is_alone else self._behind())
                if is_alone and not count:
                    return
                if not is_alone and count < CHUNK_BYTES:
                    time.sleep(NAP_S)
        except OSError as error:
            self.error = error

    def _behind(self) -> int:
        """How many bytes gpg is ahead, at most a chunk."""
        position = os.lseek(self.file.fileno(), 0, os.SEEK_CUR)
        return min(position - self.bytes_read, CHUNK_BYTES)

    def _read(self, count: int) -> int:
        piece = self._buffer[:count]
        read = os.preadv(self.file.fileno(), [piece], self.bytes_read)
        self.digest.update(piece[:read])
        self.bytes_read += read
        return read


def _open(
    source: _Source,
    scanner: TarScanner,
    key: bytes,
    home: Path,
    children: Children,
    findings: Findings,
    watch: Watch,
) -> None:
    """Archive into gpg, and what comes out into the scanner."""
    passphrase = passphrase_pipe(key)
    try:
        gpg = children.start(
            decrypt_argv(home, passphrase),
            stdin=source.file,
            stdout=subprocess.PIPE,
            pass_fds=(passphrase,),
        )
    finally:
        os.close(passphrase)
    opened = gpg.process.stdout
    assert opened  # noqa: S101 - for mypy

    def scan() -> None:
        for piece in chunks(opened):
            scanner.feed(piece)

    children.follow(
        lambda: source.read(gpg),
        scan,
        watch=watch,
        done=lambda: (source.bytes_read, scanner.files),
    )
    gpg.process.wait()
    if source.error:
        if source.error.errno in _GONE:
            raise _unreadable(source)
        words = f"the disk can't read it: {source.error.strerror}"
        findings.add(Finding(Fault.ARCHIVE_UNREADABLE, words))
    if trouble := decryption_trouble(gpg):
        fault = _FAULTS.get(trouble.code)
        if fault is None:
            raise trouble
        findings.add(Finding(fault, trouble.message))


def decryption_trouble(gpg: Child) -> Trouble | None:
    """Why a gpg that has ended did not open all of it, as a whole."""
    if missing := program_missing(gpg):
        return missing
    try:
        check_decryption(gpg.messages(), gpg.process.returncode)
    except Trouble as trouble:
        return trouble
    return None


def _unreadable(source: _Source) -> Trouble:
    error = source.error or OSError(errno.EIO, os.strerror(errno.EIO))
    return Trouble(
        Code.ARCHIVE_MISSING if error.errno in _GONE else Code.ARCHIVE_DAMAGED,
        f"{source.path} can't be read beyond byte {source.bytes_read:,}:"
        f" {error.strerror}",
        "Look at its disk; take another copy if it can't be repaired.",
    )


class _Expected:
    """The manifest's members, held against those of the tar in the same order."""

    def __init__(self, manifest: Path | None, findings: Findings) -> None:
        self._findings = findings
        self._file: BinaryIO | None = None
        self._members: Iterator[Member] = iter(())
        self._is_whole = True
        if manifest is not None:
            self._open(manifest)
        self._has_manifest = manifest is not None
        self._next = self._advance()

    def compare(self, member: Member) -> None:
        """Take note of how a member of the tar differs from its line."""
        if not self._has_manifest or not self._is_whole:
            return
        while self._next is not None and _comes_first(self._next, member):
            self._missing(self._next)
            self._next = self._advance()
        if self._next is None or self._next.name != member.name:
            self._add(Fault.MEMBER_EXTRA, member, "is not in the manifest")
            return
        if differences := _differences(self._next, member):
            self._add(Fault.MEMBER_DIFFERS, member, differences)
        self._next = self._advance()

    def finish(self, scanner: TarScanner) -> None:
        """What should have come, and did not."""
        try:
            scanner.close()
        except TarDamaged as error:
            self._cut(scanner, str(error))
            return
        while self._next is not None and self._is_whole:
            self._missing(self._next)
            self._next = self._advance()

    def _cut(self, scanner: TarScanner, words: str) -> None:
        """One finding for all that could not be looked at."""
        unseen = 0
        while self._next is not None:
            unseen += 1
            self._next = self._advance()
        # What gpg refuses to open at all is no tar, which needs no saying.
        if scanner.members or not self._findings.count:
            if unseen:
                words += f"; {unseen:,} members could not be looked at"
            self._findings.add(Finding(Fault.TAR_DAMAGED, words))

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _open(self, manifest: Path) -> None:
        try:
            self._file = manifest.open("rb")
        except OSError as error:
            raise Trouble(
                Code.MANIFEST_MISSING,
                f"the manifest {manifest} can't be opened: {error.strerror}",
                "It is kept beside the archive, too, encrypted with the same key.",
            ) from error
        try:
            _, self._members = read_manifest(self._file)
        except ManifestDamaged as error:
            self._damaged(error)

    def _advance(self) -> Member | None:
        try:
            return next(self._members, None)
        except ManifestDamaged as error:
            self._damaged(error)
            return None

    def _damaged(self, error: ManifestDamaged) -> None:
        self._is_whole = False
        self._findings.add(Finding(Fault.MANIFEST_DIFFERS, str(error)))

    def _missing(self, member: Member) -> None:
        self._add(Fault.MEMBER_MISSING, member, "is not in the archive")

    def _add(self, fault: Fault, member: Member, words: str) -> None:
        name = shown(member.name)
        self._findings.add(Finding(fault, f"{name} {words}", name))


def _comes_first(one: Member, other: Member) -> bool:
    """In the order of the archive: by the parts of the names."""
    return one.name.replace(b"/", b"\0") < other.name.replace(b"/", b"\0")


def _differences(sealed: Member, found: Member) -> str:
    """In words; empty when the two are the same."""
    if sealed == found:
        return ""
    if found.kind is not sealed.kind:
        return "is of another type than was sealed"
    words = []
    if found.size != sealed.size:
        words.append(f"has {found.size:,} bytes, had {sealed.size:,}")
    elif found.kind is Kind.FILE and found.sha256 != sealed.sha256:
        words.append("has another content than was sealed")
    if found.target != sealed.target:
        words.append("points elsewhere")
    if (found.mode, found.mtime) != (sealed.mode, sealed.mtime):
        words.append("has other permissions or another time")
    return "; ".join(words)
