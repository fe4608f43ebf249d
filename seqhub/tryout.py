"""Try-out mode: an example instrument in the data directory, whose runs are sealed
to a key of the example's own.

Each `up` begins one live run, so that there is something to watch; the first one a
workflow, too.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.engine.gpg.home import COPIED, PRIVATE_KEYS, open_home
from archiving.engine.gpg.symmetric import failure
from archiving.errors import Trouble
from runfolders.engine.examples import install_examples
from seqhub.config import EXAMPLE_RECEIVER, Config

LIVE_RUN_S = 180
LIVE_WORKFLOW_S = 120
# Of the example runs, the one that the workflow is said to analyse.
ANALYSED_RUN = "230825_M04034_0043_000000000-L6NVV"
PARTIAL = ".partial"


def prepare(config: Config, say: Callable[[str, str], None]) -> None:
    """Put the example run folders where the scanner looks, and make what their
    archives need. May be repeated. Raises OSError.

    Without gpg there is no key, and no archive: `say` is told, with a log level.
    """
    config.example_directory.mkdir(parents=True, exist_ok=True)
    install_examples(config.example_directory)
    section = config.archiving
    for directory in (section.destination_path, *section.restore_roots):
        if directory:
            directory.mkdir(mode=0o700, exist_ok=True)
    if section.gnupg_home and not section.gnupg_home.exists():
        try:
            _make_key(section.gnupg_home, config.data_dir / "run" / "gnupg")
        except Trouble as trouble:
            message = f"the example runs can't be sealed: {trouble.message}."
            say(f"{message} {trouble.next_step}", "WARNING")


def _make_key(home: Path, work_dir: Path) -> None:
    """A gpg home with one key without a passphrase; it appears whole or not at all.

    The key is made in a private home, which leaves no agent behind and whose path
    is short enough for an agent's socket. Raises OSError, Trouble.
    """
    partial = home.with_name(home.name + PARTIAL)
    if partial.exists():  # of an `up` that was killed
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    (partial / PRIVATE_KEYS).mkdir(mode=0o700)
    with open_home(work_dir, partial) as private:
        unprotected = ("--pinentry-mode", "loopback", "--passphrase", "")
        # ed25519 to sign and cv25519 to encrypt.
        kind = ("future-default", "default", "never")
        generate = (*unprotected, "--quick-generate-key", EXAMPLE_RECEIVER, *kind)
        outcome = calls.run(private, generate, b"")
        if outcome.returncode:
            raise failure(outcome.messages, outcome.returncode)
        for name in COPIED:
            if (private / name).exists():
                shutil.copyfile(private / name, partial / name)
    partial.rename(home)


def commands(config: Config) -> dict[str, list[str]]:
    """What moves in the example, by a name for the log: the same commands that people
    use."""
    ours = (sys.executable, "-m", "seqhub.cli")
    directory = config.example_directory
    simulate = (str(directory), "--platform", "novaseq6000")
    replay = ("--only-first", "--input", str(directory / ANALYSED_RUN))
    return {
        "simulate": [*ours, "simulate", *simulate, "--seconds", str(LIVE_RUN_S)],
        "replay": [*ours, "replay", *replay, "--seconds", str(LIVE_WORKFLOW_S)],
    }
