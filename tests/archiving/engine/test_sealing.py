from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from archiving.choices import Stage
from archiving.engine.manifest import read_manifest
from archiving.engine.sealing import seal, survey_source
from archiving.engine.watch import Unwatched
from archiving.errors import Code, Trouble
from seqhub.lib.processes import Cancelled
from tests.archiving.engine.sealed import Archive, Interrupting, order_for, seal_run
from tests.archiving.engine.trees import scan, tar


def opened_by_hand(archive: Archive, directory: Path) -> Path:
    """The two commands that docs/operations.md tells people; the run folder."""
    key = directory / "key"
    key.write_bytes(archive.order.key + b"\n")
    directory.joinpath("opened").mkdir()
    gpg = ["gpg", "--homedir", str(archive.order.home), "--batch"]
    subprocess.run(  # noqa: S602 - as people type it
        f"{' '.join(gpg)} --passphrase-file {key} -d '{archive.order.archive}'"
        f" | tar -x -p -C {directory}/opened",
        shell=True,
        check=True,
        capture_output=True,
    )
    return directory / "opened" / archive.order.source.name


def test_stock_gpg_and_tar_give_back_the_same(archive: Archive, tmp_path: Path) -> None:
    opened = opened_by_hand(archive, tmp_path)
    assert scan(tar(opened)) == scan(tar(archive.order.source))


def test_the_manifest_lists_what_the_tar_holds(archive: Archive) -> None:
    with archive.order.manifest.open("rb") as file:
        header, members = read_manifest(file)
        assert header.run == archive.order.source.name
        assert list(members) == scan(tar(archive.order.source))


def test_digests_are_those_of_the_files(archive: Archive) -> None:
    order, sealed = archive.order, archive.sealed
    manifest = order.manifest.read_bytes()
    assert sealed.manifest_sha256 == hashlib.sha256(manifest).hexdigest()
    beside = order.sealed_manifest.read_bytes()
    assert sealed.sealed_manifest_sha256 == hashlib.sha256(beside).hexdigest()
    assert sealed.archive_bytes == order.archive.stat().st_size


def test_every_file_is_ours_alone(archive: Archive) -> None:
    order = archive.order
    paths = (order.archive, order.manifest, order.sealed_manifest)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}


def test_what_is_left_out_is_listed(tmp_path: Path, private_home: Path) -> None:
    run = tmp_path / "RUN"
    (run / "Thumbnails").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (run / "Thumbnails" / name).write_bytes(b"12345")
    (run / "RunInfo.xml").write_text("<x/>")
    archive = seal_run(run, tmp_path / "out", private_home, ["Thumbnails"])
    with archive.order.manifest.open("rb") as file:
        header, members = read_manifest(file)
        assert [member.name for member in members] == [b"RUN", b"RUN/RunInfo.xml"]
    assert header.exclusions == ("Thumbnails",)
    assert [left_out.name for left_out in header.left_out] == [b"RUN/Thumbnails"]
    assert archive.sealed.left_out_files == 2
    assert archive.sealed.left_out_bytes == 10


def test_sparse_files_keep_their_content(tmp_path: Path, private_home: Path) -> None:
    run = tmp_path / "RUN"
    run.mkdir()
    with (run / "sparse").open("wb") as file:
        file.truncate(50 << 20)
        file.seek(20 << 20)
        file.write(b"in the middle")
    archive = seal_run(run, tmp_path / "out", private_home)
    (tmp_path / "by-hand").mkdir()
    opened = opened_by_hand(archive, tmp_path / "by-hand")
    with (opened / "sparse").open("rb") as back, (run / "sparse").open("rb") as first:
        digests = [
            hashlib.file_digest(file, "sha256").digest() for file in (back, first)
        ]
    assert digests[0] == digests[1]
    assert archive.sealed.content_bytes == 50 << 20


def test_a_file_that_is_there_is_not_overwritten(archive: Archive) -> None:
    before = archive.order.archive.read_bytes()
    with pytest.raises(Trouble):
        seal(
            archive.order,
            survey_source(archive.order, Unwatched()),
            Unwatched(),
        )
    assert archive.order.archive.read_bytes() == before


def test_a_run_that_is_not_there(tmp_path: Path, private_home: Path) -> None:
    order = order_for(tmp_path / "RUN", tmp_path, private_home)
    with pytest.raises(Trouble) as trouble:
        survey_source(order, Unwatched())
    assert trouble.value.code == Code.SOURCE_MISSING


def large_run(tmp_path: Path) -> Path:
    run = tmp_path / "RUN"
    run.mkdir()
    for index in range(6):
        (run / f"{index}.bin").write_bytes(os.urandom(1 << 20) * 40)
    return run


@pytest.mark.slow
def test_a_run_that_changes_while_it_is_read(
    tmp_path: Path, private_home: Path
) -> None:
    run = large_run(tmp_path)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for path in run.iterdir():
                with path.open("ab") as file:
                    file.write(b"more")
            time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        with pytest.raises(Trouble) as trouble:
            seal_run(run, tmp_path / "out", private_home)
    finally:
        stop.set()
        writer.join()
    assert trouble.value.code == Code.SOURCE_CHANGED


@pytest.mark.parametrize("victim", ["tar", "gpg"])
@pytest.mark.slow
def test_a_killed_child_is_a_named_failure(
    victim: str, tmp_path: Path, private_home: Path
) -> None:
    run = large_run(tmp_path)

    class Killer(Unwatched):
        def tick(self, bytes_done: int, files_done: int) -> None:
            for child in psutil.Process().children():
                if child.name() == victim and bytes_done:
                    child.kill()

    with pytest.raises(Trouble) as trouble:
        seal_run(run, tmp_path / "out", private_home, watch=Killer())
    assert trouble.value.code == Code(f"{victim}_failed")
    assert "signal 9" in trouble.value.message


@pytest.mark.parametrize("error", [Cancelled(143), Trouble(Code.NO_SPACE, "full")])
@pytest.mark.slow
def test_what_the_watch_raises_ends_the_children(
    error: BaseException, tmp_path: Path, private_home: Path
) -> None:
    run = large_run(tmp_path)
    with pytest.raises(type(error)):
        seal_run(
            run,
            tmp_path / "out",
            private_home,
            watch=Interrupting(Stage.SEALING, error),
        )
    left = {child.name() for child in psutil.Process().children()}
    assert left & {"tar", "gpg"} == set()


def test_a_missing_tar_is_named(
    tmp_path: Path, private_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "RUN"
    run.mkdir()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gpg", "setpriv", "nice", "ionice"):
        (tools / name).symlink_to(shutil.which(name) or "")
    order = order_for(run, tmp_path, private_home)
    survey = survey_source(order, Unwatched())
    monkeypatch.setenv("PATH", str(tools))
    with pytest.raises(Trouble) as trouble:
        seal(order, survey, Unwatched())
    assert trouble.value.code == Code.PROGRAM_MISSING
    assert "apt install tar" in trouble.value.next_step


def test_a_disk_that_cannot_be_written_is_named(
    archive: Archive, tmp_path: Path
) -> None:
    order = replace(archive.order, archive=Path("/proc/seqhub.tar.gpg.1.partial"))
    order.manifest.unlink()
    with pytest.raises(Trouble) as trouble:
        seal(order, survey_source(order, Unwatched()), Unwatched())
    assert trouble.value.code == Code.DESTINATION_FAILED
