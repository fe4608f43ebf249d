"""Running a command as a sysadmin does: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MANAGE = Path(__file__).parents[2] / "manage.py"


def run(
    *arguments: str, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`manage.py ARGUMENTS` with none of our variables but those in `env`."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEQHUB_") and name != "DATABASE_URL"
    }
    return subprocess.run(
        [sys.executable, MANAGE, *arguments],
        cwd=cwd,
        env={**inherited, "HOME": str(cwd), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
