from __future__ import annotations

from typing import Any

import pytest

from runfolders.models import Runfolder
from seqhub.operations.models import Attention, Event
from tests.factories import RootFactory, RunfolderFactory
from tests.turret.factories import WorkflowFactory
from tests.turret.services.calls import begin_call, complete_call, make_caller
from turret.engine.records import Run
from turret.models import Workflow
from turret.services import tracing
from turret.services.linking import guess_runfolder

pytestmark = pytest.mark.django_db

PATH = "/data/seq/240131_A00834_0007_BHMTFYDRXX"


@pytest.fixture
def run() -> Runfolder:
    RunfolderFactory.create_batch(3)
    return RunfolderFactory.create(path=PATH)


@pytest.mark.parametrize(
    "named",
    [
        {"launch_dir": PATH},
        {"launch_dir": f"{PATH}/analysis/1"},
        {"work_dir": f"{PATH}/work"},
        {"command_line": f"nextflow run x --input {PATH}/SampleSheet.csv -resume"},
        {"command_line": f"nextflow run x --input='{PATH}' --out /tmp"},
        {"params": {"input": PATH}},
        {"params": {"a": [{"b": f"file://{PATH}/"}]}},
        {"params": {"reads": f"{PATH}/Data/**/*_R{{1,2}}.fastq.gz"}},
        {"params": {"many": f"/data/seq/other,{PATH}"}},
    ],
)
def test_the_run_whose_path_is_named_is_meant(
    run: Runfolder, named: dict[str, Any]
) -> None:
    assert guess_runfolder(Run(**named)) == run


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"launch_dir": "/data/seq"},
        {"launch_dir": f"{PATH}_2"},
        {"params": {"input": f"s3://bucket{PATH}"}},
        {"params": {"input": PATH[1:], "n": 7, "none": None}},
        {"command_line": f"nextflow run x --input https://host{PATH}"},
    ],
)
def test_what_only_looks_like_it_is_not_meant(
    run: Runfolder, named: dict[str, Any]
) -> None:
    assert guess_runfolder(Run(**named)) is None


def test_a_path_may_hold_spaces() -> None:
    run = RunfolderFactory.create(path="/data/my runs/240131")
    assert guess_runfolder(Run(launch_dir=f"{run.path}/work")) == run


def test_of_two_runs_none_is_meant(run: Runfolder) -> None:
    other = RunfolderFactory.create()
    params = {"inputs": [run.path, other.path]}
    assert guess_runfolder(Run(params=params)) is None
    # On another host the same path is another disk, for all we know.
    RunfolderFactory.create(path=PATH, root=RootFactory.create(host="elsewhere"))
    assert guess_runfolder(Run(launch_dir=PATH)) is None


@pytest.mark.parametrize(
    "gone", [{"is_present": False}, {"root__is_configured": False}]
)
def test_a_run_that_is_not_there_is_not_meant(gone: dict[str, Any]) -> None:
    RunfolderFactory.create(path=PATH, **gone)
    assert guess_runfolder(Run(launch_dir=PATH)) is None


def test_it_is_linked_when_it_begins(run: Runfolder) -> None:
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest, begun_at=None)
    tracing.begin(row.workflow_id, begin_call(launch_dir=f"{PATH}/analysis"), caller)
    assert Workflow.objects.get().runfolder == run
    kinds = Event.objects.filter(runfolder_ref=run.pk).values_list("kind", flat=True)
    assert sorted(kinds) == ["began", "linked"]


def test_one_that_never_began_is_linked_when_it_ends(run: Runfolder) -> None:
    """As Nextflow 25.08 to 25.10 may do it, or where the begin was lost."""
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest, begun_at=None)
    end = complete_call(launch_dir=PATH, success=False, error_message="no")
    tracing.complete(row.workflow_id, end, caller)
    assert Workflow.objects.get().runfolder == run
    kinds = Event.objects.filter(runfolder_ref=run.pk).values_list("kind", flat=True)
    assert sorted(kinds) == ["ended", "linked"]
    assert Attention.objects.get().runfolder_ref == run.pk


def test_what_a_person_unlinked_meanwhile_stays_so(run: Runfolder) -> None:
    caller = make_caller()
    row = WorkflowFactory.create(token_digest=caller.token_digest)
    tracing.complete(row.workflow_id, complete_call(launch_dir=PATH), caller)
    assert Workflow.objects.get().runfolder is None


def test_what_a_person_linked_stays(run: Runfolder) -> None:
    caller = make_caller()
    other = RunfolderFactory.create()
    row = WorkflowFactory.create(
        token_digest=caller.token_digest, begun_at=None, runfolder=other
    )
    tracing.begin(row.workflow_id, begin_call(launch_dir=PATH), caller)
    assert Workflow.objects.get().runfolder == other
