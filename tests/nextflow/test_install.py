from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.nextflow.runs import ROOT


def test_make_says_what_nextflow_needs(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make
    env = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    done = subprocess.run(
        [make, "nextflow", f"NEXTFLOW={tmp_path / 'nextflow'}"],
        cwd=ROOT,
        env=env | {"PATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "apt install openjdk-17-jre-headless maven" in done.stderr
    assert not (tmp_path / "nextflow").exists()
