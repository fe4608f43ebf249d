"""`manage.py launch`, `cancel` and `launches`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.archiving.commands.shell import call
from tests.nextflow.runs import PIPELINES
from tests.turret.factories import PipelineFactory
from tests.turret.launching.site import Site, end
from turret.choices import LaunchState
from turret.models import Launch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def user(site: Site) -> str:
    """Who launches: no administrator is needed."""
    return site.user.username


def launch(*words: object, user: str) -> Launch:
    answer = call("launch", PIPELINES / "three", "--user", user, *words)
    assert answer.code == 0, answer.err
    return Launch.objects.get(workflow__workflow_id=answer.out.strip())


def test_a_launch_has_the_parameters_of_a_file_and_more(
    tmp_path: Path, user: str
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("samples: a\nlines: 3\n")
    words = ["--params-file", file, "--param", "lines=4", "--param", "title=a=b"]
    row = launch(*words, "--name", "mine", user=user)
    assert row.params == {"samples": "a", "lines": 4, "title": "a=b"}
    assert (row.run_name, row.state) == ("mine", LaunchState.PENDING)


def test_a_dry_run_shows_all_and_starts_nothing(user: str) -> None:
    words = ["--param", "db_password=hidden", "--dry-run", "--user", user]
    answer = call("launch", PIPELINES / "three", *words)
    assert answer.code == 0
    assert "-params-file" in answer.out
    assert "PATH" in answer.out
    assert "launch.sh" in answer.out
    assert "hidden" not in answer.out
    assert not Launch.objects.exists()


def test_a_saved_pipeline_is_launched_by_its_name(user: str) -> None:
    saved = PipelineFactory.create(source=str(PIPELINES / "three"), params={"lines": 5})
    answer = call("launch", saved.name, "--saved", "--user", user)
    assert answer.code == 0, answer.err
    row = Launch.objects.get()
    assert (row.pipeline, row.params) == (saved, {"lines": 5})


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["-x/y"], 1, "PIPELINE"),
        (["not a pipeline"], 1, "source: "),
        (["org/repo", "--revision", "a b"], 1, "revision: "),
        (["org/repo", "--compute", "none"], 2, "none"),
        (["none", "--saved"], 2, "none"),
        (["org/repo", "--param", "x"], 2, "KEY=VALUE"),
        (["/data/\udcff"], 2, "pipeline holds half a character"),
        (["org/repo", "--compute", "\udcff"], 2, "compute holds half a character"),
        (["/data", "--param", "\udcff=1"], 1, "params: "),
        (["org/repo", "--params-file", "/nowhere.json"], 2, "nowhere.json"),
    ],
)
def test_what_is_wrong_is_told(
    user: str, words: list[str], code: int, said: str
) -> None:
    answer = call("launch", *words, "--user", user)
    assert answer.code == code
    assert said in answer.err
    assert not Launch.objects.exists()


def test_parameters_are_held_against_the_schema(tmp_path: Path, user: str) -> None:
    schema = {"properties": {"lines": {"type": "integer"}}}
    (tmp_path / "nextflow_schema.json").write_text(json.dumps(schema))
    for words in ([], ["--dry-run"]):
        given = ["--user", user, "--param", "lines=many", *words]
        answer = call("launch", tmp_path, *given)
        assert answer.code == 1
        assert "params.lines: must be a whole number" in answer.err


def test_launches_are_cancelled_and_listed(user: str) -> None:
    first, second = launch(user=user), launch(user=user)
    answer = call("cancel", first.launch_id, "--reason", "Wrong.")
    assert (answer.code, answer.out.split()) == (0, [first.launch_id, "cancelled"])
    listed = call("launches").out.splitlines()[1:]
    assert [line.split("\t")[0] for line in listed] == [second.launch_id]
    assert len(call("launches", "--all").out.splitlines()) == 3
    again = call("cancel", first.launch_id, "nothing")
    assert again.code == 1
    assert "cancelled" in again.err


def test_to_reconcile_starts_and_ends_them(user: str) -> None:
    row = launch("--param", "sleep=0", "--param", "exit=0", user=user)
    assert call("launches", "--reconcile").code == 0
    end(row)
    assert row.state == LaunchState.SUCCEEDED
