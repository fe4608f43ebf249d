"""Where restores may write, and which files are wanted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import shown
from archiving.errors import Code, RestoreRefused, Trouble
from archiving.models import ArchiveJob, Restore
from archiving.services.policy import Policy
from runfolders.engine.files import storable

MAX_TARGET_CHARACTERS = 4096
_NAME_BYTES = 200


def final_name(job: ArchiveJob) -> str:
    """What the restored folder is called: as its members in the tar begin."""
    return job.location.name


def partial_path(restore: Restore, target: Path) -> Path:
    """What is half restored, or on its way out, lies there; hidden from scanners.
    Nobody knows the name before it is there: others may write in the target."""
    name = os.fsdecode(os.fsencode(final_name(restore.job))[:_NAME_BYTES])
    return target / f".{name}.{restore.pk}.{restore.mark}.partial"


def resolve_target(target: str, policy: Policy, *, anywhere: bool) -> Path:
    """The real directory, which need not be there yet.

    Raises RestoreRefused unless it lies in one of `restore_roots`, links followed,
    or `anywhere` allows any.
    """
    if not target.startswith("/") or "\0" in target:
        raise RestoreRefused(f"{target[:200]!r} is no absolute path.")
    if len(target) > MAX_TARGET_CHARACTERS:
        raise RestoreRefused("The path of the target is too long.")
    real = Path(os.path.realpath(target))
    if storable(str(real)) != str(real):
        raise RestoreRefused(f"{storable(str(real))} is not written in UTF-8.")
    if anywhere:
        return real
    roots = [Path(os.path.realpath(root)) for root in policy.restore_roots]
    if not roots:
        raise RestoreRefused(
            "Nothing can be restored: archiving.restore_roots names no directory."
        )
    if not any(real.is_relative_to(root) for root in roots):
        places = ", ".join(map(str, roots))
        raise RestoreRefused(
            f"{target[:200]!r} does not lie in a directory for restores ({places})."
        )
    return real


def check_target(job: ArchiveJob, target: Path, *, may_fill: bool) -> None:
    """Raises RestoreRefused unless the folder can appear there. Looks at the disk."""
    above = target
    while not os.path.lexists(above) and above != above.parent:
        above = above.parent
    if not above.is_dir():
        raise RestoreRefused(f"{above} is no directory.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise RestoreRefused(f"SeqHub may not write in {above}.")
    final = target / final_name(job)
    if os.path.lexists(final) and not may_fill:
        raise RestoreRefused(
            f"{storable(str(final))} is there already, and nothing is ever "
            "overwritten. Choose another directory, or move it away."
        )


def clean_names(job: ArchiveJob, files: Sequence[str]) -> list[str]:
    """Names in the run folder, each once. They may begin with its own name.

    Raises RestoreRefused for what can't be the name of a member.
    """
    prefix = f"{shown(os.fsencode(final_name(job)))}/"
    names = []
    for file in files:
        name = file.removeprefix(prefix).rstrip("/")
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise RestoreRefused(f"{file[:200]!r} is no name of a file in the run.")
        names.append(name)
    return list(dict.fromkeys(names))


def members_of(job: ArchiveJob, names: Sequence[str], file: BinaryIO) -> list[bytes]:
    """The names of members, as bytes, that people see as `names`.

    Raises RestoreRefused for those that are not in the manifest.
    """
    prefix = f"{shown(os.fsencode(final_name(job)))}/"
    missing = {f"{prefix}{name}" for name in names}
    found = []
    with suppress(StopIteration):
        members = read_manifest(file)[1]
        while missing:
            member = next(members)
            name = shown(member.name)
            if name in missing:
                missing.remove(name)
                found.append(member.name)
    if missing:
        first = ", ".join(sorted(missing)[:3])
        raise RestoreRefused(
            f"Not in the archive: {first}. Names are as in the list of its files."
        )
    return found


def wanted_members(restore: Restore, manifest: Path | None) -> list[bytes] | None:
    """What tar is to extract; None for all. Raises Trouble."""
    if not restore.files:
        return None
    if manifest is None:
        name = final_name(restore.job)
        return [os.fsencode(f"{name}/{file}") for file in restore.files]
    try:
        with manifest.open("rb") as file:
            return members_of(restore.job, restore.files, file)
    except (OSError, ManifestDamaged) as error:
        raise Trouble(Code.MANIFEST_MISSING, str(error)) from error
    except RestoreRefused as error:
        raise Trouble(Code.NOT_IN_ARCHIVE, error.message) from error
