"""Archives for tests of the engine, sealed as the service does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archiving.choices import Stage
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.sealing import Sealed, SealOrder, seal, survey_source
from archiving.engine.watch import Unwatched, Watch


@dataclass(frozen=True, slots=True)
class Archive:
    order: SealOrder
    sealed: Sealed


class Interrupting:
    """A watch that raises once so many bytes of a stage are done."""

    def __init__(self, stage: Stage, error: BaseException) -> None:
        self.stages: list[Stage] = []
        self._stage = stage
        self._error = error

    def stage(self, stage: Stage) -> None:
        self.stages.append(stage)

    def tick(self, bytes_done: int, files_done: int) -> None:
        if self.stages[-1] == self._stage and bytes_done:
            raise self._error


def order_for(
    source: Path, directory: Path, home: Path, exclusions: Sequence[str] = ()
) -> SealOrder:
    return SealOrder(
        source=source,
        archive=directory / f"{source.name}.tar.gpg.1.partial",
        manifest=directory / "1.manifest",
        sealed_manifest=directory / f"{source.name}.manifest.gpg.1.partial",
        exclusions=exclusions,
        key=new_session_key(),
        home=home,
    )


def seal_run(
    source: Path,
    directory: Path,
    home: Path,
    exclusions: Sequence[str] = (),
    watch: Watch | None = None,
) -> Archive:
    """Seal a run folder into files in `directory`."""
    directory.mkdir(exist_ok=True)
    order = order_for(source, directory, home, exclusions)
    watch = watch or Unwatched()
    return Archive(order, seal(order, survey_source(order, watch), watch))
