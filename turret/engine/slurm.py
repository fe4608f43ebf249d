"""Names and times as SLURM writes them."""

from __future__ import annotations

import re

# sacct(1), Elapsed: [DD-[HH:]]MM:SS
_ELAPSED = re.compile(
    r"(?:(?P<d>\d{1,9})-(?=\d+:\d+:))?(?:(?P<h>\d{1,9}):)?"
    r"(?P<m>\d{1,9}):(?P<s>\d{1,2})(?:\.\d*)?",
    re.ASCII,
)


def tower_process_to_slurm_name(process: str) -> str:
    """How a process is named in SLURM's job names: "A:B:C" is "A_B_C" there."""
    return process.replace(":", "_")


def parse_elapsed_s(text: str) -> int | None:
    """The seconds of "D-HH:MM:SS", "HH:MM:SS" or "M:SS"; None of anything else."""
    found = _ELAPSED.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(found[key] or 0) for key in "dhms")
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
