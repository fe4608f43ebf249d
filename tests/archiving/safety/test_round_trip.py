"""Whatever a run holds comes back as it was: through registration, seal,
verification and restore."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from archiving.choices import CheckState, RestoreState
from archiving.engine.members import shown
from archiving.models import ArchiveJob
from tests.archiving.engine.trees import UGLY, make_tree
from tests.archiving.safety.ground import Ground, make_old, tree
from tests.archiving.services.archives import restore, verify

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = [
    b"240131_A00834_0183_BHMTFYDRXX",
    b"run with space",
    b"-dash",
    b"latin\xe5",
    b"line\nfeed",
    b"l" * 230,
    "kött".encode(),
]


def seal_and_restore(ground: Ground, run: Path) -> ArchiveJob:
    """Also compares what came back with the run."""
    target = ground.path / "restored"
    target.mkdir()
    ground.configure(restore_roots=[target])
    job = ground.add_job(run)
    ground.seal(job)
    assert job.sealed_at, job.message
    row = verify(job, is_deep=True)
    assert (row.state, row.findings) == (CheckState.OK, [])
    done = restore(job, target)
    assert done.state == RestoreState.AVAILABLE, done.message
    [restored] = target.iterdir()
    assert os.fsencode(restored.name) == os.fsencode(run.name)
    assert tree(restored) == tree(run)
    ground.check_tidy()
    return job


def test_all_that_a_file_system_allows_comes_back(ground: Ground) -> None:
    (ground.sequencing / "A00834").mkdir()
    run = make_tree(ground.sequencing / "A00834")
    # tar leaves a socket out: nobody could listen on it again.
    (run / "socket").unlink()
    (run / "zero").write_bytes(b"")
    job = seal_and_restore(ground, run)
    assert job.source_files is not None
    assert job.source_files >= len(UGLY)
    ground.check_sealed(job, run)


@pytest.mark.parametrize("name", RUNS)
def test_a_run_of_any_name_comes_back(ground: Ground, name: bytes) -> None:
    run = ground.sequencing / "A00834" / os.fsdecode(name)
    (run / "empty").mkdir(parents=True)
    (run / os.fsdecode(b"file\xe5 \n")).write_bytes(b"content")
    make_old(run)
    ground.check_sealed(seal_and_restore(ground, run), run)


@pytest.mark.parametrize("chosen", [[b"-dash"], UGLY, [b"hard", b"empty"]])
def test_chosen_files_of_any_name_come_back(
    ground: Ground, chosen: list[bytes]
) -> None:
    (ground.sequencing / "A00834").mkdir()
    run = make_tree(ground.sequencing / "A00834")
    target = ground.path / "restored"
    target.mkdir()
    ground.configure(restore_roots=[target])
    job = ground.add_job(run)
    ground.seal(job)
    done = restore(job, target, files=[shown(name) for name in chosen])
    assert done.state == RestoreState.AVAILABLE, done.message
    restored = target / run.name
    # The content of hard links is under the first of their names, which comes along.
    names = {os.fsencode(path.name) for path in restored.iterdir()}
    assert names - {b"d" * 120} == set(chosen)
    before, after = tree(run), tree(restored)
    for name in chosen:
        assert after[name] == before[name]


@pytest.mark.slow
def test_twenty_thousand_small_files_come_back(ground: Ground) -> None:
    run = ground.sequencing / "A00834" / "many"
    for directory in range(20):
        (run / f"C{directory}.1").mkdir(parents=True)
        for number in range(1000):
            (run / f"C{directory}.1" / f"s_{number}.bcl").write_bytes(b"%d" % number)
    job = seal_and_restore(ground, run)
    assert (job.source_files, job.left_out_files) == (20_000, 0)
