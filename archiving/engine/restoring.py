"""Restoring: an archive, or some of it, back on disk and compared with the manifest."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archiving.choices import Stage
from archiving.engine.children import Child, Children, program_missing
from archiving.engine.findings import Fault, Finding
from archiving.engine.gpg.symmetric import (
    decrypt_argv,
    passphrase_pipe,
)
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import Kind, Member, shown
from archiving.engine.restored import (
    compare_restored,
    count_entries,
    remove_different,
    set_directories,
)
from archiving.engine.trouble import said_of_disk
from archiving.engine.verifying import Findings, decryption_trouble, open_archive
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble

# What is there is right: remove_different has looked at it.
TAR_OPTIONS = (
    *("--extract", "--file=-", "--preserve-permissions", "--skip-old-files"),
    *("--no-wildcards", "--anchored"),
)
# Once tar has ended, gpg has only its integrity check left to do.
GPG_GRACE_S = 30.0


@dataclass(frozen=True, slots=True)
class Restored:
    """What is back; without findings all of it is as the manifest says.

    `is_checked` is false where there was no manifest to compare with.
    """

    files: int
    content_bytes: int
    findings: list[Finding]  # the first hundred
    findings_count: int
    is_checked: bool


@dataclass(slots=True)
class Selection:
    """What of an archive is wanted, and what the content of chosen links is stored
    under."""

    names: list[bytes]  # none lies below another; empty: everything
    files: int = 0
    others: int = 0  # links and their like; no directories
    size_bytes: int = 0
    # Whether tar may stop once it has each name: no directory is among them.
    is_files_only: bool = True

    def add(self, member: Member) -> None:
        self.files += member.kind is Kind.FILE
        self.others += member.kind not in (Kind.FILE, Kind.DIRECTORY)
        self.size_bytes += member.size


def restore(
    archive: Path,
    manifest: Path | None,
    wanted: Sequence[bytes] | None,
    into: Path,
    key: bytes,
    home: Path,
    watch: Watch,
) -> Restored:
    """Write members into the directory `into`, which exists, as `into/<run>/...`.

    `wanted` are names of members, a directory means all below it; None is the whole
    run. What an earlier try left there is compared, and kept where it is right.
    Raises Trouble (NOT_IN_ARCHIVE, WRONG_KEY, ARCHIVE_DAMAGED, DESTINATION_...),
    and what `watch` raises.
    """
    selection = select(manifest, wanted)
    chosen = None if wanted is None else selection.names
    if manifest is not None and any(into.iterdir()):
        watch.stage(Stage.COMPARING)
        with _members(manifest, chosen) as members:
            remove_different(into, members, watch.tick)
    watch.stage(Stage.WRITING)
    trouble = _extract(archive, selection, into, key, home, watch)
    if manifest is None:
        if trouble:
            raise trouble
        return Restored(0, 0, [], 0, is_checked=False)
    watch.stage(Stage.COMPARING)
    findings = Findings()
    with _members(manifest, None) as members:
        made = (member for member in members if _is_made(member, chosen))
        directories = set_directories(into, made)
    with _members(manifest, chosen) as members:
        for finding in compare_restored(into, members, watch.tick):
            findings.add(finding)
    expected = directories + selection.files + selection.others
    if (extra := count_entries(into) - expected) > 0:
        words = f"{extra:,} more are there than the archive holds"
        findings.add(Finding(Fault.MEMBER_EXTRA, words))
    # Digests of what was wanted count more than an archive's bad end.
    if trouble and (findings.count or wanted is None):
        raise trouble
    return Restored(
        selection.files,
        selection.size_bytes,
        findings.kept,
        findings.count,
        is_checked=True,
    )


def select(manifest: Path | None, wanted: Sequence[bytes] | None) -> Selection:
    """What `wanted` means in this archive.

    Raises Trouble: NOT_IN_ARCHIVE, MANIFEST_MISSING.
    """
    selection = Selection(_outermost(wanted or ()))
    selection.is_files_only = manifest is not None and wanted is not None
    if manifest is None:
        return selection
    missing = set(wanted or ())
    targets = set()
    with _members(manifest, wanted) as members:
        for member in members:
            missing.discard(member.name)
            selection.add(member)
            if member.kind is Kind.DIRECTORY:
                selection.is_files_only = False
            elif member.kind is Kind.HARD_LINK and wanted is not None:
                targets.add(member.target)
    if missing:
        names = ", ".join(sorted(shown(name) for name in missing)[:3])
        raise Trouble(
            Code.NOT_IN_ARCHIVE,
            f"not in the archive: {names}",
            "Names are as in the manifest, from the run folder on.",
        )
    chosen = frozenset(selection.names)
    # A link alone has no content.
    if outside := sorted(name for name in targets if not _is_wanted(name, chosen)):
        with _members(manifest, outside) as members:
            for member in members:
                selection.add(member)
        selection.names += outside
    return selection


def _outermost(names: Sequence[bytes]) -> list[bytes]:
    """Each once, and none that a directory among them holds: tar would miss it."""
    every = frozenset(names)
    return [
        name
        for name in dict.fromkeys(names)
        if not _is_wanted(name.rpartition(b"/")[0], every)
    ]


@contextmanager
def _members(
    manifest: Path, wanted: Sequence[bytes] | None
) -> Iterator[Iterator[Member]]:
    """The wanted members of a manifest. Raises Trouble(MANIFEST_MISSING)."""
    try:
        file = manifest.open("rb")
    except FileNotFoundError as error:
        raise Trouble(
            Code.MANIFEST_MISSING,
            f"the manifest {manifest} is not there",
            "Verify the archive: its encrypted manifest is taken then.",
        ) from error
    try:
        with file:
            _, members = read_manifest(file)
            if wanted is None:
                yield members
            else:
                names = frozenset(wanted)
                yield (m for m in members if _is_wanted(m.name, names))
    except ManifestDamaged as error:
        raise Trouble(Code.MANIFEST_MISSING, str(error)) from error


def _is_made(member: Member, wanted: Sequence[bytes] | None) -> bool:
    """Whether it is a directory that a restore makes: wanted, or above of what is."""
    if member.kind is not Kind.DIRECTORY:
        return False
    below = member.name + b"/"
    return (
        wanted is None
        or _is_wanted(member.name, frozenset(wanted))
        or any(name.startswith(below) for name in wanted)
    )


def _is_wanted(name: bytes, wanted: frozenset[bytes]) -> bool:
    """Whether the name or a directory above it is wanted."""
    while name:
        if name in wanted:
            return True
        name = name.rpartition(b"/")[0]
    return False


def _extract(
    archive: Path,
    selection: Selection,
    into: Path,
    key: bytes,
    home: Path,
    watch: Watch,
) -> Trouble | None:
    """gpg into tar, in pipes of the kernel. What gpg found wrong is returned: files
    may be whole all the same."""
    passphrase = passphrase_pipe(key)
    with (
        Children() as children,
        open_archive(archive) as file,
        tempfile.TemporaryFile() as names,
    ):
        try:
            gpg = children.start(
                decrypt_argv(home, passphrase),
                stdin=file,
                stdout=subprocess.PIPE,
                pass_fds=(passphrase,),
            )
        finally:
            os.close(passphrase)
        names.write(b"".join(name + b"\0" for name in selection.names))
        names.flush()
        tar = children.start(
            _tar_argv(selection, into, names.fileno()),
            stdin=gpg.process.stdout or subprocess.DEVNULL,
            pass_fds=(names.fileno(),),
        )
        if gpg.process.stdout:  # tar's alone, or gpg would not hear that tar ended
            gpg.process.stdout.close()
        # gpg and we share the position in the file.
        children.follow(
            lambda: _wait(tar, gpg, selection),
            watch=watch,
            done=lambda: (os.lseek(file.fileno(), 0, os.SEEK_CUR), 0),
        )
        was_ended = gpg.process.returncode == -signal.SIGKILL
        trouble = None if was_ended else decryption_trouble(gpg)
        if tar.process.returncode and (wrong := _tar_trouble(tar, into, trouble)):
            raise wrong
        sync = children.start(["sync", "-f", str(into)])
        children.follow(sync.process.wait, watch=watch, done=lambda: (0, 0))
        return trouble


def _wait(tar: Child, gpg: Child, selection: Selection) -> None:
    """Until both have ended. tar may have all that it wants, or no place to put it,
    long before gpg is through; gpg does not stop when nobody listens."""
    has_all = tar.process.wait() == 0 and selection.is_files_only
    try:
        gpg.process.wait(0 if has_all else GPG_GRACE_S)
    except subprocess.TimeoutExpired:
        gpg.process.kill()
        gpg.process.wait()


def _tar_argv(selection: Selection, into: Path, names: int) -> list[str]:
    argv = ["tar", *TAR_OPTIONS, f"--directory={into}"]
    if selection.names:
        argv += ["--null", f"--files-from=/dev/fd/{names}"]
    if selection.is_files_only:
        argv.append("--occurrence=1")
    return argv


def _tar_trouble(tar: Child, into: Path, of_gpg: Trouble | None) -> Trouble | None:
    """Why tar failed; None when gpg's trouble explains it."""
    said = tar.tail()
    if of_disk := said_of_disk(into.resolve(), said):
        return of_disk
    if of_gpg:
        # A whole restore ends here; of single files the digests decide.
        return of_gpg if not said else None
    last = said.strip().splitlines()[-1:] or ["it said nothing"]
    return program_missing(tar) or Trouble(
        Code.TAR_FAILED,
        f"tar could not write the files: {last[0]}",
        "Look at the directory and at who may write there.",
    )
