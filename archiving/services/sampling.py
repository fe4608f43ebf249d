"""A restore drill: one small file comes back from an archive, and is compared."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archiving.choices import Depth
from archiving.engine.findings import Fault
from archiving.engine.gpg.home import open_home
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.members import Kind, Member, shown
from archiving.engine.restoring import restore
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble
from archiving.models import Verification
from archiving.services.examination import Examination
from archiving.services.keys import open_session_key
from archiving.services.manifests import trusted_manifest
from archiving.services.policy import Policy

SMALL_BYTES = 64 << 20
_DAMAGE = {
    Code.WRONG_KEY: Fault.WRONG_KEY,
    Code.ARCHIVE_DAMAGED: Fault.DECRYPTION_FAILED,
    Code.NOT_IN_ARCHIVE: Fault.MEMBER_MISSING,
    Code.TAR_FAILED: Fault.TAR_DAMAGED,
}


def examine_sample(row: Verification, policy: Policy, watch: Watch) -> Examination:
    """Restore a random file of less than 64 MiB to a private place, compare it with
    the manifest, and remove it.

    Raises Trouble for what keeps us from it, and what `watch` raises.
    """
    job = row.job
    found = Examination(depth=Depth.DRILL, is_compared=True)
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        key = open_session_key(job, home)
        with trusted_manifest(job, key, home, watch) as manifest:
            member = _pick(manifest)
            if manifest is None or member is None:
                found.not_checked.append("The archive holds no small file to restore.")
                return found
            with _private_place(policy) as into:
                try:
                    restored = restore(
                        job.archive_path,
                        manifest,
                        [member.name],
                        into,
                        key,
                        home,
                        watch,
                    )
                except Trouble as trouble:
                    if trouble.code not in _DAMAGE:
                        raise
                    found.add(_DAMAGE[trouble.code], trouble.message)
                else:
                    for finding in restored.findings:
                        found.take(finding)
    name = shown(member.name)
    found.checked.append(f"{name} ({member.size:,} bytes) was restored and compared.")
    found.not_checked.append("The other files of the archive.")
    return found


def remove_samples(policy: Policy) -> None:
    """What a killed drill left; no drill may be going on."""
    shutil.rmtree(_place(policy), ignore_errors=True)


def _pick(manifest: Path | None) -> Member | None:
    """Any of the small files, each as likely (reservoir sampling)."""
    if manifest is None:
        return None
    chosen = None
    seen = 0
    try:
        with manifest.open("rb") as file:
            for member in read_manifest(file)[1]:
                if member.kind is Kind.FILE and member.size < SMALL_BYTES:
                    seen += 1
                    if random.randrange(seen) == 0:  # noqa: S311 - no secret
                        chosen = member
    except ManifestDamaged as error:
        raise Trouble(Code.MANIFEST_MISSING, str(error)) from error
    return chosen


@contextmanager
def _private_place(policy: Policy) -> Iterator[Path]:
    place = _place(policy)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place) as directory:
        yield Path(directory)


def _place(policy: Policy) -> Path:
    return policy.gpg_work_dir.parent / "drills"
