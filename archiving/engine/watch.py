"""How long work tells how far it is, and learns that it is to stop."""

from __future__ import annotations

from typing import Protocol

from archiving.choices import Stage


class Watch(Protocol):
    """Handed to the engine by whoever runs it.

    Both may raise what ends the work: Trouble, LeaseLost, Cancelled. The engine
    then ends its children and lets the error pass; it removes no files.
    """

    def stage(self, stage: Stage) -> None:
        """The work is at this from now on; progress begins anew at 0."""

    def tick(self, bytes_done: int, files_done: int) -> None:
        """So much of the stage is done. Called often: several times a second."""


class Unwatched:
    """For work that nobody follows."""

    def stage(self, stage: Stage) -> None:
        pass

    def tick(self, bytes_done: int, files_done: int) -> None:
        pass
