from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from tests.clients import make_user, token_of
from tests.turret.api.trace.wire import Wire, basic


@pytest.fixture(autouse=True)
def nothing_is_known_of_tokens() -> Iterator[None]:
    """What a process remembers of tokens and addresses goes between tests."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ann(db: None) -> User:
    return make_user()


@pytest.fixture
def token(ann: User) -> str:
    return token_of(ann, ["trace"])


@pytest.fixture
def wire(token: str) -> Wire:
    """Nextflow, run by ann."""
    return Wire(basic(token))
