"""`manage.py replay`: a recorded Nextflow run, traced again."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.utils import timezone

from seqhub.operations.management.documented import DocumentedCommand
from turret.engine import trace
from turret.engine.body import parse
from turret.engine.replay import Step, read_steps
from turret.models import Workflow
from turret.services import tracing
from turret.services.callers import Caller

# It goes on with its own workflow only; no token has this digest.
_DIGEST = "replay"


class Command(DocumentedCommand):
    """Trace a recorded Nextflow run again, as if it went on now: an example to look
    at, of eight tasks.

    Its workflow belongs to the first administrator. Stopped at any time, it leaves
    what a Nextflow leaves that was killed.
    """

    # `up` has looked, and starts it among the first.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=float, default=120, help="of the whole run"
        )
        parser.add_argument(
            "--input", default="", metavar="PATH", help="the run that it analyses"
        )
        parser.add_argument(
            "--only-first",
            action="store_true",
            help="do nothing where a workflow is known",
        )

    def handle(
        self,
        *args: Any,
        seconds: float,
        input: str,  # noqa: A002 - the option's name
        only_first: bool,
        **options: Any,
    ) -> None:
        if not 0 < seconds <= 10**6:
            raise CommandError("--seconds is a number above 0, at most 1,000,000.")
        if only_first and Workflow.objects.exists():
            return
        params = {"input": input} if input else {}
        begun = time.monotonic()
        workflow_id, caller = "", _caller()
        try:
            for step in read_steps(seconds, timezone.now(), params):
                time.sleep(max(begun + step.at_s - time.monotonic(), 0))
                workflow_id = _make(step, workflow_id, caller)
        except KeyboardInterrupt:
            raise CommandError("Interrupted: the run stays unfinished.") from None


def _caller() -> Caller:
    administrators = User.objects.filter(is_superuser=True, is_active=True)
    owner = administrators.order_by("pk").values_list("pk", flat=True).first()
    return Caller(owner, _DIGEST, True, "", "", "Nextflow/25.04.4")


def _make(step: Step, workflow_id: str, caller: Caller) -> str:
    """Make the call; the id of the workflow."""
    body = parse(json.dumps(step.body).encode())
    if step.call == "create":
        return tracing.create(trace.read_create(body), caller, None)
    if step.call == "begin":
        tracing.begin(workflow_id, trace.read_begin(body), caller)
    elif step.call == "complete":
        tracing.complete(workflow_id, trace.read_complete(body), caller)
    else:
        tracing.update(workflow_id, trace.read_update(body), caller)
    return workflow_id
