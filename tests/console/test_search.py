from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.archiving.factories import ArchiveJobFactory
from tests.factories import InstrumentFactory, RunfolderFactory, SampleFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_found_yet() -> None:
    cache.clear()  # unfold keeps what was found


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("h7xx", "240131_A01234_0007_AH7XXDRXX"),
        ("liver-3", "liver-3"),
        ("a01234", "Nova"),
        ("sealed-7", "sealed-7"),
    ],
)
def test_the_palette_finds_what_has_that_name(text: str, title: str) -> None:
    client = staff("viewer")
    instrument = InstrumentFactory.create(serial="A01234", name="Nova")
    run = RunfolderFactory.create(
        name="240131_A01234_0007_AH7XXDRXX", instrument=instrument
    )
    SampleFactory.create(runfolder=run, sample_id="liver-3")
    ArchiveJobFactory.create(run_name="sealed-7")
    answer = client.get("/admin/search/", {"s": text, "extended": "1"})
    assert title in answer.content.decode()


def test_the_palette_hides_ignored_runs() -> None:
    client = staff("viewer")
    run = RunfolderFactory.create(name="240131_A01234_0007_AH7XXDRXX")
    SampleFactory.create(runfolder=run, sample_id="liver-3")
    type(run).objects.update(ignored_at=run.first_seen_at)
    for text in ("h7xx", "liver-3"):
        answer = client.get("/admin/search/", {"s": text, "extended": "1"})
        assert "No results" in answer.content.decode()
