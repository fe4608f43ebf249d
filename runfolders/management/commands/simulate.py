"""`manage.py simulate`: a sequencer in small."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from runfolders.engine.simulator.plan import EndsAs, Plan, Step
from runfolders.engine.simulator.run import INSTRUMENTS, simulate
from seqhub.operations.management.documented import DocumentedCommand


class Command(DocumentedCommand):
    """Write a run folder below DIRECTORY as an instrument does, in its order.

    --ending says what becomes of the run:
      ok     all cycles, then the markers, the one that completes the run last
      early  a person ends it: 60 % of the cycles, then all markers
      fail   the instrument reports an error after 40 % of the cycles
             (Oxford Nanopore: files stay on the instrument; PacBio: the last cell
             is never transferred)
      stall  it stops writing half-way and says nothing more
    --drop NAME leaves out what has that name (a shell pattern), so that the run
    never gets its CopyComplete.txt or its RunInfo.xml.

    The first line on stdout is the path of the run folder. Stopped at any time, it
    leaves what an instrument leaves that is switched off.
    """

    # It needs no database, and `up` starts it before there is one to check.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, help="where the run folder appears")
        parser.add_argument("--platform", choices=INSTRUMENTS, default="novaseq6000")
        parser.add_argument(
            "--seconds", type=float, default=60, help="of the whole run"
        )
        parser.add_argument("--ending", choices=list(EndsAs), default=EndsAs.OK)
        parser.add_argument("--drop", default="", metavar="NAME")
        parser.add_argument("--name", default="", help="of the run folder")
        parser.add_argument("--cycles", type=int, help="of all reads together")
        parser.add_argument("--seed", type=int, help="the same seed, the same values")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = _plan(options)
        tenth = -1
        try:
            for step in simulate(plan):
                if tenth < 0:
                    self._say(str(step.folder))
                if step.done == 0 or step.done == step.total or _tenth(step) != tenth:
                    self._say(step.message)
                tenth = _tenth(step)
        except FileExistsError as error:
            message = f"{error.filename} is there already. Choose another --name."
            raise CommandError(message) from None
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}.") from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted: the run stays unfinished.") from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _plan(options: dict[str, Any]) -> Plan:
    name, cycles, seed = options["name"], options["cycles"], options["seed"]
    directory: Path = options["directory"]
    if not directory.is_dir():
        raise CommandError(f"{directory} is not a directory. Make it first.")
    if "/" in name or name.startswith("."):
        raise CommandError("--name is the name of a folder, not hidden and no path.")
    if cycles is not None and not 1 <= cycles <= 1000:
        raise CommandError("--cycles is a number from 1 to 1000.")
    if not 0 <= options["seconds"] <= 10**6:
        raise CommandError("--seconds is a number from 0 to 1,000,000.")
    return Plan(
        directory=directory.absolute(),
        instrument=options["platform"],
        started_at=timezone.localtime(),
        seconds=options["seconds"],
        ends_as=EndsAs(options["ending"]),
        drop=options["drop"],
        name=name,
        cycles=cycles,
        seed=secrets.randbits(32) if seed is None else seed,
    )


def _tenth(step: Step) -> int:
    return 10 * step.done // step.total
