"""Opening and closing what a person should look at."""

from __future__ import annotations

from django.utils import timezone

from seqhub.operations.models import Attention
from seqhub.operations.services.events import Actor, record_event


def open_attention(
    subject: str,
    code: str,
    message: str,
    *,
    next_step: str = "",
    runfolder: tuple[int | None, str] | None = None,
) -> None:
    """Make sure that it is on the list; a repeat only renews the words.

    `runfolder` is id and name; a run that nobody watches has a name alone.
    """
    ref, name = runfolder or (None, "")
    Attention.objects.update_or_create(
        subject=subject,
        code=code,
        defaults={"message": message, "next_step": next_step},
        create_defaults={
            "message": message,
            "next_step": next_step,
            "runfolder_ref": ref,
            "runfolder_name": name,
            "since": timezone.now(),
        },
    )


def close_attention(subject: str, *codes: str) -> None:
    """Take `codes` of the subject, or all of it, off the list."""
    rows = Attention.objects.filter(subject=subject)
    if codes:
        rows = rows.filter(code__in=codes)
    rows.delete()


def ignore_attention(attention_id: int, *, actor: Actor, reason: str) -> None:
    """A person has seen it: out of the dashboard until it opens afresh."""
    attention = Attention.objects.filter(pk=attention_id, ignored_at=None).first()
    if attention is None:
        return
    attention.ignored_at = timezone.now()
    attention.ignored_by = actor.name
    attention.save(update_fields=["ignored_at", "ignored_by"])
    record_event(
        attention.subject,
        "attention_ignored",
        f"{attention.message} Set aside: {reason}",
        actor=actor,
        runfolder=(attention.runfolder_ref, attention.runfolder_name)
        if attention.runfolder_ref
        else None,
        data={"code": attention.code, "reason": reason},
    )
