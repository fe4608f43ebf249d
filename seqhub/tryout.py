"""Try-out mode: an example instrument in the data directory.

Each `up` begins one live run, so that there is something to watch.
"""

from __future__ import annotations

import sys

from runfolders.engine.examples import install_examples
from seqhub.config import Config

LIVE_RUN_S = 180


def prepare(config: Config) -> None:
    """Put the example run folders where the scanner looks. May be repeated."""
    config.example_directory.mkdir(parents=True, exist_ok=True)
    install_examples(config.example_directory)


def simulator_command(config: Config) -> list[str]:
    """What writes the live run: the same command that people use."""
    return [
        sys.executable,
        "-m",
        "seqhub.cli",
        "simulate",
        str(config.example_directory),
        "--platform",
        "novaseq6000",
        "--seconds",
        str(LIVE_RUN_S),
    ]
