"""The keys of archives: who can open which, and opening one.

What the database keeps is the truth; the file in `run_keys` is a copy.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from archiving.choices import Status
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.preflight import check_encrypts, key_test
from archiving.engine.gpg.recipients import Recipient as Found
from archiving.engine.gpg.recipients import look_up
from archiving.engine.gpg.secret import FILE_LIMIT_BYTES, read_key_file
from archiving.engine.gpg.wrapping import recipients_of, unwrap
from archiving.errors import Code, KeyUnusable, Trouble
from archiving.models import ArchiveJob, Recipient
from archiving.services.attention import KEY_LOST, refresh_attention
from archiving.services.policy import current_policy
from seqhub.operations.services.attention import close_attention, open_attention
from seqhub.operations.services.events import Actor, record_event

KEY_ID_DIGITS = 16
EXPIRES_SOON = "recipient_expires_soon"


def check_recipients(host: str) -> list[Recipient]:
    """Look at every configured recipient's key, and that it encrypts; the rows.

    Rows tell what the host that checked last has seen. What is wrong is on the
    list of what people should look at, missing key files too.
    """
    policy = current_policy()
    now = timezone.now()
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        try:
            found = check_encrypts(home, look_up(home, policy.receivers, now))
            _name_key_ids(home, now)
        except Trouble as trouble:
            found = [_unknown(name, trouble) for name in policy.receivers]
    with transaction.atomic():
        rows = [_store(one, now) for one in found]
        rest = Recipient.objects.exclude(pk__in=[row.pk for row in rows])
        rest.filter(is_configured=True).update(
            is_configured=False, problem="", message="", next_step=""
        )
        # Nothing is known of them but that the configuration once named them.
        rest.filter(key_created_at=None, jobs=None).delete()
    _tell_of_lost_keys(host)
    _tell_of_expiry(host, found)
    refresh_attention(host)
    return rows


def note_recipients(job: ArchiveJob, fingerprints: Iterable[str]) -> None:
    """Make these the ones who can open the archive: fingerprints of keys, or key
    ids (16 digits) of keys that nobody has here. Joins the caller's transaction."""
    rows = [
        Recipient.objects.get_or_create(fingerprint=fingerprint)[0]
        for fingerprint in dict.fromkeys(fingerprints)
    ]
    job.recipients.set(rows)


def fingerprints_of(home: Path, wrapped: bytes) -> list[str]:
    """To whom a key is wrapped: fingerprints, key ids of those who have no public
    key in `home`. Raises Trouble."""
    key_ids = recipients_of(wrapped)
    found = look_up(home, key_ids, timezone.now())
    return [
        one.fingerprint or key_id for one, key_id in zip(found, key_ids, strict=True)
    ]


def open_session_key(
    job: ArchiveJob, home: Path, key_file: Path | None = None
) -> bytes:
    """What opens the archive: from `key_file`, decrypted or still wrapped, else by
    a secret key that `home` has.

    Raises Trouble: NO_SECRET_KEY, WRONG_KEY, AGENT_HUNG, PROGRAM_MISSING.
    """
    if key_file is None:
        return unwrap(home, wrapped_key(job))
    key = read_key_file(key_file)
    content = key_file.read_bytes()
    # Only a wrapped one says to whom it is.
    return unwrap(home, content) if recipients_of(content) else key


def wrapped_key(job: ArchiveJob) -> bytes:
    """Raises Trouble(NO_SECRET_KEY) when neither the database nor run_keys has it."""
    if job.wrapped_key is not None:
        return bytes(job.wrapped_key)
    content = read_wrapped(job)
    if content is None:
        raise Trouble(
            Code.NO_SECRET_KEY,
            f"there is no key of {job.name}: {job.key_path} is missing",
            "Bring the key file back, or give the key with --key-file.",
        )
    return content


def read_wrapped(job: ArchiveJob) -> bytes | None:
    """The key file; None if there is none, or none that can be one."""
    try:
        if not job.key_path.is_file():
            return None
        with job.key_path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError:
        return None
    return content if len(content) <= FILE_LIMIT_BYTES else None


def key_digest(wrapped: bytes) -> str:
    return hashlib.sha256(wrapped).hexdigest()


def test_key(recipient_id: int, *, actor: Actor) -> str:
    """Encrypt to a recipient and decrypt again with the secret key at hand; a
    sentence that says that it worked.

    Raises KeyUnusable, Recipient.DoesNotExist.
    """
    row = Recipient.objects.get(pk=recipient_id)
    policy = current_policy()
    try:
        with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
            (found,) = look_up(home, [row.fingerprint], timezone.now())
            key_test(home, found)
    except Trouble as trouble:
        words = f"The key of {row} does not work here: {trouble.message}."
        record_event(_subject(row), "key_tested", words, actor=actor)
        raise KeyUnusable(f"{words} {trouble.next_step}".strip()) from trouble
    words = f"What was encrypted to {row} could be decrypted on {settings.CONFIG.host}."
    record_event(_subject(row), "key_tested", words, actor=actor)
    return words


def _subject(row: Recipient) -> str:
    return f"recipient:{row.pk}"


def _store(found: Found, now: dt.datetime) -> Recipient:
    """Without a key a recipient is known by what the configuration calls it."""
    problem = found.problem or ""
    message, next_step = found.message, found.next_step
    if not problem and found.expires_soon and found.expires_at:
        message = f"expires on {found.expires_at:%Y-%m-%d}"
        next_step = "Ask its owner to extend it, and import it again."
    row, _ = Recipient.objects.update_or_create(
        fingerprint=found.fingerprint or _known_as(found.identifier),
        defaults={
            "identifier": found.identifier,
            "is_configured": True,
            "problem": problem,
            "message": message,
            "next_step": next_step,
            "checked_at": now,
        },
    )
    if found.fingerprint:
        row.user_id = (found.user_ids or ("",))[0][:500]
        row.algorithm = found.algorithm[:50]
        row.has_secret_key = found.can_open
        row.key_created_at = found.created_at
        row.key_expires_at = found.expires_at
        row.save()
    return row


def _known_as(identifier: str) -> str:
    """The fingerprint that the recipient had when its key was last there."""
    former = Recipient.objects.filter(identifier=identifier, is_configured=True)
    row = former.exclude(key_created_at=None).first()
    return row.fingerprint if row else identifier[:64]


def _unknown(identifier: str, trouble: Trouble) -> Found:
    return Found(
        identifier,
        problem=trouble.code,
        message=trouble.message,
        next_step=trouble.next_step,
    )


def _name_key_ids(home: Path, now: dt.datetime) -> None:
    """Rows that know a key id only get its key, once somebody has imported it."""
    rows = [
        row
        for row in Recipient.objects.filter(key_created_at=None, is_configured=False)
        if len(row.fingerprint) == KEY_ID_DIGITS
    ]
    found = look_up(home, [row.fingerprint for row in rows], now)
    for row, one in zip(rows, found, strict=True):
        if one.fingerprint:
            _merge(row, one)


@transaction.atomic
def _merge(row: Recipient, found: Found) -> None:
    whole, _ = Recipient.objects.get_or_create(fingerprint=found.fingerprint)
    whole.user_id = (found.user_ids or ("",))[0][:500]
    whole.algorithm = found.algorithm[:50]
    whole.has_secret_key = found.can_open
    whole.key_created_at = found.created_at
    whole.key_expires_at = found.expires_at
    whole.save()
    whole.jobs.add(*row.jobs.all())
    row.delete()


def _tell_of_lost_keys(host: str) -> None:
    """On the list: archives here whose key file is gone or can't be read."""
    jobs = ArchiveJob.objects.filter(
        host=host, status=Status.ENCRYPTED, is_here=True, wrapped_key__isnull=False
    )
    lost = [job.name for job in jobs.defer("wrapped_key") if read_wrapped(job) is None]
    subject = f"archiving:{host}"
    if not lost:
        close_attention(subject, KEY_LOST)
        return
    others = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
    open_attention(
        subject,
        KEY_LOST,
        f"The key file of {lost[0]}{others} is missing on {host}; the database has "
        "the key.",
        next_step="Write it again: seqhub keys --export",
    )


def _tell_of_expiry(host: str, found: Sequence[Found]) -> None:
    subject = f"archiving:{host}"
    soon = [one for one in found if one.expires_soon and not one.problem]
    if not soon:
        close_attention(subject, EXPIRES_SOON)
        return
    told = ", ".join(f"{one.identifier} on {one.expires_at:%Y-%m-%d}" for one in soon)
    open_attention(
        subject,
        EXPIRES_SOON,
        f"Keys expire soon: {told}. Nothing is sealed to an expired key.",
        next_step="Ask their owners to extend them, and import them again: gpg "
        "--import FILE",
    )
