from __future__ import annotations

import datetime as dt

import pytest

from runfolders.choices import Sequencing
from runfolders.models import Runfolder
from runfolders.services.attention import wanted_attention

NOW = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
AN_HOUR_AGO = NOW - dt.timedelta(hours=1)


@pytest.mark.parametrize("reason", ["disk is full", "disk is full."])
@pytest.mark.parametrize("sequencing", ["failed", "unreadable", "settling"])
def test_the_message_ends_with_one_full_stop(sequencing: str, reason: str) -> None:
    run = Runfolder(
        sequencing=Sequencing(sequencing),
        sequencing_reason=reason,
        sequencing_since=AN_HOUR_AGO,
        stalled_at=AN_HOUR_AGO,
    )
    ((message, _),) = wanted_attention(run, NOW).values()
    assert message.endswith("disk is full.")
