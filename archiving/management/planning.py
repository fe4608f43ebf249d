"""What sealing a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from archiving.engine.exclusion import Exclusions
from archiving.engine.members import shown
from archiving.engine.walk import LeftOut, survey
from archiving.services.policy import Policy
from archiving.services.space import free_bytes, needed_bytes
from seqhub.lib.patience import TimedOut
from seqhub.lib.units import counted, format_bytes

NAMED = 5


def plan_lines(location: Path, name: str, policy: Policy) -> Iterator[str]:
    """Lines about a run folder that would be sealed as `name`.

    Raises OSError for what can't be read, SealingOff.
    """
    destination = policy.require_destination()
    left_out: list[str] = []

    def note(one: LeftOut) -> None:
        if len(left_out) < NAMED:
            left_out.append(shown(one.name))

    found = survey(location, Exclusions(policy.exclusions), note)
    yield f"{location}"
    yield f"  archive    {destination / name}.tar.gpg"
    yield f"  run key    {policy.run_keys / name}.key.gpg"
    yield f"  opened by  {', '.join(policy.receivers)}"
    files = counted(found.files, "file")
    yield f"  holds      {files}, {format_bytes(found.size_bytes)}"
    if found.left_out:
        more = ", ..." if found.left_out > NAMED else ""
        yield (
            f"  left out   {counted(found.left_out_files, 'file')},"
            f" {format_bytes(found.left_out_bytes)}: {', '.join(left_out)}{more}"
        )
    needed = needed_bytes(found) + policy.margin_bytes
    with suppress(OSError, TimedOut):
        free = free_bytes(destination)
        enough = "" if free >= needed else ": it would wait for space"
        yield (
            f"  space      {format_bytes(needed)} of {format_bytes(free)} free, the"
            f" margin included{enough}"
        )
