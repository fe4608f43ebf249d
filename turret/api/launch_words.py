"""States of launches in the words of the old service."""

from __future__ import annotations

from turret.choices import LaunchState

STATUSES = ("pending", "running", "succeeded", "failed", "cancelled")
# What it had no word for.
_OTHERS = {LaunchState.STARTING.value: "pending", LaunchState.LOST.value: "failed"}


def status_of(state: str) -> str:
    """One of STATUSES."""
    return _OTHERS.get(state, state)


def states_of(status: str) -> list[str]:
    """The states that are this one of STATUSES."""
    return [state for state in LaunchState.values if status_of(state) == status]
