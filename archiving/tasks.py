"""What django-q2 runs: ticks and doorbells."""

from __future__ import annotations

from archiving.services.drill import is_drill_due, run_drill
from archiving.services.keys import check_recipients
from archiving.services.policy import current_policy
from archiving.services.work import tend as tend_archives
from archiving.services.work import work as do_work


def tend(host: str) -> None:
    """Find what is due, and put right what went wrong."""
    tend_archives(host)


def work(host: str) -> None:
    """Seal, verify and restore what is due, for as long as it takes."""
    do_work(host)


def check_keys(host: str) -> None:
    """Look at the recipients' keys."""
    if current_policy().receivers:
        check_recipients(host)


def drill(host: str) -> None:
    """Once a day: restore a small file of some archive, where a secret key is."""
    if is_drill_due(host):
        run_drill(host)
