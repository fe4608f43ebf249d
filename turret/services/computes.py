"""Where launches run: compute environments made, changed, deleted and tried out."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from django.conf import settings
from django.db import transaction

from seqhub.lib import queues
from seqhub.lib.patience import TimedOut, within
from seqhub.operations.errors import IllegalTransition, InvalidValue
from seqhub.operations.models import Event
from seqhub.operations.services.doorbell import ring
from seqhub.operations.services.events import SYSTEM, Actor, record_event
from turret.engine.launching.probe import ANSWER_S, Finding, Place, try_out
from turret.models import ComputeEnvironment
from turret.services.launching.environments import (
    environment_of,
    launches_dir,
    nextflow_of,
)
from turret.services.launching.plans import head_job_of

TESTED = "compute_tested"
ASKED = "compute_test_asked"
# Nextflow, then SLURM's two programs, then the disk.
_PATIENCE_S = 4 * ANSWER_S


@transaction.atomic
def save_compute(
    compute: ComputeEnvironment, *, actor: Actor, changed: list[str]
) -> None:
    """Keep one that was checked; `changed`: names of columns. Raises
    IllegalTransition for the configuration's own."""
    if compute.is_configured:
        raise IllegalTransition(f"{compute} is changed in seqhub.yaml.")
    is_new = compute.pk is None
    compute.save()
    if is_new:
        _record(compute, "created", f"Compute environment {compute} was made.", actor)
    elif changed:
        said = f"Compute environment {compute} was changed: {', '.join(changed)}."
        _record(compute, "changed", said, actor)


@transaction.atomic
def delete_compute(pk: int, *, actor: Actor, reason: str = "") -> None:
    """Raises IllegalTransition while something names it."""
    compute = ComputeEnvironment.objects.select_for_update().get(pk=pk)
    if compute.is_configured:
        raise IllegalTransition(f"{compute} belongs to the configuration.")
    if compute.launches.exists() or compute.pipeline_set.exists():
        raise IllegalTransition(
            f"Launches or saved pipelines name {compute}. Switch it off instead: "
            "nothing is launched there then."
        )
    said = f"Compute environment {compute} was deleted. {reason}".strip()
    _record(compute, "deleted", said, actor)
    compute.delete()


def ask_for_test(compute: ComputeEnvironment, *, actor: Actor) -> bool:
    """Try it out on its host: at once if that is this one. Answers whether the result
    is there already (last_test)."""
    if compute.host == settings.CONFIG.host:
        try_compute(compute, actor=actor)
        return True
    with transaction.atomic():
        said = f"{compute} is to be tried out on {compute.host}."
        _record(compute, "test_asked", said, actor)
        function = "turret.tasks.try_compute"
        ring(function, compute.pk, queue=queues.local(compute.host))
    return False


def try_compute(compute: ComputeEnvironment, *, actor: Actor = SYSTEM) -> None:
    """Try out what launches need on this host, and keep what was found as an event."""
    place, env = place_of(compute), environment_of(compute)
    try:
        found = within(_PATIENCE_S, str(place.work_dir), try_out, place, env)
    except TimedOut as error:
        found = [Finding("Test", False, f"{error}.")]
    except OSError as error:
        raise InvalidValue(f"The test could not be made: {error}.") from None
    wrong = [finding.what for finding in found if not finding.is_fine]
    told = f"not in order: {', '.join(wrong)}" if wrong else "all is in order"
    data = {"found": [asdict(finding) for finding in found]}
    record_event(
        _subject(compute),
        TESTED,
        f"{compute} was tried: {told}.",
        actor=actor,
        data=data,
    )


def last_test(compute: ComputeEnvironment) -> Event | None:
    """The event of the newest test, or that one was asked for. One query."""
    rows = Event.objects.filter(subject=_subject(compute), kind__in=(TESTED, ASKED))
    return rows.order_by("-at", "-pk").first()


def place_of(compute: ComputeEnvironment) -> Place:
    return Place(
        nextflow=nextflow_of(compute),
        work_dir=Path(compute.work_dir) if compute.work_dir else launches_dir(),
        modules=compute.modules,
        pre_run=compute.pre_run,
        head_job=head_job_of(compute),
    )


def _subject(compute: ComputeEnvironment) -> str:
    return f"computeenvironment:{compute.pk}"


def _record(compute: ComputeEnvironment, kind: str, message: str, actor: Actor) -> None:
    record_event(_subject(compute), f"compute_{kind}", message, actor=actor)
