"""What a host does by itself: the tick that looks, and the work that is due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db.models import Q

from archiving.choices import CheckState, Outcome, RestoreState
from archiving.models import ArchiveJob, Restore, Verification
from archiving.services.attention import refresh_attention
from archiving.services.claiming import claim_next, due_jobs, take_back_expired
from archiving.services.doorbell import ring_for_work
from archiving.services.expiry import expire_due
from archiving.services.registration import register_due
from archiving.services.restores import claim_next_restore, run_restore
from archiving.services.reverification import make_due
from archiving.services.sealing import seal_job
from archiving.services.sweeping import sweep
from archiving.services.verification import claim_next_verification, run_verification
from seqhub.lib import drain, queues
from seqhub.lib.lease import LeaseLost, expired, new_worker_id
from seqhub.lib.text import printable
from seqhub.lib.units import format_bytes, format_duration
from seqhub.operations.services.doorbell import drop_unanswered
from seqhub.operations.services.heartbeats import beat

log = logging.getLogger(__name__)

Row = TypeVar("Row")


def work(host: str) -> int:
    """Do what is due on `host`, one thing after the other; answers how many.

    Restores come first: somebody waits for them. Then what people asked to verify,
    then sealing, then the verifications of the schedule. Ends when nothing is due
    or the cluster wants to stop.
    """
    worker_id = new_worker_id(host)
    done = 0
    while not drain.is_asked() and _do_next(host, worker_id):
        done += 1
    return done


def tend(host: str) -> None:
    """Look what became due or went wrong, and ring for it.

    Each part is for itself: one that fails stops no other.
    """
    for part in _PARTS:
        try:
            part(host)
        except Exception:
            log.exception("%s of archives failed", part.__name__)
    vouch(host)
    # While all of its workers are busy for hours, nobody answers.
    drop_unanswered(queues.long(host))
    if _is_anything_due(host):
        ring_for_work(host)


def vouch(host: str) -> None:
    """Beat for the long queue whose workers are all busy: their leases show that
    they live."""
    is_held = ~Q(worker_id="") & ~expired()
    if (
        ArchiveJob.objects.filter(is_held, host=host).exists()
        or Restore.objects.filter(is_held, host=host).exists()
        or Verification.objects.filter(is_held, job__host=host).exists()
    ):
        beat(host, f"cluster:{queues.long(host)}")


def _do_next(host: str, worker_id: str) -> bool:
    """Whether there was anything to do."""
    try:
        return _do(host, worker_id)
    except LeaseLost as lost:
        log.warning("given up: %s", lost)
        return True


def _do(host: str, worker_id: str) -> bool:
    if restore := claim_next_restore(host, worker_id):
        _restore(restore)
    elif asked := claim_next_verification(host, worker_id, scheduled=False):
        _verify(asked)
    elif job := claim_next(host, worker_id):
        _seal(job)
    elif due := claim_next_verification(host, worker_id, scheduled=True):
        _verify(due)
    else:
        return False
    return True


def _seal(job: ArchiveJob) -> None:
    name = printable(job.name)
    log.info("sealing %s", name)
    attempt = seal_job(job)
    if attempt.outcome == Outcome.SEALED:
        size = format_bytes(attempt.bytes_done)
        took = format_duration((attempt.seal_s or 0) + (attempt.verify_s or 0))
        log.info("%s sealed and verified: %s in %s", name, size, took)


def _verify(row: Verification) -> None:
    name = printable(row.job.name)
    log.info("verifying %s", name)
    began = time.monotonic()
    done = run_verification(row)
    message = printable(done.message)
    if done.state == CheckState.OK:
        words = f": {message}" if message else ""
        log.info("%s verified in %s%s", name, _since(began), words)
    elif done.state == CheckState.DAMAGED:
        log.warning("%s is not as it was sealed: %s", name, message)
    elif done.state == CheckState.FAILED:
        log.warning("%s could not be verified: %s", name, message)


def _restore(row: Restore) -> None:
    name, target = printable(row.job.name), printable(row.target)
    log.info("restoring %s to %s", name, target)
    began = time.monotonic()
    done = run_restore(row)
    if done.state == RestoreState.AVAILABLE:
        log.info("%s restored to %s in %s", name, target, _since(began))
    elif done.message:
        message = printable(done.message)
        log.warning("%s could not be restored to %s: %s", name, target, message)


def _since(began: float) -> str:
    return format_duration(time.monotonic() - began)


def _is_anything_due(host: str) -> bool:
    # Restores and verifications use the same two words.
    asked = Q(state="requested") | Q(expired(), state="running")
    return (
        due_jobs().filter(host=host).exists()
        or Restore.objects.filter(asked, host=host).exists()
        or Verification.objects.filter(asked, job__host=host).exists()
    )


_PARTS: tuple[Callable[[str], object], ...] = (
    take_back_expired,
    sweep,
    register_due,
    make_due,
    expire_due,
    refresh_attention,
)
