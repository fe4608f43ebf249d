from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turret.engine.pipelines.scan import (
    LONGEST_TEXT,
    MOST_INCLUDES,
    manifest_of,
    params_of,
    profiles_of,
    set_params_of,
    with_includes,
)

PIPELINES = Path(__file__).resolve().parents[3] / "data" / "pipelines"
# In the manner of nf-core.
CONFIG = r"""
// Global default params, { not a block
params {
    // Input options
    input                      = null
    "quoted name"              = 'x'
    outdir                     = './results' // where
    text                       = 'it\'s {here}'
    long_text                  = '''two
lines }'''
    max_memory                 = 128.GB
    share                      = 0.5
    negative                   = -3
    skip                       = false
    computed                   = "${projectDir}/x"
    plain                      = "plain"
    tools                      = ['a', 'b', 3]
    map                        = [a: 1]
    either                     = System.getenv('X') ?: 'y'
    genomes {
        hg38 { fasta = 's3://x' }
    }
    nested.dotted = 1
    a = 1; b = 2
}
params.late = "it's late"
/* profiles { hidden { } } */
includeConfig 'conf/base.config'

try {
    includeConfig "${params.custom_config_base}/nfcore_custom.config"
} catch (Exception e) {
    System.err.println("WARNING: { could not load")
}

profiles {
    debug {
        dumpHashes              = true
        process.beforeScript    = 'echo $HOSTNAME }'
        cleanup                 = false
    }
    'with-dash' { conda.enabled = true }
    "docker"    {
        docker.enabled = true
        process { withName: 'A' { cpus = 1 } }
    }
    test      { includeConfig 'conf/test.config' }
    small     { params.input = 'a.csv'
                params { outdir = 'here' } }
    includeConfig 'conf/more.config'
}
profiles.dotted.docker.enabled = true

env {
    PYTHONNOUSERSITE = 1
}
def check_max(obj, type) {
    if (type == 'memory') {
        try { return obj } catch (all) { println "x ${params.x} = 1"; return obj }
    }
}
manifest {
    name            = 'nf-core/rnaseq'
    author          = "Me"
    description     = "RNA \"seq\""
    nextflowVersion = '!>=24.04.2'
    doi             = ''
    contributors    = [ [ name: 'A' ] ]
}
manifest.version = '3.1'
"""


def test_profiles_are_found_in_their_order() -> None:
    assert profiles_of(CONFIG) == [
        "debug",
        "with-dash",
        "docker",
        "test",
        "small",
        "dotted",
    ]


def test_parameters_of_a_configuration_are_found() -> None:
    assert params_of(CONFIG) == {
        "input": None,
        "quoted name": "x",
        "outdir": "./results",
        "text": "it's {here}",
        "long_text": "two\nlines }",
        "max_memory": None,
        "share": 0.5,
        "negative": -3,
        "skip": False,
        "computed": None,
        "plain": "plain",
        "tools": ["a", "b", 3],
        "map": None,
        "either": None,
        "genomes.hg38.fasta": "s3://x",
        "nested.dotted": 1,
        "a": 1,
        "b": 2,
        "late": "it's late",
    }


def test_parameters_of_a_script_are_found() -> None:
    script = """
#!/usr/bin/env nextflow
params.reads = "$baseDir/data/*_{1,2}.fq"
params.outdir = 'results'
if (params.reads == 'x') { error "params.no = 1" }
process FOO {
    input: path x
    script:
    \"\"\"
    params.not_this = 1
    \"\"\"
}
workflow { FOO(params.reads); params.in_a_block = 2 }
"""
    assert params_of(script) == {"reads": None, "outdir": "results"}


def test_typed_parameters_of_a_script_are_found() -> None:
    script = "params {\n  input: Path = 'a.csv'\n  n: Integer = 3\n}"
    assert params_of(script) == {"input": "a.csv", "n": 3}


def test_the_manifest_is_found() -> None:
    assert manifest_of(CONFIG) == {
        "name": "nf-core/rnaseq",
        "author": "Me",
        "description": 'RNA "seq"',
        "nextflowVersion": "!>=24.04.2",
        "doi": "",
        "version": "3.1",
    }


def test_what_profiles_set_is_found() -> None:
    alone = set_params_of(CONFIG)
    assert set_params_of(CONFIG, "docker, small") == alone | {"input", "outdir"}


def test_a_computed_value_is_one() -> None:
    text = "params { a = null\n b = \"${x}/y\"\n c = file('z')\n d = [1, null] }"
    assert set_params_of(text) == {"b", "c", "d"}
    assert params_of(text) == dict.fromkeys("abcd")


FILES = {
    "conf/base.config": "params.base = 1\nincludeConfig 'more/inner.config'",
    "conf/more/inner.config": "params { inner = 2 }\nincludeConfig '../base.config'",
    "conf/profiles.config": "profiles { test { params.input = 'x' } }",
    "conf/test.config": "params { input = 'y' }",
}


@pytest.mark.parametrize(
    ("text", "params", "profiles", "of_profile"),
    [
        ("includeConfig 'conf/base.config'", {"base": 1, "inner": 2}, [], set()),
        ("includeConfig('./conf/base.config')", {"base": 1, "inner": 2}, [], set()),
        ("includeConfig 'conf/profiles.config'", {}, ["test"], {"input"}),
        (
            "profiles {\n test { includeConfig 'conf/test.config' }\n b { x = 1 }\n}",
            {},
            ["test", "b"],
            {"input"},
        ),
        ("includeConfig 'nothing.config'\nparams.a = 1", {"a": 1}, [], set()),
        ('includeConfig "${x}/a.config"\nparams.a = 1', {"a": 1}, [], set()),
        ("includeConfig 'https://x/a.config'\nparams.a = 1", {"a": 1}, [], set()),
        ("// includeConfig 'conf/base.config'\nparams.a = 1", {"a": 1}, [], set()),
        ("params.base = 0\nincludeConfig 'conf/base.config'", None, [], set()),
    ],
)
def test_what_is_included_stands_in_its_place(
    text: str,
    params: dict[str, Any] | None,
    profiles: list[str],
    of_profile: set[str],
) -> None:
    whole = with_includes(text, lambda names: {name: FILES.get(name) for name in names})
    assert params_of(whole) == ({"base": 1, "inner": 2} if params is None else params)
    assert profiles_of(whole) == profiles
    assert set_params_of(whole, "test") - set_params_of(whole) == of_profile


def test_includes_without_an_end_are_cut() -> None:
    files = {
        f"{n}": "".join(f"includeConfig '{m}'\n" for m in range(99)) for n in range(99)
    }
    asked: list[str] = []

    def read(names: Sequence[str]) -> dict[str, str | None]:
        asked.extend(names)
        return {name: files.get(name, "x" * 99_000) for name in names}

    whole = with_includes(files["0"], read)
    assert len(whole) <= LONGEST_TEXT
    assert len(asked) == MOST_INCLUDES


@pytest.mark.parametrize(
    ("pipeline", "profiles", "params"),
    [
        (
            "three",
            ["test", "slurm"],
            {"input": None, "samples": "a,b,c", "lines": 10, "outdir": "results"},
        ),
    ],
)
def test_a_pipeline_that_runs_is_understood(
    pipeline: str, profiles: list[str], params: dict[str, Any]
) -> None:
    text = (PIPELINES / pipeline / "nextflow.config").read_text()
    assert profiles_of(text) == profiles
    assert params_of(text) == params
    assert manifest_of(text)["mainScript"] == "main.nf"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "}}}}",
        "params {",
        "params.x",
        "params.x =",
        "params = {",
        "params.x = }",
        "'",
        '"""',
        "/*",
        "params { 'a': }",
        "\0\ufffd",
        "params.x = [1, 2",
        "params.x = (1))\nparams.y",
    ],
)
def test_broken_texts_have_little_in_them(text: str) -> None:
    assert profiles_of(text) == []
    assert set(params_of(text)) <= {"x"}
    assert manifest_of(text) == {}


@pytest.mark.parametrize(
    "part",
    [
        "{",
        "a{",
        "params{",
        "/*",
        "'''",
        '"""',
        "'",
        "\\",
        "a.",
        "a=",
        "[",
        "=(",
        "1",
        "-",
    ],
)
def test_a_long_text_of_one_thing_ends(part: str) -> None:
    # Quadratic work would take hours.
    text = part * (2_000_000 // len(part))
    assert profiles_of(text) == []
    assert len(params_of(text)) <= 1


def test_the_number_of_parameters_is_bounded() -> None:
    lines = (f"params.p{number} = {number}\n" for number in range(10_000))
    assert len(params_of("".join(lines))) == 2_000


PARTS = st.sampled_from(
    [
        *(
            "params",
            "profiles",
            "manifest",
            "{",
            "}",
            "[",
            "]",
            "(",
            ")",
            "=",
            ".",
            ",",
        ),
        *(":", ";", "\n", "'", '"', "\\", "$", "//", "/*", "*/", "a", "1", "-", "true"),
    ]
)


@settings(deadline=None)
@given(st.lists(PARTS | st.text()).map("".join))
def test_any_text_is_looked_through(text: str) -> None:
    profiles = profiles_of(text)
    assert len(set(profiles)) == len(profiles)
    assert isinstance(params_of(text), dict)
    assert isinstance(manifest_of(text), dict)
    assert isinstance(set_params_of(text, "a"), set)
    files = {"a": text, "1": text}
    read = lambda names: {name: files.get(name) for name in names}  # noqa: E731
    assert isinstance(with_includes(text, read), str)
