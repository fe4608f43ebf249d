"""Directories of launches: measured and removed, real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.directories import open_directory
from tests.needs import need
from turret.engine.launching.rooms import (
    NotRemoved,
    Room,
    Walk,
    is_link,
    kept_walk,
    leads_into,
    remove_aside,
    set_aside,
)

NOBODY = 65534


def never() -> bool:
    return False


def after(looks: int) -> Callable[[], bool]:
    """The time is over at the look after so many."""
    left = iter(range(looks))
    return lambda: next(left, None) is None


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """One with work of two tasks in it."""
    for task in ("ab/cdef01", "ab/cdef02", "ef/000001"):
        directory = tmp_path / "launches" / "one" / "work" / task
        directory.mkdir(parents=True)
        (directory / "out.txt").write_bytes(b"x" * 1000)
    return Room(str(tmp_path / "launches"), ("one", "work"))


def gone(room: Room) -> bool:
    if set_aside(room):
        assert not Path(str(room)).exists()
    return remove_aside(room, never)


def test_a_room_is_removed_and_nothing_beside_it(room: Room) -> None:
    log = Path(str(room)).parent / "output.log"
    log.write_text("log")
    assert gone(room)
    assert list(log.parent.iterdir()) == [log]
    assert gone(room)


def test_links_are_removed_and_not_followed(room: Room, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    (kept / "below").mkdir(parents=True)
    (kept / "file").write_text("x")
    work = Path(str(room))
    (work / "to-directory").symlink_to(kept)
    (work / "ab" / "to-file").symlink_to(kept / "file")
    (work / "ab" / "to-nothing").symlink_to("nowhere")
    os.mkfifo(work / "pipe")
    assert gone(room)
    assert sorted(path.name for path in kept.iterdir()) == ["below", "file"]


@pytest.mark.parametrize("linked", ["work", "one"])
def test_a_link_in_its_place_is_left_alone(
    room: Room, linked: str, tmp_path: Path
) -> None:
    place = Path(str(room))
    place = place if linked == "work" else place.parent
    elsewhere = tmp_path / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    if linked == "work":
        assert is_link(room)
        assert not set_aside(room)
        assert remove_aside(room, never)
    else:
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            set_aside(room)
    assert sorted(elsewhere.rglob("*")) == before


@pytest.fixture
def room_of_nobody() -> Iterator[Room]:
    """Where every user gets, made by one without any right."""
    need(os.geteuid() == 0, "needs root, to be another user")
    with open_directory() as path:
        path.chmod(0o777)
        room = Room(str(path), ("one", "work"))
        assert (
            as_nobody(lambda: (Path(str(room)) / "ab" / "cd").mkdir(parents=True)) == ""
        )
        yield room


def as_nobody(act: Callable[[], object]) -> str:
    """What it raised in the end, in words."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            act()
        except (OSError, NotRemoved) as error:
            os.write(writing, f"{error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def test_what_is_not_writable_is_removed_all_the_same(room_of_nobody: Room) -> None:
    deep = Path(str(room_of_nobody)) / "ab" / "cd"
    (deep / "file").write_text("x")
    deep.chmod(0o555)
    deep.parent.chmod(0o555)
    assert as_nobody(lambda: gone(room_of_nobody)) == ""
    assert not Path(f"{room_of_nobody}.removing").exists()


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_what_belongs_to_another_is_told_and_all_else_goes(
    mode: int, room_of_nobody: Room
) -> None:
    """As files are that a container has written as root."""
    work = Path(str(room_of_nobody))
    theirs = work / "ab" / "cd" / "theirs"
    (theirs / "below").mkdir(parents=True)
    theirs.chmod(mode)
    (work / "other").mkdir()
    told = as_nobody(lambda: gone(room_of_nobody))
    assert str(theirs).replace("work", "work.removing") in told
    assert "Permission denied, in a directory of" in told
    left = Path(f"{work}.removing")
    assert [path.name for path in left.iterdir()] == ["ab"]
    assert gone(room_of_nobody)


def test_what_takes_all_the_time_and_can_not_be_removed_is_told(
    room_of_nobody: Room,
) -> None:
    theirs = Path(str(room_of_nobody)) / "ab" / "cd" / "theirs"
    theirs.mkdir()
    for number in range(10):
        (theirs / f"{number}").touch()
    told = as_nobody(
        lambda: set_aside(room_of_nobody) and remove_aside(room_of_nobody, after(5))
    )
    assert "and 4 more" in told


def test_it_goes_on_where_it_was_stopped(room: Room) -> None:
    assert set_aside(room)
    assert not remove_aside(room, after(2))
    assert Path(f"{room}.removing").is_dir()
    assert remove_aside(room, never)
    assert not Path(f"{room}.removing").exists()


def test_earlier_remains_go_before_a_new_one_is_set_aside(room: Room) -> None:
    assert set_aside(room)
    (Path(str(room)) / "new").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        set_aside(room)
    assert remove_aside(room, never)
    assert gone(room)


def test_names_that_are_no_text_are_removed(room: Room) -> None:
    (Path(str(room)) / os.fsdecode(b"\xff\n")).mkdir()
    assert gone(room)


def test_a_measurement_goes_on_where_it_was(room: Room, tmp_path: Path) -> None:
    task = Path(str(room)) / "ab" / "cdef01"
    os.link(task / "out.txt", task / "again.txt")
    (task / "link").symlink_to(task / "out.txt")
    file = tmp_path / "measuring.json"
    walk = Walk([str(room)])
    looks = 0
    while not walk.go_on(after(1)):
        walk.keep(file, "a")
        assert kept_walk(file, "b") is None
        found = kept_walk(file, "a")
        assert found is not None
        walk, looks = found, looks + 1
    assert (walk.size_bytes, looks) == (3000, 5)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '["a", [], 3, [1]]'])
def test_a_spoilt_measurement_begins_anew(text: str, tmp_path: Path) -> None:
    file = tmp_path / "measuring.json"
    file.write_text(text)
    assert kept_walk(file, "a") is None


def test_results_that_are_links_into_the_work_are_seen(
    room: Room, tmp_path: Path
) -> None:
    results = tmp_path / "launches" / "one" / "launch" / "results"
    results.mkdir(parents=True)
    launch = str(results.parent)
    (results / "elsewhere").symlink_to("/usr")
    (results / "beside").symlink_to(f"{room}-2")
    assert not leads_into(launch, str(room), never)
    (results / "out.txt").symlink_to(f"{room}/ab/cdef01/out.txt")
    assert leads_into(launch, str(room), never)
    with pytest.raises(TimeoutError):
        leads_into(str(room), launch, after(0))


@pytest.mark.parametrize("mount", ["-t tmpfs tmpfs", "--bind {of_the_same_disk}"])
def test_what_is_mounted_in_it_is_left_alone(
    room: Room, tmp_path: Path, mount: str
) -> None:
    need(shutil.which("unshare") and os.geteuid() == 0, "needs root, to mount")
    work = Path(str(room))
    of_the_same_disk = tmp_path / "of_the_same_disk"
    of_the_same_disk.mkdir()
    mount = mount.format(of_the_same_disk=of_the_same_disk)
    within = f"""
mount {mount} {work}/ab/cdef01 && touch {work}/ab/cdef01/kept && exec "$@"
"""
    code = f"""
import os, sys
from turret.engine.launching import rooms
room = rooms.Room({room.root!r}, {room.names!r})
rooms.set_aside(room)
try:
    rooms.remove_aside(room, lambda: False)
except rooms.NotRemoved as error:
    print(error)
print(os.listdir("{work}.removing/ab/cdef01"), os.listdir("{work}.removing"))
"""
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", within, "sh", sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert f"{work}.removing/ab/cdef01 (Device or resource busy" in done.stdout
    assert "['kept'] ['ab']" in done.stdout


def test_a_directory_that_can_not_be_looked_through_is_told(
    room_of_nobody: Room,
) -> None:
    place = Path(room_of_nobody.root)
    (place / "launch" / "results").mkdir(parents=True)
    (place / "launch" / "results").chmod(0o700)

    def look() -> None:
        leads_into(str(place / "launch"), str(room_of_nobody), never)

    assert "Permission denied" in as_nobody(look)
    assert not leads_into(str(place / "none"), str(room_of_nobody), never)
