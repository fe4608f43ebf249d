"""What is asked for: completed, checked, shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from pytest_django import Settings

from tests.clients import make_user
from tests.factories import HOST
from tests.nextflow.runs import PIPELINES
from tests.turret.factories import ComputeFactory, PipelineFactory
from tests.turret.launching.site import ACTOR, Site, look_until, state_of
from turret.choices import LaunchState, TraceBy
from turret.errors import BadLaunch, UnknownPipeline
from turret.models import Launch, Workflow
from turret.services.launching.requests import LaunchRequest
from turret.services.launching.submission import preview, submit

pytestmark = pytest.mark.django_db(transaction=True)

DEEP: Any = []
for _ in range(80):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("source", {"source": ""}),
        ("source", {"source": "-rf"}),
        ("source", {"source": "--help"}),
        ("source", {"source": "org/repo; touch x"}),
        ("source", {"source": "org/repo\nnext"}),
        ("source", {"source": "org/repo\0"}),
        ("source", {"source": "/" + "a" * 2000}),
        ("revision", {"revision": "-r"}),
        ("revision", {"revision": "main; rm -rf ~"}),
        ("revision", {"revision": "$(id)"}),
        ("revision", {"revision": "a" * 300}),
        ("profile", {"profile": "-C"}),
        ("profile", {"profile": "test,,docker"}),
        ("profile", {"profile": "a b"}),
        ("profile", {"profile": "a" * 300}),
        ("run_name", {"run_name": "-resume"}),
        ("run_name", {"run_name": "two words"}),
        ("run_name", {"run_name": "a" * 81}),
        ("work_dir", {"work_dir": "relative"}),
        ("work_dir", {"work_dir": "/etc"}),
        ("work_dir", {"work_dir": "/a\nb"}),
        ("project_dir", {"project_dir": "-c"}),
        ("config_text", {"config_text": "a = '\0'"}),
        ("config_text", {"config_text": "x" * 300_000}),
        ("config_text", {"config_text": "password = '[masked]'"}),
        ("config_text", {"config_text": "\udcff"}),
        ("source", {"source": "/data/\udcff"}),
        ("work_dir", {"work_dir": "/data/\ud800"}),
        ("params.long", {"params": {"long": "x" * 10_000_000}}),
        ("params.number", {"params": {"number": float("nan")}}),
        ("params", {"params": {"": 1}}),
        ("params", {"params": {"a\0": 1}}),
        ("params", {"params": {"a" * 300: 1}}),
        ("params.token", {"params": {"token": "[masked]"}}),
        ("params.sheet", {"params": {"sheet": ["https://me:[masked]@host/x"]}}),
        ("params.text", {"params": {"text": "a\0b"}}),
        ("params.text", {"params": {"text": "\ud800"}}),
        ("params.list", {"params": {"list": [{"a": "\0"}]}}),
        ("params.deep", {"params": {"deep": DEEP}}),
        ("labels", {"labels": ("x" * 51,)}),
        ("labels", {"labels": ("\udcff",)}),
        ("labels", {"labels": tuple(map(str, range(21)))}),
        ("max_run_time_s", {"max_run_time_s": 0}),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    site: Site, field: str, values: dict[str, Any]
) -> None:
    with pytest.raises(BadLaunch) as caught:
        site.submit(**values)
    assert list(caught.value.fields) == [field]
    assert caught.value.fields[field].endswith(".")
    assert not Workflow.objects.exists()


def test_all_that_is_wrong_is_told_at_once(site: Site) -> None:
    with pytest.raises(BadLaunch) as caught:
        site.submit(source="-x", revision="-y", run_name="a b")
    assert set(caught.value.fields) == {"source", "revision", "run_name"}


def test_newlines_and_quotes_are_values_like_others(site: Site) -> None:
    params = {"text": "a\n'b' \"c\" \\ $d `e`", "list": [1, None, True]}
    assert site.submit(params=params).params == params


def test_a_linked_directory_counts_as_where_it_leads(site: Site) -> None:
    allowed = site.directory / "allowed"
    allowed.mkdir()
    (allowed / "out").symlink_to("/etc")
    with pytest.raises(BadLaunch):
        site.submit(work_dir=str(allowed / "out"))
    assert site.submit(work_dir=str(allowed / "in")).work_dir == str(allowed / "in")


@pytest.mark.parametrize("field", ["work_dir", "project_dir"])
def test_the_directories_of_launches_are_nobodys_to_choose(
    site: Site, settings: Settings, field: str
) -> None:
    scratch = site.directory / "allowed" / "scratch"
    compute = ComputeFactory.create(work_dir=str(scratch), host=HOST)
    launch = site.submit(compute=compute)
    assert launch.work_dir == str(scratch / launch.launch_id)
    # Also where everything may be chosen.
    site.launcher["allowed_roots"] = [str(site.directory)]
    settings.CONFIG = site.config()
    own = (launch.work_dir, launch.launch_dir, site.launches, site.directory / "var")
    for taken in own:
        with pytest.raises(BadLaunch) as caught:
            site.submit(**{field: f"{taken}/x"})
        assert list(caught.value.fields) == [field]
    assert site.submit(**{field: str(scratch / "mine")}).launch_id


def test_a_revision_may_be_part_of_the_source(site: Site) -> None:
    launch = site.submit(source="nf-core/demo@1.0.2")
    assert (launch.source, launch.revision) == ("nf-core/demo", "1.0.2")


def test_it_is_one_thing_with_its_workflow(site: Site) -> None:
    launch = site.submit(labels=("a", "a", "b"))
    workflow = launch.workflow
    assert launch.launch_id == workflow.workflow_id
    assert len(launch.launch_id) <= 16
    assert workflow.batch_id == launch.launch_id
    assert launch.run_name == f"dispatcher_{launch.launch_id}"
    assert (workflow.labels, workflow.owner) == (["a", "b"], site.user)


def test_a_saved_pipeline_says_what_was_left_out(site: Site) -> None:
    compute = ComputeFactory.create(name="other", host="other", is_configured=False)
    saved = PipelineFactory.create(
        source="nf-core/demo",
        revision="1.0",
        profile="docker",
        params={"a": 1, "b": 2},
        config_text="// saved",
        compute=compute,
        labels=["saved"],
        max_run_time_s=100,
    )
    launch = site.submit(
        source="",
        pipeline=saved,
        params={"b": 3},
        config_text="// own",
        max_run_time_s=500,
    )
    assert (launch.source, launch.revision) == ("nf-core/demo", "1.0")
    assert (launch.profile, launch.params) == ("docker", {"a": 1, "b": 3})
    assert launch.config_text == "// saved\n\n// own"
    assert (launch.compute, launch.host) == (compute, "other")
    assert (launch.labels, launch.max_run_time_s) == (["saved"], 100)
    assert site.submit(source="", pipeline=saved, labels=()).labels == []
    with pytest.raises(BadLaunch) as caught:
        site.submit(source="", pipeline=saved, revision="2.0")
    assert list(caught.value.fields) == ["revision"]


def test_others_saved_pipelines_are_not_known(site: Site) -> None:
    saved = PipelineFactory.create(source=str(PIPELINES / "three"))
    group = Group.objects.create(name="core")
    saved.groups.add(group)
    with pytest.raises(UnknownPipeline):
        site.submit(pipeline=saved)
    site.user.groups.add(group)
    assert site.submit(pipeline=saved).pipeline == saved


def test_a_preview_is_what_is_run(site: Site) -> None:
    params = {"api_token": "hidden", "lines": 3}
    request = LaunchRequest(
        source=str(PIPELINES / "three"),
        profile="test",
        params=params,
        config_text="process.cpus = 1",
    )
    shown = preview(request, user=site.user)
    assert not Launch.objects.exists()
    assert not site.launches.exists()
    assert shown.argv[0] == str(site.nextflow)
    assert "-profile" in shown.argv
    assert "PATH" in shown.environment
    assert set(shown.files) == {"params.json", "launch.config", "launch.sh"}
    assert '"lines": 3' in shown.files["params.json"]
    assert "hidden" not in str(shown)
    assert "process.cpus = 1" in shown.files["launch.config"]


@pytest.mark.parametrize("of", ["pipeline", "compute"])
def test_so_many_of_a_pipeline_or_environment_run(site: Site, of: str) -> None:
    owner = (
        PipelineFactory.create(source=str(PIPELINES / "three"), max_concurrent=1)
        if of == "pipeline"
        else ComputeFactory.create(name="small", is_configured=False, max_concurrent=1)
    )
    params = {"sleep": 600, "exit": 0}
    first, second = (site.submit(params=params, **{of: owner}) for _ in range(2))
    other = site.submit(params=params)
    look_until(lambda: state_of(other) == LaunchState.RUNNING)
    assert state_of(first) == LaunchState.RUNNING
    assert state_of(second) == LaunchState.PENDING


def test_a_compute_environment_that_is_off_takes_nothing(
    site: Site, settings: Settings
) -> None:
    compute = ComputeFactory.create(name="off", is_enabled=False, is_configured=False)
    with pytest.raises(BadLaunch) as caught:
        submit(
            LaunchRequest(source="a/b", compute=compute),
            user=make_user(),
            actor=ACTOR,
        )
    assert list(caught.value.fields) == ["compute"]


def test_how_it_is_traced_is_asked_of_its_environment(site: Site) -> None:
    compute = ComputeFactory.create(
        name="quiet", trace=TraceBy.FILE, is_configured=False
    )
    assert site.submit(compute=compute).trace == TraceBy.FILE
