"""What is not as sealed is found and named, whatever happened to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from archiving.choices import CheckState, Depth, Verified
from archiving.engine.findings import Fault
from archiving.models import ArchiveJob, Verification
from archiving.services.manifests import path_of
from seqhub.operations.models import Attention
from tests.archiving.safety.ground import Ground
from tests.archiving.services.archives import faults, verify

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8
IN_A_ROUND = 25
# What gpg and the manifest say of an archive that has other bytes.
OPENED = {
    Fault.DECRYPTION_FAILED,
    Fault.WRONG_KEY,
    Fault.TAR_DAMAGED,
    Fault.MEMBER_DIFFERS,
    Fault.MEMBER_MISSING,
    Fault.MEMBER_EXTRA,
}

Spoil = Callable[[bytes, bytes, random.Random], bytes]


def flip(content: bytes, _other: bytes, chance: random.Random) -> bytes:
    spoiled = bytearray(content)
    spoiled[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def cut(content: bytes, _other: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def append(content: bytes, _other: bytes, chance: random.Random) -> bytes:
    return content + chance.randbytes(chance.randint(1, 600))


def zero_a_block(content: bytes, _other: bytes, chance: random.Random) -> bytes:
    size = min(512, len(content))
    at = chance.randrange(len(content) - size + 1)
    return content[:at] + bytes(size) + content[at + size :]


def exchange(_content: bytes, other: bytes, _chance: random.Random) -> bytes:
    return other


SPOILS: dict[str, Spoil | None] = {
    "flip": flip,
    "cut": cut,
    "append": append,
    "zero a block": zero_a_block,
    "exchange": exchange,
    "delete": None,
}


class Pair:
    """Two archives, of which one is spoiled and made whole again."""

    def __init__(self, ground: Ground) -> None:
        self.jobs = [ground.add_job(ground.add_run(name=name)) for name in "ab"]
        for job in self.jobs:
            ground.seal(job)
        self.whole = {
            path: path.read_bytes() for job in self.jobs for path in parts(job).values()
        }

    def spoil(self, part: str, kind: str, chance: random.Random) -> ArchiveJob:
        job, other = chance.sample(self.jobs, 2)
        path, others = parts(job)[part], parts(other)[part]
        if spoil := SPOILS[kind]:
            path.write_bytes(spoil(self.whole[path], self.whole[others], chance))
        else:
            path.unlink()
        if kind == "exchange":
            others.write_bytes(self.whole[path])
        return job

    def mend(self) -> None:
        for path, content in self.whole.items():
            path.write_bytes(content)


def parts(job: ArchiveJob) -> dict[str, Path]:
    return {
        "archive": job.archive_path,
        "key": job.key_path,
        "sealed manifest": job.sealed_manifest_path,
        "readable manifest": path_of(job),
    }


def expected(part: str, kind: str, job: ArchiveJob) -> Fault:
    """What is wrong with it, in one word."""
    if kind == "delete":
        return {
            "archive": Fault.ARCHIVE_MISSING,
            "key": Fault.KEY_MISSING,
        }.get(part, Fault.MANIFEST_MISSING)
    if part == "archive":
        has = job.archive_path.stat().st_size
        same = has == job.archive_bytes
        return Fault.ARCHIVE_DIGEST if same else Fault.ARCHIVE_SIZE
    return Fault.KEY_DIFFERS if part == "key" else Fault.MANIFEST_DIFFERS


def check_found(job: ArchiveJob, row: Verification, part: str, fault: Fault) -> None:
    """That it is found, alone, and told with its place."""
    assert (row.state, job.verification) == (CheckState.DAMAGED, Verified.DAMAGED)
    found = set(faults(row))
    assert fault in found
    others = OPENED if part == "archive" and row.depth == Depth.FULL else set()
    assert found - others == {fault}
    path = parts(job)[part]
    told = " ".join(finding["message"] for finding in row.findings)
    assert "archive" in told if part == "archive" else str(path) in told
    assert row.message
    assert Attention.objects.get(subject=job.subject).code == "archive_damaged"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_no_random_corruption_is_missed(ground: Ground, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same ones each time
    pair = Pair(ground)
    done = 0
    while done < IN_A_ROUND:
        part, kind = chance.choice(list(parts(pair.jobs[0]))), chance.choice([*SPOILS])
        job = pair.spoil(part, kind, chance)
        if parts(job)[part].exists():
            assert parts(job)[part].read_bytes() != pair.whole[parts(job)[part]]
        fault = expected(part, kind, job)
        row = verify(job, depth=Depth.BYTES)
        check_found(job, row, part, fault)
        pair.mend()
        done += 1
    for job in pair.jobs:
        assert verify(job, depth=Depth.BYTES).state == CheckState.OK
        assert job.verification == Verified.VERIFIED
    assert not Attention.objects.exists()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["archive", "key", "sealed manifest"])
def test_with_the_key_at_hand_it_says_what_is_wrong(ground: Ground, part: str) -> None:
    chance = random.Random(part)  # noqa: S311 - the same ones each time
    pair = Pair(ground)
    for kind in SPOILS:
        job = pair.spoil(part, kind, chance)
        fault = expected(part, kind, job)
        row = verify(job)
        check_found(job, row, part, fault)
        if part == "key":
            # The database has the key: what it opens is looked at all the same.
            assert row.depth == Depth.FULL
            assert "compared with the manifest" in " ".join(row.checked)
        pair.mend()
    for job in pair.jobs:
        assert verify(job).state == CheckState.OK


@pytest.mark.slow
@pytest.mark.parametrize("kind", SPOILS)
def test_a_spoiled_readable_manifest_is_told_and_put_back(
    ground: Ground, kind: str
) -> None:
    pair = Pair(ground)
    part = "readable manifest"
    job = pair.spoil(part, kind, random.Random(kind))  # noqa: S311 - the same ones
    row = verify(job)
    check_found(job, row, part, expected(part, kind, job))
    assert path_of(job).read_bytes() == pair.whole[path_of(job)]
    assert verify(job).state == CheckState.OK
    assert job.verification == Verified.VERIFIED


@pytest.mark.slow
def test_whatever_byte_of_an_archive_is_lost_the_content_tells(ground: Ground) -> None:
    """As if the database, with size and digest, had been lost, too."""
    pair = Pair(ground)
    chance = random.Random(7)  # noqa: S311 - the same ones each time
    found: Counter[str] = Counter()
    for kind in ("flip", "cut", "zero a block", "exchange"):
        job = pair.spoil("archive", kind, chance)
        ArchiveJob.objects.filter(pk=job.pk).update(archive_bytes=None)
        row = verify(job)
        assert row.state == CheckState.DAMAGED
        assert set(faults(row)) <= OPENED
        found.update(faults(row))
        pair.mend()
        size = job.archive_path.stat().st_size
        ArchiveJob.objects.filter(pk=job.pk).update(archive_bytes=size)
    assert found[Fault.DECRYPTION_FAILED]


@pytest.mark.parametrize("depth", [Depth.BYTES, Depth.FULL])
def test_an_archive_that_the_disk_cannot_read_is_told_of(
    ground: Ground, depth: Depth
) -> None:
    job = ground.add_job(ground.add_run())
    ground.seal(job)
    job.archive_path.unlink()
    # Reading it at its beginning is an input/output error, as of a broken disk.
    job.archive_path.symlink_to("/proc/self/mem")
    row = verify(job, depth=depth)
    assert row.state == CheckState.DAMAGED
    assert Fault.ARCHIVE_UNREADABLE in faults(row)
    told = " ".join(finding["message"] for finding in row.findings)
    assert "Input/output error" in told
