"""What a pipeline's files tell of it, and its parameters held against that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.turret.engine.pipelines.schemas import text_of
from turret.services.repositories import check_params, describe

CONFIG = """\
params.outdir = "${launchDir}/results"
params.input = null
includeConfig 'conf/sites.config'
profiles { test { includeConfig 'conf/test.config' } }
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    params = {name: {"type": "string"} for name in ("input", "outdir", "site")}
    files = {
        "nextflow_schema.json": text_of(params, required=tuple(params)),
        "nextflow.config": CONFIG,
        "conf/sites.config": "params { site = 'here' }\nprofiles { far { x = 1 } }\n",
        "conf/test.config": "params { input = 'test.csv' }\n",
    }
    for name, text in files.items():
        path = tmp_path / "pipeline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(tmp_path / "pipeline")


def test_included_files_count_as_if_they_stood_there(pipeline: str) -> None:
    found = describe(pipeline)
    assert found.profiles == ("far", "test")
    assert found.found == {"outdir": None, "input": None, "site": "here"}


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({}, {"input": "is required"}),
        ({"profile": "test"}, {}),
        ({"configs": ["params.input = computed('x')"]}, {}),
        ({"configs": ["params.input = null"]}, {"input": "is required"}),
        ({"has_more_config": True}, {}),
    ],
)
def test_what_the_configuration_sets_need_not_be_given(
    pipeline: str, more: dict[str, Any], wrong: dict[str, str]
) -> None:
    assert check_params(pipeline, "", {}, **more).wrong == wrong


def test_a_schema_that_can_not_be_used_refuses_nothing(pipeline: str) -> None:
    pattern = {"input": {"type": "string", "pattern": "^(a+)+$"}}
    Path(pipeline, "nextflow_schema.json").write_text(text_of(pattern))
    verdict = check_params(pipeline, "", {"input": "a" * 60 + "-"})
    assert verdict.wrong == {}
    assert "takes too long to check" in verdict.why_unchecked
