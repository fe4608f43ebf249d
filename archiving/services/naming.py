"""What the files of an archive are called, finished and half-made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from archiving.models import ArchiveJob

# A file name has at most 255 bytes, and ours add an ending and an attempt.
NAME_BYTES = 200
PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file under its name, and while it is being made."""

    final: Path
    partial: Path


@dataclass(frozen=True, slots=True)
class Artifacts:
    """What one attempt makes. The names of partial files are its own."""

    archive: Artifact
    sealed_manifest: Artifact
    key: Artifact
    manifest: Artifact  # readable, in the data directory

    @property
    def all(self) -> tuple[Artifact, ...]:
        return (self.key, self.sealed_manifest, self.manifest, self.archive)


def artifacts_of(job: ArchiveJob, attempt: int, manifests_dir: Path) -> Artifacts:
    manifest = manifests_dir / f"{job.pk}.manifest"
    return Artifacts(
        archive=_artifact(job.archive_path, attempt),
        sealed_manifest=_artifact(job.sealed_manifest_path, attempt),
        key=_artifact(job.key_path, attempt),
        manifest=Artifact(manifest, manifests_dir / f"{job.pk}.{attempt}.{PARTIAL}"),
    )


def candidate_names(run_name: str, sequencer: str) -> Iterator[str]:
    """Names for an archive, the best first; they never end."""
    yield _fitting(run_name)
    # A sequencer is text from a file of its own, and no part of a path.
    longer = f"{sequencer.replace('/', '_') or 'run'}__{run_name}"
    yield _fitting(longer)
    for number in count(2):
        yield f"{_fitting(longer)}__{number}"


def _artifact(final: Path, attempt: int) -> Artifact:
    return Artifact(final, final.with_name(f"{final.name}.{attempt}.{PARTIAL}"))


def _fitting(name: str) -> str:
    encoded = name.encode()
    if len(encoded) <= NAME_BYTES:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return f"{encoded[: NAME_BYTES - 9].decode(errors='ignore')}~{digest}"
