"""Bodies from bytes to JSON that PostgreSQL takes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.turret.engine.java import received, written
from tests.turret.engine.recorded import everything, last, sent
from turret.engine.body import BadBody, parse, shed

NUL, HIGH, LOW = "\0", "\ud83d", "\ude00"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters() | st.sampled_from(["\0", "\ud83d", "\ude00", '"', "\\"])),
)
documents = st.recursive(
    scalars,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=5), below)
    ),
    max_leaves=20,
)


def leaves(value: Any) -> Iterator[Any]:
    """All keys and single values."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def is_clean(value: Any) -> bool:
    """Whether PostgreSQL takes it as jsonb, and clients take it as JSON again."""
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return not any(isinstance(leaf, str) and NUL in leaf for leaf in leaves(value))


def test_what_nextflow_sent_stays_as_it_is() -> None:
    odd = sent("cut") + sent("odd-finite")
    usual = [call for call in everything() if call not in odd]
    assert len(usual) > 400
    for call in usual:
        assert parse(json.dumps(call.body).encode()) == call.body


@pytest.mark.parametrize(
    # The one has halves of characters at its cuts, the other U+0000.
    ("name", "verb"),
    [("cut", "progress"), ("odd-finite", "complete")],
)
def test_what_no_database_takes_goes_from_real_bodies(name: str, verb: str) -> None:
    body = last(name, verb)
    parsed = parse(json.dumps(body).encode())
    assert parsed != body
    assert parsed.keys() == body.keys()
    assert is_clean(parsed)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"x":', "no JSON"),
        (b"[1, 2]", "no JSON object"),
        (b'"text"', "no JSON object"),
        (b"null", "no JSON object"),
        (b"<html></html>", "no JSON"),
        (b'{"a": 1} {"b": 2}', "no JSON"),
        (b'{"a": "never ended', "no JSON"),
        (b'{"a": "never ended\\', "no JSON"),
        (b'{"a": "\x00"}', "no JSON"),
        ('{"a": 1}'.encode("utf-16"), "no JSON"),
        (b'{"a":' + b"[" * 100_000, "deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "deep"),
        (b'{"a": 1' + b"0" * 5000 + b"}", "too long"),
        (b'{"a":,"b": 1' + b"0" * 5000 + b"}", "no JSON"),
    ],
)
def test_it_refuses_what_is_no_object(raw: bytes, why: str) -> None:
    with pytest.raises(BadBody, match=why) as refusal:
        parse(raw)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"params":{"a":,"b":1}}', {"params": {"a": None, "b": 1}}),
        (b'{"a": , "b": [ , 1,, 2, ] }', {"a": None, "b": [None, 1, None, 2, None]}),
        (b'{"a":}', {"a": None}),
        (b'{"a":1,}', {"a": 1}),
        (b'{"a":1,,"b":2}', {"a": 1, "b": 2}),
        (b'{"p":{"a":1,,"b":2}', {"p": {"a": 1}, "b": 2}),
        (b'{"w":{"p":{"a":1,},"i":3}', {"w": {"p": {"a": 1}}, "i": 3}),
        (b'{"w":{"p":{,"q":1},"i":3}', {"w": {"p": {}, "q": 1}, "i": 3}),
        (b'{"l":[{"a":1,,{"b":2}],"c":3}', {"l": [{"a": 1}, {"b": 2}], "c": 3}),
        (b'{"a":"x:,}\\",,","b":,"c":{},"d":[]}', None),
    ],
)
def test_it_repairs_what_nextflow_leaves_out(
    raw: bytes, value: dict[str, Any] | None
) -> None:
    expected = value or {"a": 'x:,}",,', "b": None, "c": {}, "d": []}
    assert parse(raw) == expected


def ambiguous(value: Any) -> bool:
    """Whether the last of an object is one whose first key is null: what is left of
    that looks like an empty object."""
    if isinstance(value, list):
        return any(map(ambiguous, value))
    if not isinstance(value, dict):
        return False
    cut = value.items() if None not in value else list(value.items())[:-1]
    last = list(value.values())[-1] if value and None not in value else None
    return (isinstance(last, dict) and next(iter(last), "") is None) or any(
        ambiguous(item) for _, item in cut
    )


@st.composite
def with_null_keys(draw: st.DrawFn, below: st.SearchStrategy[Any]) -> dict[Any, Any]:
    """An object; a null key comes last, as nothing after it is ever sent."""
    value: dict[Any, Any] = draw(
        st.dictionaries(st.text(max_size=3), below, max_size=3)
    )
    return {**value, None: 1} if draw(st.booleans()) else value


java_values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=3) | with_null_keys(below),
    max_leaves=12,
)


@settings(deadline=None)
@given(params=java_values, after=scalars)
@example(params=[{"a": {"b": 1, None: 1}, None: 1}, math.nan], after=math.inf)
def test_it_knows_all_that_was_sent(params: Any, after: Any) -> None:
    body = {"workflow": {"params": params, "success": after}, "instant": 5}
    assume(not ambiguous(body))
    text = written(body)
    assert parse(text.encode()) == parse(json.dumps(received(body)).encode())


@pytest.mark.parametrize(
    ("escaped", "kept"),
    [
        (NUL, ""),
        (f"a{NUL}b", "ab"),
        (HIGH, "\ufffd"),
        (LOW, "\ufffd"),
        (f"x{LOW}{HIGH}y", "x\ufffd\ufffdy"),
        (f"{HIGH}\\u0000", "\ufffd\\u0000"),
        # A backslash and letters, not a high half.
        (f"\\ud83d{LOW}", "\\ud83d\ufffd"),
        (f"😀{HIGH}", "😀\ufffd"),
        (f"😀{LOW}😀", "😀\ufffd😀"),
        ("\\u0000 \\ud83d", "\\u0000 \\ud83d"),
        ("😀😀 中文 שלום é\n\t\x01", "😀😀 中文 שלום é\n\t\x01"),
    ],
)
def test_strings_become_fit_for_a_database(escaped: str, kept: str) -> None:
    raw = json.dumps({"workflow": {"params": {escaped: [escaped, {"k": escaped}]}}})
    body = parse(raw.encode())
    assert body == {"workflow": {"params": {kept: [kept, {"k": kept}]}}}
    assert is_clean(body)


def test_escapes_in_capitals_are_read_alike() -> None:
    raw = rb'{"a": "\uD83D\uDE00", "b": "\uD83D", "c": "\uDE00", "d": "\uD83D\uDe00"}'
    assert parse(raw) == {"a": "😀", "b": "\ufffd", "c": "\ufffd", "d": "😀"}


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    raw = b'\xef\xbb\xbf{"a": "\xff", "b": "\xed\xa0\xbd", "c": "\xf0\x9f\x98\x80"}'
    body = parse(raw)
    assert body["a"] == "\ufffd"
    assert set(body["b"]) == {"\ufffd"}
    assert body["c"] == "😀"


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 400 + ".5"]
)
def test_numbers_that_are_not_finite_are_none(number: str) -> None:
    raw = f'{{"params": {{"a": {number}, "b": [1.5, {number}]}}, "instant": 5}}'
    body = parse(raw.encode())
    assert body == {"params": {"a": None, "b": [1.5, None]}, "instant": 5}


def test_integers_of_any_size_stay() -> None:
    assert parse(json.dumps({"a": 10**400, "b": -(2**63) - 1}).encode()) == {
        "a": 10**400,
        "b": -(2**63) - 1,
    }


@settings(deadline=None)
@given(documents)
def test_whatever_is_read_is_clean(document: Any) -> None:
    assert is_clean(parse(json.dumps({"a": document}).encode()))
    raw = json.dumps({"a": document}, ensure_ascii=False)
    assert is_clean(parse(raw.encode("utf-8", "surrogatepass")))


@settings(deadline=None)
@given(st.data())
def test_broken_bodies_are_refused_or_read(data: st.DataObject) -> None:
    call = data.draw(st.sampled_from(everything()))
    raw = json.dumps(call.body).encode()
    place = data.draw(st.integers(0, len(raw)))
    other = data.draw(
        st.sampled_from([b"", b",", b":", b'"', b"\\", b"{", b"}", b"[", b"]", b"\0"])
        | st.binary(max_size=4)
    )
    width = data.draw(st.integers(0, 5) | st.just(len(raw)))
    try:
        body = parse(raw[:place] + other + raw[place + width :])
    except BadBody:
        return
    assert is_clean(body)


@settings(deadline=None)
@given(st.sampled_from(everything()), st.floats(0, 1, exclude_max=True))
def test_truncated_bodies_are_refused(call: Any, part: float) -> None:
    raw = json.dumps(call.body).encode()
    with pytest.raises(BadBody):
        parse(raw[: int(part * len(raw))])


@pytest.mark.parametrize(
    "rest",
    [
        # Looked through from each quote on, this would take hours.
        b'"' + b'\\"' * 2_000_000,
        b"," * 2_000_000,
        b"[" * 2_000_000,
        b"{," * 2_000_000,
    ],
)
def test_large_broken_bodies_are_refused_soon(rest: bytes) -> None:
    with pytest.raises(BadBody):
        parse(b'{"a":,"b":' + rest)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":[' + b"[]," * 2_000_000 + b"[]]}",
        b'{"a":[' + b'{"b":1},' * 2_000_000 + b"[]]}",
        b'{"a":,"b":[' + b"1," * 1_000_000 + b"1]}",
        b'{"a":,"b":[' + b'"c",' * 1_000_000 + b"1]}",
    ],
)
def test_what_would_hold_a_thread_for_long_is_refused(raw: bytes) -> None:
    """64 MiB of them took up to 49 s."""
    with pytest.raises(BadBody):
        parse(raw)


def test_many_numbers_that_are_not_finite_are_read() -> None:
    params = [math.nan] * 50_000
    body = {"workflow": {"params": {"scores": params}}}
    assert parse(written(body).encode()) == received(body)


def test_heavy_fields_are_cut_and_named() -> None:
    heavy = "x" * (9 << 20)
    body: dict[str, Any] = {
        "workflow": {
            "runName": "mad_curie",
            "configText": heavy,
            "params": {"a": heavy},
            "errorReport": "short",
            "stats": {"succeededCount": 2},
        },
        "dag": {"vertices": [heavy, heavy]},
        "metrics": [{"process": heavy}],
        "tasks": [{"taskId": 1, "script": heavy, "env": "A=1"}, "odd", {"taskId": 2}],
        "progress": {"succeeded": 2},
    }
    assert shed(body) == [
        "dag",
        "tasks.script",
        "workflow.configText",
        "workflow.params",
    ]
    run = body["workflow"]
    assert run["configText"].startswith("xxx")
    assert "cut" in run["configText"]
    assert run["params"] is None
    assert (run["runName"], run["errorReport"]) == ("mad_curie", "short")
    assert len(body["tasks"]) == 3
    assert body["progress"] == {"succeeded": 2}
    assert body.pop("metrics") == [{"process": heavy}]
    assert len(json.dumps(body)) < 2 << 20


def test_a_script_as_long_as_nextflow_sends_them_is_not_shed() -> None:
    body = {"tasks": [{"taskId": 1, "script": "中" * 10_240}]}
    assert shed(body) == []


@pytest.mark.parametrize("odd", [None, 5, "text", [1], {"a": 1}])
def test_shedding_bears_other_types(odd: object) -> None:
    assert shed({"workflow": odd, "tasks": odd, "dag": odd}) == []


def test_shedding_bears_deep_values() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert shed({"workflow": {"params": deep}}) == ["workflow.params"]
