from __future__ import annotations

import pytest

from archiving.choices import RestoreState, Status
from archiving.errors import Code
from archiving.services.attention import refresh_attention, sync_attention
from seqhub.operations.models import Attention
from seqhub.operations.panels import subject_names
from tests.archiving.factories import ArchiveJobFactory, RestoreFactory
from tests.factories import HOST

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Code.SOURCE_UNREADABLE, ["archive_failed"]),
        (Code.DESTINATION_OCCUPIED, ["archive_failed"]),
        (Code.SOURCE_CHANGED, []),
    ],
)
@pytest.mark.parametrize("status", [Status.PENDING, Status.PROCESSING])
def test_what_only_a_person_can_mend_is_told_at_the_first_failure(
    code: Code, expected: list[str], status: Status
) -> None:
    job = ArchiveJobFactory.create(
        status=status, code=code, message="no", failure_count=1
    )
    sync_attention(job)
    told = Attention.objects.filter(subject=job.subject)
    assert list(told.values_list("code", flat=True)) == expected
    refresh_attention(HOST)
    assert list(told.values_list("code", flat=True)) == expected
    job.code = ""
    sync_attention(job)
    assert not told.exists()


def test_a_failed_restore_is_listed_by_its_run() -> None:
    row = RestoreFactory.create(state=RestoreState.FAILED, message="no")
    assert row.job.runfolder is None
    refresh_attention(HOST)
    assert subject_names(Attention.objects.all()) == {row.subject: row.job.run_name}
