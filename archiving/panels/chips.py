"""States of archives, verifications, restores, copies and keys as chips."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone

from archiving.choices import (
    CHECK_COLOURS,
    CHECK_GLOSSARY,
    CHECK_ICONS,
    COPY_COLOURS,
    COPY_GLOSSARY,
    COPY_ICONS,
    OUTCOME_COLOURS,
    OUTCOME_GLOSSARY,
    OUTCOME_ICONS,
    RESTORE_COLOURS,
    RESTORE_GLOSSARY,
    RESTORE_ICONS,
    STATUS_COLOURS,
    STATUS_GLOSSARY,
    STATUS_ICONS,
    VERIFIED_COLOURS,
    VERIFIED_GLOSSARY,
    VERIFIED_ICONS,
    CheckState,
    CopyState,
    Outcome,
    RestoreState,
    Status,
    Verified,
)
from archiving.errors import Code
from archiving.models import (
    ArchiveAttempt,
    ArchiveCopy,
    ArchiveJob,
    Recipient,
    Restore,
    Verification,
)
from seqhub.lib.markup import Chip

# A key that expires sooner is worth a word.
SOON = dt.timedelta(days=30)
IGNORED = Chip("ignored", "default", "visibility_off", "It is not sealed by itself.")
WEAK_KEY = Chip(
    "weak key", "danger", "key_off", "Its key was cut short; seal the run anew."
)
NO_MANIFEST = Chip(
    "no manifest",
    "warning",
    "list_alt",
    "Made by dataflow_archive: what is in it is not listed.",
)
NO_LIST = "Opened whole; there is no list of files to compare with."
ELSEWHERE = Chip("not here", "default", "cloud", "Its files are kept elsewhere only.")


def status_chip(job: ArchiveJob) -> Chip:
    """Where the job is; what it waits for is said with it."""
    if job.status == Status.PENDING and job.code:
        return Chip(
            "waiting", "warning", "hourglass_top", job.message, job.status_since
        )
    return Chip(
        Status(job.status).label,
        STATUS_COLOURS[job.status],
        STATUS_ICONS[job.status],
        STATUS_GLOSSARY[job.status],
        job.status_since,
    )


def verified_chip(job: ArchiveJob, read_at: dt.datetime | None) -> Chip:
    """What the last look said; `read_at`: when that was (reads.last_read_at)."""
    if job.verification == Verified.VERIFIED and not job.manifest_sha256:
        return Chip("opened", "info", "task_alt", NO_LIST, read_at)
    return Chip(
        Verified(job.verification).label,
        VERIFIED_COLOURS[job.verification],
        VERIFIED_ICONS[job.verification],
        VERIFIED_GLOSSARY[job.verification],
        read_at,
    )


def held_chip(job: ArchiveJob) -> Chip:
    by = f" ({job.held_by})" if job.held_by else ""
    title = f"{job.held_reason}{by}".strip()
    return Chip("on hold", "warning", "pause_circle", title, job.held_at)


def extra_chips(job: ArchiveJob) -> list[Chip]:
    """What else is worth a word beside the status."""
    chips = []
    if job.held_at:
        chips.append(held_chip(job))
    if job.ignored_at:
        chips.append(IGNORED)
    if job.has_weak_key:
        chips.append(WEAK_KEY)
    if job.sealed_at and not job.manifest_sha256:
        chips.append(NO_MANIFEST)
    if not job.is_here:
        chips.append(ELSEWHERE)
    return chips


def outcome_chip(attempt: ArchiveAttempt) -> Chip:
    return Chip(
        Outcome(attempt.outcome).label,
        OUTCOME_COLOURS[attempt.outcome],
        OUTCOME_ICONS[attempt.outcome],
        OUTCOME_GLOSSARY[attempt.outcome],
    )


def check_chip(row: Verification) -> Chip:
    return Chip(
        CheckState(row.state).label,
        CHECK_COLOURS[row.state],
        CHECK_ICONS[row.state],
        CHECK_GLOSSARY[row.state],
    )


def restore_chip(row: Restore) -> Chip:
    return Chip(
        RestoreState(row.state).label,
        RESTORE_COLOURS[row.state],
        RESTORE_ICONS[row.state],
        RESTORE_GLOSSARY[row.state],
        row.state_since,
    )


def copy_chip(row: ArchiveCopy) -> Chip:
    return Chip(
        CopyState(row.state).label,
        COPY_COLOURS[row.state],
        COPY_ICONS[row.state],
        COPY_GLOSSARY[row.state],
        row.state_since,
    )


_PROBLEM_WORDS: dict[str, str] = {
    Code.RECIPIENT_EXPIRED: "expired",
    Code.RECIPIENT_MISSING: "missing",
    Code.RECIPIENT_UNUSABLE: "unusable",
}


def key_chip(key: Recipient) -> Chip:
    """Can archives be sealed to this key?"""
    if key.problem:
        word = _PROBLEM_WORDS.get(key.problem, "problem")
        return Chip(word, "danger", "key_off", key.message, key.checked_at)
    if key.checked_at is None:
        return Chip("not checked", "default", "help", "Nobody has looked at it yet.")
    if not key.is_configured:
        return Chip(
            "no longer used",
            "default",
            "history",
            "New archives are not sealed to it; some older ones are.",
        )
    expires_at = key.key_expires_at
    if expires_at and expires_at < timezone.now() + SOON:
        return Chip(
            "expires soon",
            "warning",
            "event_busy",
            "Archives can't be sealed to it once it has expired.",
        )
    return Chip("usable", "success", "key", "Archives can be sealed to it.")


def secret_chip(key: Recipient) -> Chip:
    """Can its archives be opened on this host?"""
    if key.has_secret_key:
        return Chip(
            "secret key here",
            "info",
            "lock_open",
            "Archives can be opened here: verified in full and restored.",
        )
    return Chip(
        "public key only",
        "default",
        "lock",
        "Archives are opened where the secret key is, or with a key file.",
    )
