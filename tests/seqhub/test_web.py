from __future__ import annotations

import pytest
from gunicorn.config import Config

from seqhub.supervisor.web import QuietLogger


@pytest.mark.parametrize(
    ("error", "is_told"), [(BlockingIOError(11, "silent"), False), (OSError(5), True)]
)
def test_clients_that_fall_silent_are_not_in_the_log(
    error: OSError, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    logger = QuietLogger(Config())
    try:
        raise error
    except OSError:
        logger.exception("Socket error processing request.")
    assert bool(caplog.records) is is_told
