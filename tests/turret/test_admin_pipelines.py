"""Saved pipelines and compute environments in the console."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries, Settings

from seqhub.operations.models import Event, Heartbeat
from tests.slurm import Slurm
from tests.staff import staff
from tests.turret.factories import ComputeFactory, LaunchFactory, PipelineFactory
from turret.engine.launching.plan import HeadJob
from turret.engine.launching.probe import Place, try_out
from turret.models import ComputeEnvironment, Pipeline
from turret.services.computes import last_test, try_compute

pytestmark = pytest.mark.django_db

LIST = "/admin/turret/pipeline/"
COMPUTES = "/admin/turret/computeenvironment/"
HOSTILE = "<script>alert(1)</script>"


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("<wbr>", "")


def pipeline(**values: Any) -> dict[str, Any]:
    return {"name": "RNA", "source": "nf-core/rnaseq", "is_enabled": "on"} | values


def compute(**values: Any) -> dict[str, Any]:
    sent = {"name": "cluster", "kind": "slurm", "trace": "auto", "is_enabled": "on"}
    return sent | {"host": "testhost"} | values


def errors_of(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


# --- saved pipelines


def test_an_empty_list_says_what_a_saved_pipeline_is_for() -> None:
    assert "No pipeline is saved yet." in text_of(staff("viewer"), LIST)


def test_a_manager_saves_a_pipeline_and_changes_it() -> None:
    client = staff("manager")
    group = Group.objects.get(name="operator")
    sent = pipeline(
        params="genome: GRCh38\ntrim:\n  quality: 20\n",
        labels="clinical, RNA",
        visible_params="input,outdir",
        groups=[group.pk],
        max_run_time_h="1.5",
        max_concurrent="2",
    )
    assert client.post(f"{LIST}add/", sent)["Location"] == LIST
    row = Pipeline.objects.get()
    assert row.params == {"genome": "GRCh38", "trim": {"quality": 20}}
    assert row.labels == ["clinical", "RNA"]
    assert row.visible_params == ["input", "outdir"]
    assert row.max_run_time_s == 5400
    assert list(row.groups.all()) == [group]
    assert row.owner is not None
    page = f"{LIST}{row.pk}/change/"
    assert "trim:\n  quality: 20" in text_of(client, page)
    sent |= {"params": '{"genome": "T2T"}', "max_run_time_h": "", "groups": []}
    client.post(page, sent)
    row.refresh_from_db()
    assert row.params == {"genome": "T2T"}
    assert row.max_run_time_s is None
    assert not row.groups.exists()
    said = [
        event.message for event in Event.objects.filter(subject=f"pipeline:{row.pk}")
    ]
    assert any("was saved" in one for one in said)
    assert any("params" in one for one in said)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "taken"),
        ("source", "-x"),
        ("source", "not a pipeline"),
        ("revision", "-r; rm -rf /"),
        ("profile", "--help"),
        ("params", "genome: [unclosed"),
        ("params", "- a list"),
        ("params", "a: &x 1\nb: *x"),
        ("params", "genome: '[masked]'"),
        ("labels", "x" * 51),
        ("max_run_time_h", "-1"),
        ("max_run_time_h", "nan"),
        ("max_concurrent", "-1"),
        ("config_text", "x" * 100_001),
        ("config_text", "a\0b"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, value: str) -> None:
    PipelineFactory.create(name="taken")
    answer = staff("manager").post(f"{LIST}add/", pipeline(**{field: value}))
    assert list(errors_of(answer)) == [field]
    assert Pipeline.objects.count() == 1


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_read_it_with_secrets_masked(role: str) -> None:
    row = PipelineFactory.create(
        params={"genome": "GRCh38", "api_token": "hunter2"},
        config_text="aws.secretKey = 'hunter2'",
        description=HOSTILE,
    )
    client = staff(role)
    said = text_of(client, f"{LIST}{row.pk}/change/")
    assert "GRCh38" in said
    assert "hunter2" not in said
    assert HOSTILE not in said + text_of(client, LIST)
    assert 'name="source"' not in said
    client.post(f"{LIST}{row.pk}/change/", pipeline())
    assert client.get(f"{LIST}add/").status_code == 403
    row.refresh_from_db()
    assert row.source == "nf-core/demo"


def test_a_pipeline_is_deleted_with_a_reason_and_its_launches_stay() -> None:
    row = PipelineFactory.create()
    launch = LaunchFactory.create(pipeline=row)
    page = f"{LIST}{row.pk}/delete/"
    assert staff("operator").post(page, {"reason": ""}).status_code == 403
    client = staff("manager")
    assert "Its launches stay" in text_of(client, page)
    assert client.post(page, {"reason": "too old"})["Location"] == LIST
    launch.refresh_from_db()
    assert launch.pipeline is None
    assert "too old" in Event.objects.get(subject=f"pipeline:{row.pk}").message


def test_the_list_offers_to_launch_what_a_person_may_launch() -> None:
    row, other = PipelineFactory.create(), PipelineFactory.create()
    off = PipelineFactory.create(is_enabled=False)
    client = staff("operator")
    other.groups.add(Group.objects.get(name="manager"))
    said = text_of(client, LIST)
    assert f"/launch/add/?pipeline={row.pk}" in said
    assert f"/launch/add/?pipeline={other.pk}" not in said
    assert f"/launch/add/?pipeline={off.pk}" not in said
    assert "/launch/add/" not in text_of(staff("viewer"), LIST)


def test_the_lists_take_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = staff("manager")
    for address in (LIST, COMPUTES):
        counts = []
        for number in (2, 8):
            for index in range(number):
                place = ComputeFactory.create(name=f"{address}{number}{index}")
                row = PipelineFactory.create(compute=place)
                row.groups.add(Group.objects.get(name="viewer"))
                LaunchFactory.create(pipeline=row, compute=place)
            with django_assert_max_num_queries(20) as taken:
                client.get(address)
            counts.append(len(taken))
        assert counts[0] == counts[1]


# --- compute environments


def test_a_manager_makes_a_compute_environment() -> None:
    Heartbeat.objects.create(host="login1", role="cluster", at="2026-01-01T00:00Z")
    client = staff("manager")
    sent = compute(
        host="login1",
        modules="module load nextflow\r\n",
        environment="LICENCE_FILE, SCRATCH",
        queue="main",
        head_cpus="2",
    )
    assert client.post(f"{COMPUTES}add/", sent)["Location"] == COMPUTES
    row = ComputeEnvironment.objects.get()
    assert row.environment == ["LICENCE_FILE", "SCRATCH"]
    assert (row.host, row.head_cpus, row.is_configured) == ("login1", 2, False)
    client.post(f"{COMPUTES}{row.pk}/change/", sent | {"queue": "long"})
    row.refresh_from_db()
    assert row.queue == "long"
    events = Event.objects.filter(subject=f"computeenvironment:{row.pk}")
    assert any("queue" in event.message for event in events)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "nobody-knows-it"),
        ("environment", "SEQHUB_SECRET_KEY"),
        ("environment", "A=B"),
        ("work_dir", "relative/path"),
        ("nextflow", "-log"),
        ("queue", "main --uid=0"),
        ("account", "a\nb"),
        ("modules", "a\0b"),
        ("head_cpus", "-1"),
    ],
)
def test_what_can_not_work_is_refused(
    field: str, value: str, settings: Settings
) -> None:
    sent = compute(host=settings.CONFIG.host) | {field: value}
    answer = staff("manager").post(f"{COMPUTES}add/", sent)
    assert list(errors_of(answer)) == [field]
    assert not ComputeEnvironment.objects.exists()


def test_operators_may_not_write_what_a_shell_reads() -> None:
    row = ComputeFactory.create(name="cluster", is_configured=False, pre_run="true")
    client = staff("operator")
    client.post(f"{COMPUTES}{row.pk}/change/", compute(pre_run="evil"))
    assert client.get(f"{COMPUTES}add/").status_code == 403
    assert client.post(f"{COMPUTES}{row.pk}/test/").status_code == 403
    row.refresh_from_db()
    assert row.pre_run == "true"


def test_the_configurations_own_is_read_only() -> None:
    row = ComputeFactory.create()
    client = staff("manager")
    said = text_of(client, f"{COMPUTES}{row.pk}/change/")
    assert "turret.launcher of seqhub.yaml" in said
    assert 'name="pre_run"' not in said
    answer = client.post(f"{COMPUTES}{row.pk}/change/", compute(pre_run="evil"))
    assert answer.status_code == 403
    assert client.post(f"{COMPUTES}{row.pk}/delete/").status_code == 403
    row.refresh_from_db()
    assert row.pre_run == ""


def test_one_that_launches_name_is_not_deleted() -> None:
    used = ComputeFactory.create(name="used", is_configured=False)
    LaunchFactory.create(compute=used)
    free = ComputeFactory.create(name="free", is_configured=False)
    client = staff("manager")
    answer = client.post(f"{COMPUTES}{used.pk}/delete/", {"reason": ""})
    assert "Switch it off instead" in answer.content.decode()
    client.post(f"{COMPUTES}{free.pk}/delete/", {"reason": "gone"})
    assert list(ComputeEnvironment.objects.all()) == [used]


# --- is it there, and does it work?


def test_one_of_this_host_is_tried_at_once(settings: Settings, tmp_path: Path) -> None:
    row = ComputeFactory.create(
        name="here",
        is_configured=False,
        host=settings.CONFIG.host,
        nextflow="/not/there",
        work_dir=str(tmp_path),
    )
    client = staff("manager")
    page = f"{COMPUTES}{row.pk}/change/"
    assert "Not tested yet" in text_of(client, page)
    assert client.post(f"{COMPUTES}{row.pk}/test/", {"next": ""})["Location"] == page
    said = text_of(client, page)
    assert "/not/there can&#x27;t be run:" in said
    assert f"{tmp_path} can be written to" in said
    assert "by manager" in said


def test_one_of_another_host_is_tried_there_and_its_page_waits_for_it() -> None:
    row = ComputeFactory.create(name="there", is_configured=False, host="otherhost")
    client = staff("manager")
    client.post(f"{COMPUTES}{row.pk}/test/", {"next": ""})
    assert OrmQ.objects.get().key == "local-otherhost"
    tested = f"{COMPUTES}{row.pk}/tested/"
    assert "hx-get" in text_of(client, tested)
    try_compute(row)
    said = text_of(client, tested)
    assert "hx-get" not in said
    assert "Work directory" in said


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("echo 'Version: 24.10.0 build 1'; echo 'Runtime: Groovy on OpenJDK 17'", ""),
        ("echo 'Cannot find Java' >&2; exit 1", "Cannot find Java"),
        ("exit 3", "it ended with code 3"),
        ("head -c 300000 /dev/zero", "can't be run: \ufffd\ufffd"),
        ("printf 'a\\000b\\377'; exit 1", "a\ufffdb\ufffd"),
    ],
)
def test_what_nextflow_says_is_told(program: str, said: str, tmp_path: Path) -> None:
    nextflow = tmp_path / "nextflow"
    nextflow.write_text(f"#!/bin/bash\n{program}\n")
    nextflow.chmod(0o755)
    place = Place("nextflow", tmp_path, pre_run=f"PATH={tmp_path}:$PATH")
    found = try_out(place, {"PATH": "/usr/bin:/bin"})
    if said:
        assert not found[0].is_fine
        assert said in found[0].said
    else:
        assert [one.is_fine for one in found] == [True, True, True]
        assert "version 24.10.0" in found[0].said
        assert "OpenJDK 17" in found[1].said


def test_a_name_of_a_program_is_no_line_of_a_shell(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    found = try_out(Place(f"true; touch {mark}", tmp_path), {"PATH": "/usr/bin:/bin"})
    assert not found[0].is_fine
    assert not mark.exists()


def test_a_work_directory_that_can_not_be_made_is_told() -> None:
    found = try_out(
        Place("true", Path("/proc/nothing/work")), {"PATH": "/usr/bin:/bin"}
    )
    assert found[-1].what == "Work directory"
    assert not found[-1].is_fine


def test_the_real_nextflow_tells_its_version(nextflow: Path, tmp_path: Path) -> None:
    row = ComputeFactory.create(nextflow=str(nextflow), work_dir=str(tmp_path))
    try_compute(row)
    test = last_test(row)
    assert test is not None
    found = {one["what"]: one for one in test.data["found"]}
    assert found["Nextflow"]["is_fine"]
    assert "24.10.0" in found["Nextflow"]["said"]
    assert "17" in found["Java"]["said"]


@pytest.mark.parametrize(
    ("queue", "is_fine"), [("main", True), ("", True), ("nope", False)]
)
def test_the_real_slurm_says_whether_it_takes_the_head_job(
    slurm: Slurm, tmp_path: Path, queue: str, is_fine: bool
) -> None:
    place = Place("true", tmp_path, head_job=HeadJob(queue=queue, cpus=1))
    found = {one.what: one for one in try_out(place, slurm.env)}
    assert "main" in found["SLURM"].said
    assert found["Head job"].is_fine == is_fine
    if not is_fine:
        assert "invalid partition" in found["Head job"].said


def test_slurm_that_is_not_there_is_told(tmp_path: Path) -> None:
    place = Place("true", tmp_path, head_job=HeadJob())
    found = try_out(place, {"PATH": str(tmp_path)})
    assert found[-1].what == "SLURM"
    assert not found[-1].is_fine
