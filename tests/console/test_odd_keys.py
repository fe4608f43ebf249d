"""Whatever the address of a page holds for an id, the page is not there."""

from __future__ import annotations

import pytest

from tests.staff import staff

KEYS = ("9" * 20, "9" * 4301, "²", "٣")
PAGES = (
    "runfolders/runfolder/{}/change/",
    "turret/computeenvironment/{}/change/",
    "turret/launch/{}/change/",
    "turret/pipeline/{}/delete/",
    "turret/workflow/{}/change/",
    "turret/launch/add/?pipeline={}",
)


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("key", KEYS)
def test_odd_ids_break_no_page(page: str, key: str) -> None:
    answer = staff("manager").get(f"/admin/{page.format(key)}")
    assert answer.status_code in (200, 302, 404)
