"""Whatever the file holds, the answer is a configuration or a list of mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from seqhub.config import ARTERIA_KEYS, Config, ConfigError, build_config, load_config

pytestmark = pytest.mark.usefixtures("no_variables")

# Real keys, so that the values reach every validator.
KEYS = sorted(
    {
        *Config.model_fields,
        *ARTERIA_KEYS,
        *(
            key
            for field in Config.model_fields.values()
            if isinstance(field.annotation, type)
            and issubclass(field.annotation, BaseModel)
            for key in field.annotation.model_fields
        ),
        *("path", "depth", "require", "any_of", "instrument", "timeout_hours"),
    }
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.binary(max_size=5)
    | st.sampled_from(["/a", "~x/y", "10.0.0.0/8", "postgresql://u@h/d", "http://h"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | SCALARS, inner, max_size=5)
    ),
    max_leaves=20,
)


anything = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def outcome_of(read: Callable[[], Config]) -> Config | list[str]:
    """Any other exception fails the test."""
    try:
        return read()
    except ConfigError as error:
        return error.mistakes


@anything
@given(st.dictionaries(st.sampled_from(KEYS) | SCALARS, VALUES, max_size=6))
def test_any_mapping_gives_a_configuration_or_its_mistakes(
    values: dict[Any, Any],
) -> None:
    outcome = outcome_of(lambda: build_config(values, Path("/base")))
    unknown = [key for key in values if key not in KEYS and values[key] is not None]
    if unknown:
        assert isinstance(outcome, list)
        assert len(outcome) >= len(unknown)
    assert outcome != []


@anything
@given(
    st.text(max_size=200)
    | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6).map(yaml.safe_dump)
)
def test_any_text_gives_a_configuration_or_its_mistakes(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    file = Path("any.yaml")
    file.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    monkeypatch.setenv("SEQHUB_CONFIG", str(file))
    assert outcome_of(load_config) != []
