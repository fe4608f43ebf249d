"""What a look at an archive has come to."""

from __future__ import annotations

from dataclasses import dataclass, field

from archiving.choices import Depth
from archiving.engine.findings import Fault, Finding
from archiving.engine.verifying import Findings
from archiving.models import ArchiveJob, Verification

# They say nothing against the archive itself.
HARMLESS = frozenset(
    {
        Fault.SOURCE_MISSING,
        Fault.SOURCE_CHANGED,
        Fault.SOURCE_EXTRA,
        Fault.WEAK_KEY,
    }
)


@dataclass(slots=True)
class Examination:
    """What was looked at. Sentences are for people."""

    depth: Depth = Depth.BYTES
    findings: Findings = field(default_factory=Findings)
    damage: Finding | None = None  # the first that tells against the archive
    checked: list[str] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    archive_bytes: int | None = None
    archive_sha256: str = ""
    # Whether there was anything to hold the archive against.
    is_compared: bool = False
    is_weak: bool | None = None  # None: the key was not opened
    wrapped_key: bytes | None = None

    def add(self, fault: Fault, message: str, name: str = "") -> None:
        self.take(Finding(fault, message, name))

    def take(self, finding: Finding) -> None:
        if finding.fault not in HARMLESS and self.damage is None:
            self.damage = finding
        self.findings.add(finding)


def is_digest_proven(job: ArchiveJob) -> bool:
    """Whether an archive with the digest that is recorded was once read in full, by
    a seal or a verification, and found good. Until then it is but a first look at an
    adopted archive, which may have been damaged already."""
    return bool(job.archive_sha256) and job.verified_at is not None


def compare_digest(job: ArchiveJob, size: int, sha256: str, found: Examination) -> bool:
    """Whether the archive is known to have other bytes than it had."""
    found.archive_bytes, found.archive_sha256 = size, sha256
    if job.archive_bytes is None or not job.archive_sha256:
        found.checked.append(
            f"The archive's {size:,} bytes can be read; nothing was known of them."
        )
        return False
    found.is_compared = True
    if size != job.archive_bytes:
        words = f"the archive has {size:,} bytes, had {job.archive_bytes:,}"
        found.add(Fault.ARCHIVE_SIZE, words)
        return True
    if sha256 != job.archive_sha256:
        found.add(Fault.ARCHIVE_DIGEST, "the archive has other bytes than were sealed")
        return True
    since = "sealed" if is_digest_proven(job) else "they were when first read"
    found.checked.append(f"The archive's {size:,} bytes are as {since}.")
    return False


def say_source_was_not_compared(row: Verification, found: Examination) -> None:
    if row.with_source or row.is_deep:
        found.not_checked.append(
            "The run: it is compared with the manifest, for which the archive is to "
            "be opened."
        )
