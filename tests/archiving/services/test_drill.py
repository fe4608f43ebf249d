from __future__ import annotations

import pytest

from archiving.choices import CheckState, Depth, Verified
from archiving.services.drill import run_drill
from archiving.services.keys import check_recipients
from archiving.services.verification import request_verification
from seqhub.lib.files import locked
from seqhub.operations.models import Attention, Event
from tests.archiving.runs import SHELL, Site
from tests.archiving.services.archives import make_archive, take_secret_keys_away
from tests.factories import HOST

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_file_comes_back_and_goes_again(site: Site) -> None:
    job = make_archive(site)
    check_recipients(HOST)
    verified_at = job.verified_at
    row = run_drill(HOST)
    assert row is not None
    assert (row.depth, row.state) == (Depth.DRILL, CheckState.OK)
    assert "was restored and compared" in row.checked[0]
    assert list((site.data / "run" / "drills").iterdir()) == []
    job.refresh_from_db()
    assert job.verified_at == verified_at
    assert Event.objects.filter(subject=job.subject, kind="verified").exists()
    assert not Attention.objects.exists()


def test_a_drill_that_fails_is_told_of(site: Site) -> None:
    job = make_archive(site)
    check_recipients(HOST)
    content = job.archive_path.read_bytes()
    job.archive_path.write_bytes(content[:20])
    row = run_drill(HOST)
    assert row is not None
    assert row.state == CheckState.DAMAGED, row.message
    job.refresh_from_db()
    assert job.verification == Verified.DAMAGED
    codes = set(Attention.objects.values_list("code", flat=True))
    assert codes == {"drill_failed", "archive_damaged"}
    job.archive_path.write_bytes(content)
    again = run_drill(HOST)
    assert again is not None
    assert again.state == CheckState.OK
    codes = set(Attention.objects.values_list("code", flat=True))
    assert codes == {"archive_damaged"}  # until all of it was read


def test_without_a_secret_key_there_is_none(site: Site) -> None:
    make_archive(site)
    take_secret_keys_away(site)
    check_recipients(HOST)
    assert run_drill(HOST) is None


def test_it_keeps_away_from_what_is_being_read(site: Site) -> None:
    job = make_archive(site)
    check_recipients(HOST)
    request_verification(job.pk, actor=SHELL)
    assert run_drill(HOST) is None


def test_there_is_one_at_a_time_and_leftovers_of_a_killed_one_go(site: Site) -> None:
    make_archive(site)
    check_recipients(HOST)
    left = site.data / "run" / "drills" / "left"
    left.mkdir(parents=True)
    with locked(site.data / "run" / "drill.lock"):
        assert run_drill(HOST) is None
    assert left.exists()
    assert run_drill(HOST) is not None
    assert not left.exists()
