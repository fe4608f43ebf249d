"""Rows of workflows for tests, as services would have written them."""

from __future__ import annotations

import factory
from django.utils import timezone

from tests.clients import make_user
from turret.choices import LaunchState, Status, TaskStatus, TraceBy
from turret.models import (
    ComputeEnvironment,
    Launch,
    Pipeline,
    Workflow,
    WorkflowProcess,
    WorkflowTask,
)


class WorkflowFactory(factory.django.DjangoModelFactory[Workflow]):
    """One that runs; `ended=True` for one that has succeeded."""

    class Meta:
        model = Workflow

    class Params:
        ended = factory.Trait(
            status=Status.SUCCEEDED,
            success=True,
            exit_status=0,
            ended_at=factory.LazyFunction(timezone.now),
            completed_at=factory.LazyFunction(timezone.now),
            duration_ms=65_000,
        )

    workflow_id = factory.Sequence(lambda n: f"4Bi5xBK6E2{n:06}")
    owner = factory.LazyFunction(make_user)
    session_id = factory.Sequence(lambda n: f"6f1e0000-0000-4000-8000-{n:012}")
    run_name = factory.Sequence(lambda n: f"mad_curie{n}")
    batch_id = factory.SelfAttribute("run_name")
    project_name = "nf-core/demo"
    repository = "https://github.com/nf-core/demo"
    revision = "1.0.2"
    client = "Nextflow/25.04.4"
    nextflow_version = "25.04.4"
    status = Status.RUNNING
    status_since = factory.LazyFunction(timezone.now)
    created_at = factory.LazyFunction(timezone.now)
    begun_at = factory.LazyFunction(timezone.now)
    started_at = factory.LazyFunction(timezone.now)
    last_seen_at = factory.LazyFunction(timezone.now)
    progress_instant = 1_787_400_000_123


class ProcessFactory(factory.django.DjangoModelFactory[WorkflowProcess]):
    class Meta:
        model = WorkflowProcess

    workflow = factory.SubFactory(WorkflowFactory)
    name = factory.Sequence(lambda n: f"DEMO:STEP{n}")
    index = factory.Sequence(lambda n: n)


class TaskFactory(factory.django.DjangoModelFactory[WorkflowTask]):
    """One that has ended well."""

    class Meta:
        model = WorkflowTask

    workflow = factory.SubFactory(WorkflowFactory)
    task_id = factory.Sequence(lambda n: n + 1)
    status = TaskStatus.COMPLETED
    process = "DEMO:ALIGN"
    tag = factory.LazyAttribute(lambda row: f"sample{row.task_id}")
    name = factory.LazyAttribute(lambda row: f"{row.process} ({row.tag})")
    hash = factory.LazyAttribute(lambda row: f"ab/{row.task_id:06x}")
    exit = 0
    attempt = 1
    cpus = 2
    memory_bytes = 4 * 2**30
    peak_rss_bytes = 2**30
    pcpu = 180.0
    realtime_ms = 60_000
    duration_ms = 65_000
    submitted_at = factory.LazyFunction(timezone.now)
    started_at = factory.LazyFunction(timezone.now)
    completed_at = factory.LazyFunction(timezone.now)
    script = "echo hello"
    workdir = factory.LazyAttribute(lambda row: f"/data/work/ab/{row.task_id:06x}")


class ComputeFactory(factory.django.DjangoModelFactory[ComputeEnvironment]):
    class Meta:
        model = ComputeEnvironment
        django_get_or_create = ("name",)

    name = "local"
    host = "testhost"
    is_configured = True


class PipelineFactory(factory.django.DjangoModelFactory[Pipeline]):
    class Meta:
        model = Pipeline

    name = factory.Sequence(lambda n: f"pipeline {n}")
    source = "nf-core/demo"


class LaunchFactory(factory.django.DjangoModelFactory[Launch]):
    """One that runs."""

    class Meta:
        model = Launch

    workflow = factory.SubFactory(WorkflowFactory)
    compute = factory.SubFactory(ComputeFactory)
    host = "testhost"
    owner = factory.SelfAttribute("workflow.owner")
    source = "nf-core/demo"
    run_name = factory.SelfAttribute("workflow.run_name")
    trace = TraceBy.FILE
    directory = factory.LazyAttribute(
        lambda row: f"/data/launches/{row.workflow.workflow_id}"
    )
    launch_dir = factory.LazyAttribute(lambda row: f"{row.directory}/launch")
    work_dir = factory.LazyAttribute(lambda row: f"{row.directory}/work")
    state = LaunchState.RUNNING
    state_since = factory.LazyFunction(timezone.now)
    submitted_at = factory.LazyFunction(timezone.now)
    started_at = factory.LazyFunction(timezone.now)
