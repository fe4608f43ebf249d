"""The launch form: from what somebody chooses to a launch."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from pytest_django import Settings

from tests.factories import RunfolderFactory
from tests.staff import staff
from tests.turret.factories import (
    ComputeFactory,
    LaunchFactory,
    PipelineFactory,
    WorkflowFactory,
)
from tests.turret.launch_forms import (
    FORM,
    HTMX,
    PIPELINES,
    THREE,
    begin,
    fields_of,
    launch,
    launch_below,
    text_of,
    turn,
)
from turret.choices import LaunchState, Status
from turret.models import Launch
from turret.panels.launch_form import field_id

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings: Settings, tmp_path: Path) -> Client:
    """An operator's browser."""
    launch_below(settings, tmp_path)
    return staff("operator")


def test_a_typed_pipeline_is_launched(client: Client) -> None:
    fields = turn(client, fields_of(client.get(FORM)) | {"source": THREE}, "show")
    assert fields["param.samples"] == "a,b,c"
    answer = launch(client, fields | {"param.samples": "x,y", "run_name": "mine"})
    row = Launch.objects.get()
    assert answer["Location"] == f"/admin/turret/launch/{row.pk}/change/"
    assert (row.source, row.run_name, row.params) == (THREE, "mine", {"samples": "x,y"})


def test_who_may_not_launch_has_no_form_and_is_told_who_can_mend_it() -> None:
    answer = staff("viewer").get(FORM)
    assert answer.status_code == 403
    assert "A manager can put it into a group" in text_of(answer)


def test_what_is_no_pipeline_is_not_said_to_have_no_schema(client: Client) -> None:
    sent = fields_of(client.get(FORM)) | {"source": "three", "act": "show"}
    said = text_of(client.post(FORM, sent))
    assert "`three` lacks its organisation" in said
    assert "nextflow_schema.json" not in said


def test_it_offers_the_saved_pipelines_that_one_may_launch(client: Client) -> None:
    mine = PipelineFactory.create(name="mine", description="For RNA")
    others = PipelineFactory.create(name="not mine")
    others.groups.add(Group.objects.create(name="some others"))
    page = text_of(client.get(FORM))
    assert "mine" in page
    assert "For RNA" in page
    assert "not mine" not in page
    answer = client.get(FORM, {"pipeline": others.pk}, follow=True)
    assert "that you may launch" in text_of(answer)
    assert client.get(FORM, {"pipeline": mine.pk}).status_code == 200


def test_a_saved_pipeline_fills_the_form(client: Client) -> None:
    saved = PipelineFactory.create(
        source=THREE, profile="test", params={"samples": "p,q", "lines": 7}
    )
    fields = begin(client, pipeline=str(saved.pk))
    assert fields["param.samples"] == "p,q"
    assert fields["param.lines"] == "7"
    # Back to what the pipeline has by itself, which must win over the preset.
    launch(client, fields | {"param.samples": "a,b,c"})
    row = Launch.objects.get()
    assert (row.pipeline, row.profile) == (saved, "test")
    assert row.params == {"samples": "a,b,c", "lines": 7}


def test_a_pinned_revision_is_not_asked_for(client: Client) -> None:
    saved = PipelineFactory.create(source=THREE, revision="1.0")
    answer = client.get(FORM, {"pipeline": str(saved.pk), "revision": "2.0"})
    assert 'name="revision"' not in text_of(answer)
    assert "always launched at this one" in text_of(answer)


def test_the_address_fills_the_form(client: Client) -> None:
    fields = begin(
        client,
        **{
            "pipeline": THREE,
            "param.samples": "x,y",
            "param.lines": "5",
            "param.strange key": "a: b",
            "run_name": "named",
            "profile": "test",
        },
    )
    assert fields["param.samples"] == "x,y"
    launch(client, fields)
    row = Launch.objects.get()
    assert (row.run_name, row.profile) == ("named", "test")
    assert row.params == {"samples": "x,y", "lines": 5, "strange key": "a: b"}


def test_the_same_values_are_seen_as_yaml_and_changed_there(client: Client) -> None:
    fields = begin(client, pipeline=THREE, **{"param.samples": "x,y"})
    fields = turn(client, fields, "yaml")
    assert fields["yaml"] == "samples: x,y\n"
    fields["yaml"] = "samples: z\nlines: 3\n"
    fields = turn(client, fields, "form")
    assert (fields["param.samples"], fields["param.lines"]) == ("z", "3")
    launch(client, fields)
    assert Launch.objects.get().params == {"samples": "z", "lines": 3}


@pytest.mark.parametrize("text", ["a: [", "- a\n- b", "a: !!python/object:os.system x"])
def test_bad_yaml_stays_where_it_was_written(client: Client, text: str) -> None:
    fields = turn(client, begin(client, pipeline=THREE), "yaml")
    answer = client.post(FORM, fields | {"yaml": text, "act": "form"})
    assert fields_of(answer)["yaml"] == text
    assert 'id="error-yaml"' in text_of(answer)
    assert launch(client, fields | {"yaml": text}).status_code == 200
    assert not Launch.objects.exists()


def test_problems_are_said_at_their_fields_and_counted(client: Client) -> None:
    fields = begin(client, pipeline=THREE)
    fields |= {"param.samples": "a b", "param.lines": "many", "run_name": "9 lives"}
    answer = launch(client, fields)
    page = text_of(answer)
    assert "3 problems" in page
    for key, words in (
        ("samples", "Names with commas between them."),
        ("lines", "must be a whole number."),
    ):
        assert f'id="{field_id(key)}-error">{words}<' in page
    assert 'id="error-run_name"' in page
    # Nothing that was written is lost.
    assert fields_of(answer)["param.lines"] == "many"
    assert not Launch.objects.exists()


def test_htmx_gets_the_problems_alone(client: Client) -> None:
    fields = begin(client, pipeline=THREE) | {"param.lines": "0", "act": "check"}
    page = text_of(client.post(FORM, fields, headers=HTMX))
    assert page.lstrip().startswith('<div id="launch-problems"')
    assert "1 problem<" in page
    assert "must be at least 1" in page


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("source", "-version"),
        ("source", "no such pipeline"),
        ("revision", "-x"),
        ("revision", "$(touch x)"),
        ("profile", "-x"),
        ("run_name", "a\0b"),
        ("run", "no_such_run"),
        ("labels", ",".join(f"l{n}" for n in range(30))),
        ("hours", "soon"),
        ("hours", "nan"),
        ("hours", "1e400"),
        ("compute", "999"),
        ("work_dir", "/etc"),
        ("project_dir", "relative"),
        ("config_text", "a\0b"),
    ],
)
def test_bad_input_is_refused_at_its_field(
    client: Client, name: str, value: str
) -> None:
    fields = begin(client, pipeline=THREE) | {name: value}
    if name == "source":
        fields["known_source"] = value
    answer = launch(client, fields)
    assert answer.status_code == 200
    assert "problem" in text_of(answer)
    assert re.search(r"field-error\"[^>]*>[^<]", answer.content.decode())
    assert not Launch.objects.exists()


def test_texts_reach_the_launch_as_they_are(client: Client) -> None:
    fields = begin(client, pipeline=THREE)
    value = "it's \"this\"\nand 'that'; $(rm -rf x) `y` é"
    launch(client, fields | {"extra": json.dumps({"words": value, "n": [1, None]})})
    assert Launch.objects.get().params == {"words": value, "n": [1, None]}


def test_parameters_with_nul_are_refused(client: Client) -> None:
    fields = begin(client, pipeline=THREE) | {"extra": '{"words": "a\\u0000b"}'}
    assert "character NUL" in text_of(launch(client, fields))
    assert not Launch.objects.exists()


def test_two_clicks_launch_once(client: Client) -> None:
    fields = begin(client, pipeline=THREE)
    first, second = launch(client, fields), launch(client, fields)
    assert first["Location"] == second["Location"]
    assert Launch.objects.count() == 1
    launch(client, begin(client, pipeline=THREE))
    assert Launch.objects.count() == 2


def test_another_pipeline_takes_nothing_from_the_one_before(client: Client) -> None:
    saved = PipelineFactory.create(source=THREE, params={"samples": "p"})
    fields = begin(client, pipeline=str(PIPELINES / "sleeps"), run_name="mine")
    answer = launch(client, fields | {"pipeline": str(saved.pk), "extra": "a: 1"})
    fields = fields_of(answer)
    assert (fields["param.samples"], fields["extra"]) == ("p", "")
    assert fields["run_name"] == "mine"
    assert not Launch.objects.exists()


def test_a_launch_is_edited_and_launched_again(client: Client) -> None:
    old = LaunchFactory.create(
        source=THREE, params={"samples": "o"}, labels=["x"], state=LaunchState.FAILED
    )
    fields = begin(client, **{"from": old.launch_id})
    assert fields["param.samples"] == "o"
    launch(client, fields | {"param.samples": "n"})
    row = Launch.objects.latest("pk")
    assert (row.parent, row.source, row.params) == (old, THREE, {"samples": "n"})
    assert row.launch_dir != old.launch_dir
    assert row.resumed_session == ""


def test_a_run_is_resumed_with_other_parameters(client: Client) -> None:
    old = LaunchFactory.create(
        source=THREE, params={"samples": "o"}, state=LaunchState.FAILED
    )
    fields = begin(client, resume=old.launch_id)
    launch(client, fields | {"param.samples": "n"})
    row = Launch.objects.latest("pk")
    assert (row.parent, row.params) == (old, {"samples": "n"})
    assert row.resumed_session == old.workflow.session_id
    assert (row.launch_dir, row.work_dir) == (old.launch_dir, old.work_dir)


def test_the_form_says_what_it_resumes_or_repeats(client: Client) -> None:
    old = LaunchFactory.create(source=THREE, state=LaunchState.FAILED)
    link = f'href="/admin/turret/launch/{old.pk}/change/">{old}</a>'
    for name, words in (("resume", "Resume"), ("from", "Launch again")):
        said = text_of(client.get(FORM, {name: old.launch_id}))
        assert f"{words}: " in said
        assert link in said


def test_a_run_of_a_shell_is_resumed_with_other_parameters(
    client: Client, tmp_path: Path
) -> None:
    place = tmp_path / "data" / "run"
    (place / ".nextflow").mkdir(parents=True)
    old = WorkflowFactory.create(
        status=Status.FAILED,
        session_id="6a3ca2a1-9f4b-4b0c-8d7e-3f6c1b2a9d10",
        launch_dir=str(place),
        work_dir=str(place / "work"),
        repository="",
        project_dir=THREE,
        params={"samples": "o", "lines": 4},
    )
    said = text_of(client.get(FORM, {"resume": old.workflow_id}))
    assert f'href="/admin/turret/workflow/{old.pk}/change/">{old}</a>' in said
    fields = begin(client, resume=old.workflow_id)
    assert (fields["param.samples"], fields["param.lines"]) == ("o", "4")
    launch(client, fields | {"param.samples": "n"})
    row = Launch.objects.get()
    assert (row.source, row.params) == (THREE, {"samples": "n", "lines": 4})
    assert row.resumed_session == old.session_id
    assert row.workflow.session_id == old.session_id
    assert (row.launch_dir, row.work_dir) == (old.launch_dir, old.work_dir)


@pytest.mark.parametrize("place", ["", "/elsewhere"])
def test_a_run_of_a_shell_elsewhere_is_not_resumed(client: Client, place: str) -> None:
    old = WorkflowFactory.create(
        status=Status.FAILED,
        session_id="6a3ca2a1-9f4b-4b0c-8d7e-3f6c1b2a9d10",
        launch_dir=place,
    )
    answer = client.get(FORM, {"resume": old.workflow_id}, follow=True)
    assert "can&#x27;t be resumed here" in text_of(answer)
    answer = client.get(FORM, {"resume": "nothing"}, follow=True)
    assert answer.status_code == 200


def test_what_a_saved_pipeline_offers_is_seen_and_can_be_taken_away(
    client: Client,
) -> None:
    saved = PipelineFactory.create(
        source=THREE, labels=["clinical", "rna"], max_run_time_s=7200, profile="test"
    )
    answer = client.get(FORM, {"pipeline": saved.pk})
    assert "Empty: test." in text_of(answer)
    assert "At most 2, as the saved pipeline says." in text_of(answer)
    fields = turn(client, fields_of(answer), "form")
    assert (fields["labels"], fields["hours"]) == ("clinical, rna", "2")
    launch(client, fields | {"labels": "rna", "hours": ""})
    row = Launch.objects.get()
    assert (row.labels, row.max_run_time_s) == (["rna"], 7200)
    # What was taken away does not come back with a relaunch.
    Launch.objects.update(state=LaunchState.FAILED)
    launch(client, begin(client, **{"from": row.launch_id}) | {"labels": ""})
    assert Launch.objects.latest("pk").labels == []


def test_labels_of_one_saved_pipeline_are_none_of_another_ones(
    client: Client,
) -> None:
    first = PipelineFactory.create(source=THREE, labels=["a"])
    second = PipelineFactory.create(source=THREE, labels=["b"])
    fields = begin(client, pipeline=str(first.pk))
    answer = client.post(FORM, fields | {"pipeline": str(second.pk)})
    assert fields_of(answer)["labels"] == "b"
    own = {"pipeline": str(second.pk), "labels": "mine"}
    assert fields_of(client.post(FORM, fields | own))["labels"] == "mine"


def test_what_still_runs_is_not_resumed(client: Client) -> None:
    old = LaunchFactory.create(source=THREE)
    answer = client.get(FORM, {"resume": old.launch_id}, follow=True)
    assert "only what has ended is resumed" in text_of(answer)


def test_it_is_linked_to_its_run_folder(client: Client) -> None:
    run = RunfolderFactory.create(name="230825_M04034_0043_L6NVV")
    launch(client, begin(client, pipeline=THREE) | {"run": run.name})
    assert Launch.objects.get().workflow.runfolder == run


def test_a_secret_that_was_not_shown_is_kept(client: Client) -> None:
    user = User.objects.get()
    user.groups.clear()
    user.user_permissions.set(
        Permission.objects.filter(codename__in=["launch_launch", "view_launch"])
    )
    saved = PipelineFactory.create(source=THREE, params={"api_token": "hunter2"})
    answer = client.get(FORM, {"pipeline": saved.pk})
    assert "hunter2" not in text_of(answer)
    fields = turn(client, fields_of(answer), "form")
    assert "hunter2" not in str(fields)
    launch(client, fields)
    assert Launch.objects.get().params == {"api_token": "hunter2"}


def test_the_command_is_shown_before_it_is_run(client: Client) -> None:
    fields = begin(client, pipeline=THREE, **{"param.samples": "x"})
    answer = client.post(FORM, fields | {"act": "preview"}, headers=HTMX)
    page = html.unescape(text_of(answer))
    assert f"\n    run {THREE}" in page
    assert "-params-file" in page
    assert '"samples": "x"' in page
    assert not Launch.objects.exists()


def test_each_compute_environment_is_offered_once(
    client: Client, settings: Settings
) -> None:
    host = settings.CONFIG.host
    local = ComputeFactory.create(name="local", host=host)
    other = ComputeFactory.create(name="other", is_configured=False)
    saved = PipelineFactory.create(source=THREE, compute=other)
    usual = text_of(client.get(FORM, {"pipeline": THREE}))
    assert ("this host (local)" in usual, "other (" in usual) == (True, True)
    assert f'<option value="{local.pk}"' not in usual
    before = LaunchFactory.create(source=THREE, pipeline=saved, compute=other)
    for query in ({"pipeline": str(saved.pk)}, {"from": before.launch_id}):
        page = text_of(client.get(FORM, query))
        assert "the pipeline&#x27;s: other" in page or "the pipeline's: other" in page
        assert f'<option value="{local.pk}"' in page
