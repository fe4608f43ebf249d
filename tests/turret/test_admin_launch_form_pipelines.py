"""The launch form and what pipelines say of themselves."""

from __future__ import annotations

import html
import json
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from tests.staff import staff
from tests.turret.factories import ComputeFactory, PipelineFactory
from tests.turret.launch_forms import (
    FORM,
    HTMX,
    THREE,
    begin,
    fields_of,
    launch,
    launch_below,
    text_of,
    turn,
)
from turret.models import Launch
from turret.panels.launch_form import MOST_FIELDS, field_id

pytestmark = pytest.mark.django_db

RNASEQ = (
    Path(__file__).parents[1]
    / "data"
    / "schemas"
    / "nf-core-rnaseq.nextflow_schema.json"
)
REFS, BROWSE = f"{FORM}refs/", f"{FORM}browse/"


@pytest.fixture
def data(settings: Settings, tmp_path: Path) -> Path:
    """The directory that may be browsed."""
    return launch_below(settings, tmp_path)


@pytest.fixture
def client(data: Path) -> Client:
    return staff("operator")


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    """An empty one."""
    made = tmp_path / "pipeline"
    made.mkdir()
    (made / "main.nf").write_text("println 1\n")
    return made


def schema(pipeline: Path, properties: object, **more: object) -> None:
    document = {"type": "object", "properties": properties, **more}
    (pipeline / "nextflow_schema.json").write_text(json.dumps(document))


def test_a_large_schema_takes_as_few_queries_as_a_small_one(
    client: Client,
    pipeline: Path,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    (pipeline / "nextflow_schema.json").write_text(RNASEQ.read_text())
    for number in range(20):
        PipelineFactory.create()
        ComputeFactory.create(name=f"compute {number}")
    for source in (THREE, str(pipeline)):
        fields = fields_of(client.get(FORM, {"pipeline": source}))
        with django_assert_num_queries(7):
            answer = client.post(FORM, fields | {"act": "form"})
        assert answer.status_code == 200


def test_groups_come_in_their_order_and_required_ones_first(
    client: Client, pipeline: Path
) -> None:
    group = {
        "title": "First things",
        "properties": {"b": {"type": "string"}, "a": {"type": "string"}},
        "required": ["a"],
    }
    last = {"title": "Last", "properties": {"z": {"type": "string", "hidden": True}}}
    order = [{"$ref": "#/$defs/one"}, {"$ref": "#/$defs/two"}]
    schema(pipeline, {}, **{"$defs": {"two": last, "one": group}, "allOf": order})
    fields = fields_of(client.get(FORM, {"pipeline": str(pipeline)}))
    page = text_of(client.post(FORM, fields | {"act": "form"}))
    places = [page.index(f'id="{field_id(key)}-field"') for key in "abz"]
    assert places == sorted(places)
    assert page.index("First things") < page.index("<h3>Last</h3>")
    assert "Show 1 hidden parameter<" in page


def test_each_parameter_gets_the_field_that_fits(
    client: Client, pipeline: Path
) -> None:
    schema(
        pipeline,
        {
            "aligner": {"type": "string", "enum": ["star", "bwa"], "default": "bwa"},
            "skip": {"type": "boolean", "default": True},
            "limit": {"type": "number", "minimum": 0},
            "many": {"type": "array", "default": [1, 2]},
            "reads": {"type": "string", "format": "file-path"},
            "dotted.key [x]": {"type": "string"},
        },
    )
    fields = begin(client, pipeline=str(pipeline))
    assert fields["param.aligner"] == "bwa"
    assert fields["param.skip"] == "true"
    assert fields["param.many"] == "[1, 2]"
    launch(
        client,
        fields
        | {
            "param.aligner": "star",
            "param.skip": "false",
            "param.limit": "1.5",
            "param.many": "[3]",
            "param.dotted.key [x]": "v",
        },
    )
    assert Launch.objects.get().params == {
        "aligner": "star",
        "skip": False,
        "limit": 1.5,
        "many": [3],
        "dotted.key [x]": "v",
    }


def test_what_nobody_touched_is_not_sent(client: Client, pipeline: Path) -> None:
    (pipeline / "nextflow_schema.json").write_text(RNASEQ.read_text())
    fields = begin(client, pipeline=str(pipeline))
    given = {"input": "https://example.org/s.csv", "outdir": "out"}
    launch(client, fields | {f"param.{key}": text for key, text in given.items()})
    assert Launch.objects.get().params == given


def test_markup_in_a_schema_is_text(client: Client, pipeline: Path) -> None:
    bad = "<script>alert(1)</script>"
    schema(
        pipeline,
        {f'x"{bad}': {"description": bad, "help_text": f'[a]("{bad})', "default": bad}},
        title=bad,
    )
    fields = fields_of(client.get(FORM, {"pipeline": str(pipeline)}))
    answer = client.post(FORM, fields | {"act": "form"})
    assert bad not in text_of(answer)
    assert fields_of(answer)[f'param.x"{bad}'] == bad


def test_a_schema_that_is_broken_leaves_yaml(client: Client, pipeline: Path) -> None:
    (pipeline / "nextflow_schema.json").write_text("{")
    fields = fields_of(client.get(FORM, {"pipeline": str(pipeline)}))
    answer = client.post(FORM, fields | {"act": "form"})
    assert "schema can't be used" in text_of(answer)
    fields = fields_of(answer)
    assert fields["view"] == "yaml"
    launch(client, fields | {"yaml": "a: 1"})
    assert Launch.objects.get().params == {"a": 1}


def test_without_a_schema_what_stands_in_its_files_is_offered(
    client: Client, pipeline: Path
) -> None:
    config = "params { reads = 'a.fq'\n cutoff = 5\n nothing = null\n skip = false }\n"
    (pipeline / "nextflow.config").write_text(config)
    fields = begin(client, pipeline=str(pipeline))
    assert (fields["param.reads"], fields["param.cutoff"]) == ("a.fq", "5")
    launch(client, fields | {"param.cutoff": "6", "param.nothing": "7"})
    assert Launch.objects.get().params == {"cutoff": 6, "nothing": 7}


def test_more_parameters_than_a_form_can_hold_are_written(
    client: Client, pipeline: Path
) -> None:
    schema(pipeline, {f"p{n}": {"type": "string"} for n in range(MOST_FIELDS + 1)})
    fields = begin(client, pipeline=str(pipeline))
    assert fields["view"] == "yaml"
    launch(client, fields | {"yaml": "p1: x"})
    assert Launch.objects.get().params == {"p1": "x"}


def test_a_form_of_switches_alone_can_be_sent(client: Client, pipeline: Path) -> None:
    on = {"type": "boolean", "default": True}
    schema(pipeline, {f"p{n}": on for n in range(MOST_FIELDS)})
    answer = client.get(FORM, {"pipeline": str(pipeline)})
    answer = client.post(FORM, fields_of(answer) | {"act": "form"})
    # As a browser does: what is on is sent besides what stands for off.
    sent = [(name, value) for name, value in fields_of(answer).items()]
    sent += [(f"param.p{n}", "false") for n in range(MOST_FIELDS)]
    body = urlencode([*sent, ("act", "launch")])
    kind = "application/x-www-form-urlencoded"
    assert client.post(FORM, body, content_type=kind).status_code == 302
    assert Launch.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"yaml": f"a: {'x' * 3_000_000}"},
        {f"param.p{number}": "x" for number in range(1_100)},
    ],
    ids=["long", "many"],
)
def test_more_than_can_be_sent_is_refused_in_words(
    client: Client, pipeline: Path, fields: dict[str, str]
) -> None:
    more = {"source": str(pipeline), "view": "yaml", "act": "launch"}
    answer = client.post(FORM, fields | more)
    assert answer.status_code == 413
    assert "nothing was done" in text_of(answer)
    assert not Launch.objects.exists()


def test_long_parameters_are_refused_at_their_box_and_kept(
    client: Client, pipeline: Path
) -> None:
    fields = begin(client, pipeline=str(pipeline))
    text = f"a: {'x' * 600_000}"
    answer = launch(client, fields | {"view": "yaml", "yaml": text})
    assert "more than 500,000 bytes" in text_of(answer)
    assert fields_of(answer)["yaml"] == text


def test_a_repository_that_can_not_be_read_does_not_stop_a_launch(
    client: Client, tmp_path: Path
) -> None:
    source = f"file://{tmp_path}/nowhere"
    fields = fields_of(client.get(FORM, {"pipeline": source, "param.a": "1"}))
    answer = client.post(FORM, fields | {"act": "form"})
    assert "can't be read" in text_of(answer)
    fields = fields_of(answer)
    assert fields["yaml"] == "a: 1\n"
    launch(client, fields)
    assert Launch.objects.get().params == {"a": 1}


def test_a_form_that_lost_its_schema_does_not_launch_without_its_values(
    client: Client, pipeline: Path
) -> None:
    schema(pipeline, {"a": {"type": "integer"}, "b": {"type": "string"}})
    fields = begin(client, pipeline=str(pipeline)) | {"param.a": "5", "extra": "c: 1"}
    (pipeline / "nextflow_schema.json").unlink()
    answer = launch(client, fields)
    assert not Launch.objects.exists()
    assert "can't be had any longer" in html.unescape(text_of(answer))
    fields = fields_of(answer)
    assert (fields["view"], fields["yaml"]) == ("yaml", "c: 1\na: 5\n")
    launch(client, fields)
    assert Launch.objects.get().params == {"a": 5, "c": 1}


def test_branches_and_tags_are_listed(client: Client, pipeline: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(pipeline), *who, *words]
        subprocess.run(command, check=True, capture_output=True)

    git("init", "--initial-branch", "trunk")
    git("add", ".")
    git("commit", "-m", "first")
    git("tag", "1.0")
    page = text_of(client.get(REFS, {"source": f"file://{pipeline}"}))
    assert '<option value="1.0">' in page
    assert "Empty: trunk." in page
    page = text_of(client.get(REFS, {"source": "-x"}))
    assert "can&#x27;t be listed" in page or "can't be listed" in page


def test_profiles_are_named(client: Client) -> None:
    fields = fields_of(client.get(FORM, {"pipeline": THREE}))
    page = text_of(client.post(FORM, fields | {"act": "form"}))
    assert 'data-profile="test"' in page


def test_the_host_is_browsed_below_its_roots_only(client: Client, data: Path) -> None:
    (data / "runs").mkdir()
    (data / "sheet.csv").write_text("a")
    (data / ".hidden").write_text("a")
    page = text_of(client.get(BROWSE, headers=HTMX))
    assert f'data-pick="{data}/sheet.csv"' in page
    assert "runs" in page
    assert ".hidden" not in page
    # The directory of what the field holds, also if that is not there yet.
    for path in (f"{data}/sheet.csv", f"{data}/new"):
        page = text_of(client.get(BROWSE, {"path": path}, headers=HTMX))
        assert f'data-pick="{data}/sheet.csv"' in page
    for path in ("/etc", f"{data}/../secret", f"{data}\0"):
        page = text_of(client.get(BROWSE, {"path": path}, headers=HTMX))
        assert "data-pick" not in page
        assert "field-error" in page


@pytest.mark.parametrize("address", [REFS, BROWSE])
def test_who_may_not_launch_sees_nothing_of_the_host(address: str) -> None:
    assert staff("viewer").get(address).status_code == 403


def upload(
    client: Client, fields: dict[str, str], act: str, name: str, text: str, file: str
) -> str:
    sent = SimpleUploadedFile(file, text.encode())
    answer = client.post(FORM, fields | {"act": act, name: sent})
    fields.clear()
    fields.update(fields_of(answer))
    return text_of(answer)


def test_a_file_of_parameters_fills_the_form(client: Client) -> None:
    fields = begin(client, pipeline=THREE, **{"param.lines": "3"})
    page = upload(
        client, fields, "file", "params_file", "samples: x\nother: [1]\n", "p.yaml"
    )
    assert "2 values taken from p.yaml" in page
    assert (fields["param.samples"], fields["param.lines"]) == ("x", "3")
    assert "other" in fields["extra"]
    page = upload(client, fields, "file", "params_file", "{", "p.json")
    assert "p.json is not JSON" in page
    assert fields["param.samples"] == "x"


def test_a_sheet_is_checked_then_kept_and_named(client: Client, data: Path) -> None:
    fields = begin(client, pipeline=THREE)
    name = "sheet.input"
    page = upload(client, fields, "sheet:input", name, "wrong,header\n1,2\n", "s.csv")
    assert "field-error" in page
    assert list(data.iterdir()) == []
    page = upload(client, fields, "sheet:input", name, "sample\na\n", "s.csv")
    assert (data / "s.csv").read_text() == "sample\na\n"
    assert fields["param.input"] == f"{data}/s.csv"
    fields["sheet_directory"] = "/etc"
    upload(client, fields, "sheet:input", name, "sample\na\n", "s.csv")
    assert turn(client, fields, "form")["param.input"] == f"{data}/s.csv"
