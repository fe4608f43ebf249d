"""Sealing: one read of a run folder becomes an encrypted archive and its manifest.

tar's stream is hashed file by file on its way into gpg; the archive is opened by
stock `gpg` and `tar`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import BinaryIO

from archiving.choices import Stage
from archiving.engine.children import (
    Child,
    Children,
    chunks,
    program_missing,
    write_all,
)
from archiving.engine.exclusion import Exclusions
from archiving.engine.gpg.symmetric import encrypt_argv, explain_gpg, passphrase_pipe
from archiving.engine.manifest import Header, ManifestWriter
from archiving.engine.tar import TarDamaged, TarScanner
from archiving.engine.trouble import (
    reading_source,
    said_of_disk,
    source_missing,
    writing,
)
from archiving.engine.walk import Survey
from archiving.engine.walk import survey as look_through
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble

TAR_OPTIONS = ("--create", "--format=gnu", "--sort=name", "--file=-")
_FAILURE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class SealOrder:
    """What is sealed, and into which files; none of them may be there.

    `manifest` is the readable one, `sealed_manifest` goes beside the archive.
    `key` opens both; `home` is a gpg home of our own.
    """

    source: Path
    archive: Path
    manifest: Path
    sealed_manifest: Path
    exclusions: Sequence[str]
    key: bytes
    home: Path


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written, all of it fsynced. Sizes of content, not of the tar."""

    archive_bytes: int
    files: int
    content_bytes: int
    left_out_files: int
    left_out_bytes: int
    manifest_sha256: str
    sealed_manifest_sha256: str
    log_tail: str


def survey_source(order: SealOrder, watch: Watch) -> Survey:
    """What a seal will hold. Raises Trouble(SOURCE_...)."""
    watch.stage(Stage.SURVEYING)

    def tick(entries: int, size_bytes: int) -> None:
        watch.tick(size_bytes, entries)

    with reading_source(order.source):
        return look_through(
            order.source, Exclusions(order.exclusions), lambda _left_out: None, tick
        )


def seal(order: SealOrder, survey: Survey, watch: Watch) -> Sealed:
    """Write the three files of `order`.

    Raises Trouble, and what `watch` raises; what is half written stays for the
    caller to remove.
    """
    watch.stage(Stage.SEALING)
    with Children() as children, writing(order.manifest):
        with _create(order.manifest) as file:
            writer = ManifestWriter(file, _header(order))
            if survey.left_out:
                _write_left_out(order, writer)
            scanner = TarScanner(writer.member)
            with _create(order.archive) as archive:
                _stream(order, archive, scanner, children, watch)
                watch.stage(Stage.SYNCING)
                with writing(order.archive):
                    os.fsync(archive.fileno())
                    archive_bytes = os.fstat(archive.fileno()).st_size
            writer.close()
            file.flush()
            os.fsync(file.fileno())
        _encrypt_manifest(order, children)
        return Sealed(
            archive_bytes=archive_bytes,
            files=scanner.files,
            content_bytes=scanner.content_bytes,
            left_out_files=survey.left_out_files,
            left_out_bytes=survey.left_out_bytes,
            manifest_sha256=_digest(order.manifest),
            sealed_manifest_sha256=_digest(order.sealed_manifest),
            log_tail=children.log_tail(),
        )


def _header(order: SealOrder) -> Header:
    return Header(
        run=order.source.name,
        made_at=datetime.now(UTC),
        exclusions=tuple(order.exclusions),
        tar_version=tar_version(),
    )


def _write_left_out(order: SealOrder, writer: ManifestWriter) -> None:
    with reading_source(order.source):
        look_through(order.source, Exclusions(order.exclusions), writer.left_out)


def _stream(
    order: SealOrder,
    archive: BinaryIO,
    scanner: TarScanner,
    children: Children,
    watch: Watch,
) -> None:
    """tar's stream through the scanner into gpg, and from there into `archive`."""
    passphrase = passphrase_pipe(order.key)
    try:
        tar = children.start(tar_argv(order), stdout=subprocess.PIPE)
        gpg = children.start(
            encrypt_argv(order.home, passphrase),
            stdin=subprocess.PIPE,
            stdout=archive,
            pass_fds=(passphrase,),
        )
    finally:
        os.close(passphrase)
    assert tar.process.stdout and gpg.process.stdin  # noqa: S101, PT018 - for mypy
    source, sink = tar.process.stdout, gpg.process.stdin
    os.set_blocking(sink.fileno(), False)

    def pump() -> None:
        for piece in chunks(source):
            write_all(sink, piece)
            scanner.feed(piece)

    with suppress(BrokenPipeError):  # gpg has ended, and says why below
        children.follow(
            pump, watch=watch, done=lambda: (scanner.bytes_passed, scanner.files)
        )
        _check_tar(order, tar)
        _check_whole(scanner)
    # Only now: gpg takes the end of its input for the end of the run.
    sink.close()
    if gpg.process.wait():
        raise _gpg_trouble(gpg, order.archive)


def _gpg_trouble(gpg: Child, output: Path) -> Trouble:
    """Why gpg has failed to write `output`."""
    said = gpg.messages()
    return (
        said_of_disk(output.parent, said)
        or program_missing(gpg)
        or explain_gpg(said, gpg.process.returncode)
    )


def _check_whole(scanner: TarScanner) -> None:
    try:
        scanner.close()
    except TarDamaged as error:
        raise Trouble(
            Code.TAR_FAILED,
            f"tar wrote no whole archive: {error}",
            "Look which tar is on the PATH; it is tried again by itself.",
        ) from error


def _check_tar(order: SealOrder, tar: Child) -> None:
    """Raise Trouble unless tar has read all of the run, and none of it changed."""
    code = tar.process.wait()
    if code == 0:
        return
    said = tar.tail()
    last = said.strip().splitlines()[-1:] or [f"it ended with {code}"]
    words = "; ".join(said.strip().splitlines()[:3])[:_FAILURE_CHARACTERS]
    if not order.source.is_dir():
        raise source_missing(order.source)
    # tar(1): 1 means that some files differ, as those that change while read.
    if code == 1 or "file changed as we read it" in said or "File removed" in said:
        raise Trouble(
            Code.SOURCE_CHANGED,
            f"the run changed while it was read: {words}",
            "Nothing may write into it; it is tried again by itself.",
        )
    if "Permission denied" in said or "Input/output error" in said:
        raise Trouble(
            Code.SOURCE_UNREADABLE,
            f"not all of the run can be read: {words}",
            "Let the user that runs SeqHub read every file, and look at the disk "
            "if it reports input/output errors.",
        )
    raise program_missing(tar) or Trouble(
        Code.TAR_FAILED,
        f"tar was ended by signal {-code}" if code < 0 else f"tar failed: {last[0]}",
        "See the attempt's log; it is tried again by itself.",
    )


def tar_argv(order: SealOrder) -> list[str]:
    """Members begin with the run's name; nothing is looked up in passwd."""
    return [
        *("tar", *TAR_OPTIONS),
        *(f"--exclude={pattern}" for pattern in order.exclusions),
        *(f"--directory={order.source.parent}", "--", order.source.name),
    ]


@cache
def tar_version() -> str:
    """The first line of `tar --version`. Raises Trouble(PROGRAM_MISSING)."""
    with Children() as children:
        child = children.start(["tar", "--version"], stdout=subprocess.PIPE)
        said, _ = child.process.communicate()
        if missing := program_missing(child):
            raise missing
    return said.decode(errors="replace").partition("\n")[0]


def _encrypt_manifest(order: SealOrder, children: Children) -> None:
    """Beside the archive, with the archive's key."""
    passphrase = passphrase_pipe(order.key)
    try:
        with (
            writing(order.sealed_manifest),
            order.manifest.open("rb") as plain,
            _create(order.sealed_manifest) as sealed,
        ):
            gpg = children.start(
                encrypt_argv(order.home, passphrase),
                stdin=plain,
                stdout=sealed,
                pass_fds=(passphrase,),
            )
            if gpg.process.wait():
                raise _gpg_trouble(gpg, order.sealed_manifest)
            os.fsync(sealed.fileno())
    finally:
        os.close(passphrase)


def _create(path: Path) -> BinaryIO:
    """A new file for us alone. Raises Trouble, also if there is one."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with writing(path):
        return os.fdopen(os.open(path, flags, 0o600), "wb")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
