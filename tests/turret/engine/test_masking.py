from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turret.engine.masking import MASKED, mask

SECRET = "hunter2"


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db_passwd",
        "DB_PASS",
        "clientSecret",
        "tower_access_token",
        "api_key",
        "apiKey",
        "API-KEY",
        "credentials",
        "privateKey",
        "access_key",
        "auth",
        "Authorization",
    ],
)
@pytest.mark.parametrize("value", [SECRET, 12345, {"a": SECRET}, [SECRET]])
def test_what_a_telling_key_holds_is_masked(key: str, value: Any) -> None:
    assert mask({"outer": [{key: value}]}) == {"outer": [{key: MASKED}]}


@pytest.mark.parametrize(
    "value",
    [
        {"author": "Ada", "authors": ["Ada"], "bypass": "yes"},
        {"use_token": True, "auth": False, "password": None, "secret": ""},
        {"input": "/data/seq/run1/SampleSheet.csv", "n": 3, "x": 1.5, "y": [None]},
        "nextflow run nf-core/demo -profile test --outdir out",
        "process.cpus = 4\nmanifest.author = 'Ada'\n",
        "error: the token has expired",
        "https://example.org/a:b@c",
        "tokens = []\npasswords {\n}\nx = 1",
        "use_token() {\n  echo ${tokens[0]}\n}",
    ],
)
def test_what_is_no_secret_stays(value: Any) -> None:
    assert mask(value) == value


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        # Lines of an environment.
        (f"A=1\nDB_PASSWORD={SECRET} x\nB=2", f"A=1\nDB_PASSWORD={MASKED}\nB=2"),
        (f"export API_TOKEN='{SECRET}'", f"export API_TOKEN={MASKED}"),
        # Configurations.
        (f"   secretKey = '{SECRET}'", f"   secretKey = {MASKED}"),
        (f"aws.accessKey = 'it\\'s {SECRET}'", f"aws.accessKey = {MASKED}"),
        (
            f"tower = [accessToken:'{SECRET}, x', endpoint:'y']",
            f"tower = [accessToken:{MASKED}, endpoint:'y']",
        ),
        (
            f"azure = [credentials: [id: '{SECRET}'], region: 'x']",
            f"azure = [credentials: {MASKED}, region: 'x']",
        ),
        (f'{{"password": "{SECRET}", "b": 1}}', f'{{"password": {MASKED}, "b": 1}}'),
        # Over several lines.
        (
            f"aws {{\n   credentials {{\n      id = '{SECRET}'\n   }}\n   x = 1\n}}",
            f"aws {{\n   credentials {MASKED}\n   x = 1\n}}",
        ),
        (
            f"azure = [credentials: [a: [b: 1],\n  key: '{SECRET}]'], region: 'x']",
            f"azure = [credentials: {MASKED}, region: 'x']",
        ),
        (
            f'{{\n "auth":\n {{\n  "x": "{SECRET}"\n }},\n "b": 1\n}}',
            f'{{\n "auth":\n {MASKED},\n "b": 1\n}}',
        ),
        (f"pass = '''a\n{SECRET}\n'''\nb = 1", f"pass = {MASKED}\nb = 1"),
        (f"secrets {{\n  a = '{SECRET}'\n", f"secrets {MASKED}"),
        (
            f"tool --password \\\n    {SECRET} \\\n    --b 1",
            f"tool --password \\\n    {MASKED} \\\n    --b 1",
        ),
        # Command lines and addresses.
        (
            f'curl -H "Authorization: Bearer {SECRET}" x',
            f'curl -H "Authorization: Bearer {MASKED}" x',
        ),
        (f"x(password => '{SECRET}', b)", f"x(password => {MASKED}, b)"),
        (f"https://host/x?sv=1&sig={SECRET}&y", f"https://host/x?sv=1&sig={MASKED}&y"),
        (f"batch [accountKey: '{SECRET}']", f"batch [accountKey: {MASKED}]"),
        (
            f"nextflow run x --db_token {SECRET} -r 1",
            f"nextflow run x --db_token {MASKED} -r 1",
        ),
        (
            f"nextflow run x --password='{SECRET} x'",
            f"nextflow run x --password={MASKED}",
        ),
        (f"https://me:{SECRET}@host/x", f"https://me:{MASKED}@host/x"),
        (f"https://host/x?token={SECRET}&y=1", f"https://host/x?token={MASKED}&y=1"),
        # Known by what they are.
        ("x = 'sqh_0123456789abcdef'", f"x = '{MASKED}'"),
        ("https://ghp_0123456789abcdefghij@host/x", f"https://{MASKED}@host/x"),
        ("x eyJ0aWQiOiA3fS4xMjM0NTY3ODkw.ab-c y", f"x {MASKED} y"),
        ("id AKIAIOSFODNN7EXAMPLE", f"id {MASKED}"),
        (
            "-----BEGIN PRIVATE KEY-----\nMII==\n-----END PRIVATE KEY-----\nx",
            f"{MASKED}\nx",
        ),
    ],
)
def test_secrets_in_a_text_are_masked(text: str, masked: str) -> None:
    assert mask(text) == masked
    assert mask({"a": [text]}) == {"a": [masked]}


def test_an_option_without_a_value_masks_no_other_option() -> None:
    assert mask("run x --token --outdir y") == "run x --token --outdir y"


def test_what_nobody_will_look_at_is_not_shown() -> None:
    deep: Any = "x"
    for _ in range(2_000):
        deep = [deep]
    assert MASKED in str(mask(deep))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(_JSON)
def test_masking_again_changes_nothing(value: Any) -> None:
    once = mask(value)
    assert mask(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "password",
        "-",
        "://",
        "token=",
        "-----BEGIN PRIVATE KEY-----",
        "--a",
        "'",
        "token={",
        "token {'\\'",
        "token='''",
        "--token \\\n",
        "eyJ",
        "token\n",
        ". token=> [x ",
        ". token=Bearer [",
    ],
)
def test_a_long_text_is_read_once(text: str) -> None:
    # Patterns that tried every beginning anew would take hours.
    mask(text * 300_000 + "token")


@pytest.mark.parametrize(
    "word", ["\u017fecret", "credent\u0131al", "To\u212aen", "S\u0130G"]
)
def test_letters_that_are_another_s_case_hide_nothing(word: str) -> None:
    assert SECRET not in mask(f"{word}={SECRET}")
