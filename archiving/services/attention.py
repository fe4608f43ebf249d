"""What a person should look at because of an archive."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from archiving.choices import CheckState, Depth, RestoreState, Status, Verified
from archiving.errors import FOR_A_PERSON, WAITED_FOR, Code
from archiving.models import ArchiveJob, Recipient, Restore, Verification
from archiving.services.policy import Policy, current_policy
from archiving.services.successors import jobs_with_strangers, successor_of
from seqhub.operations.models import Attention
from seqhub.operations.services.attention import close_attention, open_attention

FAILED = "archive_failed"
DAMAGED = "archive_damaged"
WAITING = "archive_waiting"
OTHER_FOLDER = "other_folder"
SEALING_OFF = "sealing_off"
RECIPIENT_PROBLEM = "recipient_problem"
# Opened and closed by the check of keys, which looks at the disk.
KEY_LOST = "key_lost"
DRILL_FAILED = "drill_failed"
RESTORE_FAILED = "restore_failed"
_OF_JOBS = (FAILED, DAMAGED, WAITING, OTHER_FOLDER)
_REFRESHED = (*_OF_JOBS, SEALING_OFF, RECIPIENT_PROBLEM, DRILL_FAILED, RESTORE_FAILED)
# Trying again will not help, and hours may pass until the last try.
_AT_ONCE = FOR_A_PERSON | {Code.SOURCE_UNREADABLE}

# (message, next step, (run folder's id if it is known, its name))
Words = tuple[str, str, tuple[int | None, str] | None]
# (subject, code) -> words
Wanted = dict[tuple[str, str], Words]


def sync_attention(job: ArchiveJob) -> None:
    """Open what is wanted for the job and close what is over; the row is locked."""
    there = Attention.objects.filter(subject=job.subject, code__in=_OF_JOBS)
    _sync(there, _of_job(job))


def refresh_attention(host: str) -> None:
    """The same for all archives, keys, drills and restores that the database knows.

    Services open and close at once what they change; this makes up for what
    changes by itself, such as the configuration.
    """
    policy = current_policy()
    wanted = {**_of_jobs(), **_of_recipients(), **_of_drills(), **_of_restores()}
    if is_off(policy, host):
        wanted[(f"archiving:{host}", SEALING_OFF)] = _off_words(policy)
    # What concerns another host alone is that host's to say.
    there = Attention.objects.filter(code__in=_REFRESHED).exclude(
        Q(code=SEALING_OFF) & ~Q(subject=f"archiving:{host}")
    )
    _sync(there, wanted)


def is_off(policy: Policy, host: str) -> bool:
    """Whether somebody wants archives and the configuration lacks half of it."""
    if policy.is_on:
        return False
    is_begun = policy.destination or policy.receivers or policy.sequencing_path
    pending = ArchiveJob.objects.filter(host=host, status=Status.PENDING)
    return bool(is_begun) or pending.exists()


def _sync(rows: QuerySet[Attention], wanted: Wanted) -> None:
    there = {(row.subject, row.code): (row.message, row.next_step) for row in rows}
    for subject, code in there.keys() - wanted.keys():
        close_attention(subject, code)
    for (subject, code), (message, next_step, run) in wanted.items():
        if there.get((subject, code)) != (message, next_step):
            open_attention(subject, code, message, next_step=next_step, runfolder=run)


def _of_jobs() -> Wanted:
    rows = ArchiveJob.objects.filter(
        Q(status=Status.FAILED) | Q(verification=Verified.DAMAGED) | ~Q(code="")
    )
    wanted: Wanted = {}
    strangers = jobs_with_strangers().filter(sealed_at__isnull=False)
    for job in [*rows.order_by(), *strangers.order_by()]:
        wanted.update(_of_job(job))
    return wanted


def _of_job(job: ArchiveJob) -> Wanted:
    wanted = {} if job.ignored_at else _of_seal(job)
    # Whether it is sealed may be of no interest; its archive is kept all the same.
    if job.verification == Verified.DAMAGED:
        words = f"The archive of {job.name} is not as it was sealed."
        step = (
            "See its last verification. Seal it anew if the run is still there, or "
            "get another copy."
        )
        wanted[job.subject, DAMAGED] = (words, step, job.run)
    return wanted


def _of_seal(job: ArchiveJob) -> Wanted:
    wanted: Wanted = {}
    is_hopeless = job.code in _AT_ONCE and job.status != Status.ENCRYPTED
    if job.status == Status.FAILED or is_hopeless:
        words = f"{job.name} could not be sealed: {_sentence(job.message)}"
        wanted[job.subject, FAILED] = (words, job.next_step, job.run)
    elif job.code in WAITED_FOR and job.status != Status.ENCRYPTED:
        words = f"{job.name} waits to be sealed: {_sentence(job.message)}"
        wanted[job.subject, WAITING] = (words, job.next_step, job.run)
    elif job.status == Status.ENCRYPTED and job.code:
        words = f"{job.name} could not be sealed anew: {_sentence(job.message)}"
        step = f"The old archive stays. {job.next_step}".strip()
        wanted[job.subject, FAILED] = (words, step, job.run)
    if job.sealed_at and (other := successor_of(job)):
        words = f"Another folder lies where {job.name} was sealed from: {job.path}."
        step = (
            "It has no archive. Seal it anew to archive what lies there now, or move "
            "the folder elsewhere."
        )
        wanted[job.subject, OTHER_FOLDER] = (words, step, (other.pk, other.name))
    return wanted


def _of_recipients() -> Wanted:
    rows = Recipient.objects.filter(is_configured=True).exclude(problem="")
    return {
        (f"recipient:{row.pk}", RECIPIENT_PROBLEM): (
            _sentence(row.message),
            row.next_step,
            None,
        )
        for row in rows
    }


def _of_drills() -> Wanted:
    last = (
        Verification.objects.filter(depth=Depth.DRILL, ended_at__isnull=False)
        .select_related("job")
        .order_by("ended_at")
        .last()
    )
    if last is None or last.state not in (CheckState.DAMAGED, CheckState.FAILED):
        return {}
    words = f"The last restore drill failed: {_sentence(last.message)}"
    step = f"Verify {last.job.name} and look at what is found."
    return {("archiving:drill", DRILL_FAILED): (words, step, last.job.run)}


def _of_restores() -> Wanted:
    # Repeated with another key, say, it may have come back after all.
    repeated = Restore.objects.filter(
        pk__gt=OuterRef("pk"),
        job=OuterRef("job"),
        target=OuterRef("target"),
        files=OuterRef("files"),
        state__in=(RestoreState.AVAILABLE, RestoreState.EXPIRED),
    )
    failed = Restore.objects.filter(~Exists(repeated), state=RestoreState.FAILED)
    rows = failed.select_related("job")
    return {
        (row.subject, RESTORE_FAILED): (
            f"{row.job.name} could not be restored: {_sentence(row.message)}",
            row.next_step,
            (row.job.runfolder_id, row.job.run_name),
        )
        for row in rows
    }


def _off_words(policy: Policy) -> Words:
    missing = (
        "archiving.gpg_receivers names nobody who could open an archive"
        if policy.destination
        else "archiving.destination_path is not set"
    )
    step = "Complete the configuration and restart SeqHub."
    return (f"Nothing is sealed: {missing}.", step, None)


def _sentence(words: str) -> str:
    return f"{words.rstrip('.')}."
