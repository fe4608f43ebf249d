"""Verifying and restoring against a bare `gpg -d | tar` of the same archive.

    python -m tests.benchmarks.bench_verify [--gb 1] [--rounds 5]

Before each run, ours and bare alike, the archive is dropped from memory, as
`verifying.open_archive` does. Data goes below $TMPDIR: two times `--gb`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from archiving.engine.manifest import read_manifest
from archiving.engine.members import Kind
from archiving.engine.restoring import restore
from archiving.engine.sealing import SealOrder
from archiving.engine.verifying import verify
from archiving.engine.watch import Unwatched
from tests.benchmarks import bare
from tests.benchmarks.bare import Bench


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--gb", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with bare.bench(args.rounds) as bench:
        run = bare.make_mixed(bench.directory / "mixed", round(args.gb * bare.GB))
        order = bare.order_in(bench.directory, bench.home, run, "mixed")
        bare.seal_ours(order)
        _verify(bench, order, f"{args.gb:g} GB")
        _restore(bench, order, f"{args.gb:g} GB")


def _verify(bench: Bench, order: SealOrder, size: str) -> None:
    def ours() -> None:
        checked = verify(
            order.archive, order.manifest, order.key, order.home, Unwatched()
        )
        assert not checked.findings

    bare.compare(
        f"verify of {size}",
        1.1,
        bench.rounds,
        ours,
        lambda: bare.open_bare(order, "--list"),
        lambda: None,
    )


def _restore(bench: Bench, order: SealOrder, size: str) -> None:
    wanted = _middle(order.manifest)
    into = bench.directory / "restored"
    into.mkdir()

    def ours() -> None:
        restored = restore(
            order.archive,
            order.manifest,
            [wanted],
            into,
            order.key,
            order.home,
            Unwatched(),
        )
        assert restored.files == 1
        assert not restored.findings

    def clean() -> None:
        shutil.rmtree(into)
        into.mkdir()

    bare.compare(
        f"restore of one file of {size}",
        1.1,
        bench.rounds,
        ours,
        lambda: _extract(order, into, wanted),
        clean,
    )


def _extract(order: SealOrder, into: Path, wanted: bytes) -> None:
    bare.open_bare(order, "--extract", f"--directory={into}", wanted.decode())
    bare.sync(into / wanted.decode())


def _middle(manifest: Path) -> bytes:
    """The file in the middle of the archive's bytes."""
    with manifest.open("rb") as file:
        _, members = read_manifest(file)
        files = [member for member in members if member.kind is Kind.FILE]
    half = sum(member.size for member in files) // 2
    passed = 0
    for member in files:
        passed += member.size
        if passed >= half:
            return member.name
    raise AssertionError("an archive without files")


if __name__ == "__main__":
    main()
