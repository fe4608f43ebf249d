"""Run folders with all that a file system allows, and the tar that seals them."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

from archiving.engine.members import Member
from archiving.engine.tar import TarScanner

UGLY = [
    b"plain",
    b"with space ",
    b" leading",
    b"line\nfeed",
    b"carriage\rreturn",
    b"back\\slash",
    b"trailing\\",
    b"back\\nslash-n",
    b"arrow -> here",
    b"arrow ->",
    b"-dash",
    b"tab\there",
    b"quote'\"",
    b"#hash",
    b"star*[x]?",
    b"latin\xe5\xff",
    "kött".encode(),
    b"l" * 255,
]


def tar(run: Path, *options: str) -> bytes:
    """The stream as a seal reads it."""
    command = ["tar", "--create", "--format=gnu", "--sort=name", *options]
    return subprocess.run(
        [*command, "-C", run.parent, "--", run.name],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
    ).stdout


def scan(stream: bytes, chunk_bytes: int = 65536) -> list[Member]:
    """Raises TarDamaged."""
    members: list[Member] = []
    scanner = TarScanner(members.append)
    for at in range(0, len(stream), chunk_bytes):
        scanner.feed(memoryview(stream)[at : at + chunk_bytes])
    scanner.close()
    return members


def make_tree(parent: Path) -> Path:
    """A small run folder with one of everything that tar keeps, and a socket."""
    run = parent / "230101_A00001_0001_AHXXXXXXXX"
    run.mkdir()
    for index, ugly in enumerate(UGLY):
        path = run / os.fsdecode(ugly)
        path.write_bytes(b"x" * index * 97)
        os.utime(path, (1_600_000_000, 1_600_000_000 + index))
    deep = run / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    for length in (99, 100, 101):
        name = f"{run.name}/".ljust(length, "n").removeprefix(f"{run.name}/")
        (run / name).write_bytes(b"to the byte")
    (deep / ("f" * 80)).write_bytes(b"deep")
    (deep / "link").symlink_to("../" * 110 + "far")
    (run / "link -> a").symlink_to("b -> c")
    (run / "looped").symlink_to(".")
    os.link(run / "link -> a", run / "link again")
    (run / "hard").hardlink_to(run / "plain")
    (deep / "hard").hardlink_to(run / "plain")
    (run / "empty").mkdir(mode=0o2750)
    (run / "a").mkdir()
    (run / "a" / "b").write_bytes(b"")
    (run / "a.b").write_bytes(b"after a/b")
    (run / "old").write_bytes(b"before 1970")
    os.utime(run / "old", ns=(0, -1_500_000_000))
    (run / "script").write_bytes(b"#!/bin/sh\n")
    (run / "script").chmod(0o4755)
    os.mkfifo(run / "pipe")
    make_socket(run / "socket")
    with (run / "sparse").open("wb") as file:
        file.truncate(3_000_000)
        file.seek(1_000_000)
        file.write(b"island")
    return run


def make_socket(path: Path) -> None:
    """Made by a short name: those of sockets end at 107 bytes."""
    descriptor = os.open(path.parent, os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{descriptor}/{path.name}")
    finally:
        os.close(descriptor)
