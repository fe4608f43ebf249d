"""Restore drills: does getting data back still work?"""

from __future__ import annotations

import datetime as dt
import random

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from archiving.choices import Depth, Status
from archiving.models import ArchiveJob, Recipient, Verification
from archiving.services.attention import refresh_attention
from archiving.services.policy import current_policy
from archiving.services.sampling import remove_samples
from archiving.services.verification import OPEN, claim_verification, run_verification
from seqhub.lib.files import Locked, locked
from seqhub.lib.lease import new_worker_id

# A little less than a day, so that the hour stays about the same.
EVERY = dt.timedelta(hours=23)


def is_drill_due(host: str) -> bool:
    """Whether the last one on this host is longer ago than a day."""
    recently = timezone.now() - EVERY
    return not Verification.objects.filter(
        job__host=host, depth=Depth.DRILL, requested_at__gt=recently
    ).exists()


def run_drill(host: str) -> Verification | None:
    """Restore a small random file of a random archive that can be opened here, and
    keep what comes of it; None if there is none, or a drill is going on.

    An archive is read up to the file, which may take hours.
    """
    policy = current_policy()
    if (job := _pick(host)) is None:
        return None
    policy.gpg_work_dir.parent.mkdir(parents=True, exist_ok=True)
    try:
        with locked(policy.gpg_work_dir.parent / "drill.lock", wait=False):
            remove_samples(policy)
            return _drill(job, host)
    except Locked:
        return None


def _pick(host: str) -> ArchiveJob | None:
    """Any archive with a list of its files, for which this host has a secret key."""
    opener = Recipient.objects.filter(jobs=OuterRef("pk"), has_secret_key=True)
    read = Verification.objects.filter(job=OuterRef("pk"), state__in=OPEN)
    jobs = ArchiveJob.objects.filter(
        Exists(opener),
        ~Exists(read),
        host=host,
        status=Status.ENCRYPTED,
        publishing__isnull=True,
        is_here=True,
        ignored_at=None,
        sealed_at__isnull=False,
    ).exclude(manifest_sha256="")
    ids = list(jobs.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return None
    return jobs.filter(pk=random.choice(ids)).first()  # noqa: S311 - no secret


def _drill(job: ArchiveJob, host: str) -> Verification | None:
    try:
        with transaction.atomic():
            row = Verification.objects.create(
                job=job, depth=Depth.DRILL, requested_at=timezone.now()
            )
    except IntegrityError:
        return None  # somebody has just asked to verify it
    claimed = claim_verification(row.pk, host, new_worker_id(host))
    if claimed is None:
        return None
    try:
        return run_verification(claimed)
    finally:
        refresh_attention(host)
