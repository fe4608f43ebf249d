"""What has been read of repositories elsewhere: single commits, without history."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from seqhub.lib.files import open_lock, try_lock, write_atomic
from turret.engine.pipelines.git import Git, RepositoryError

# Of a file; the rest is cut.
MOST_BYTES = 2 << 20
# A branch is looked up again after it.
FRESH_S = 60.0
# Who uses a repository of the cache has a share in its lock.
LOCK = "lock"
MOST_HISTORY_BYTES = 256 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT = re.compile(r"[0-9a-f]{7,39}")
# As in ls-tree -z -l: mode, type, object, size, name.
_FILE = re.compile(r"100\d{3} blob ([0-9a-f]+) +(\d+)\t(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Cache:
    """Of one repository, in a directory of its own."""

    place: Path
    git: Git

    @classmethod
    def of(cls, directory: Path, git: Git) -> Self:
        return cls(directory / _digest(git.url), git)

    @property
    def objects(self) -> Path:
        """A bare repository."""
        return self.place / "repository.git"

    @contextmanager
    def commit_of(
        self, revision: str, *, fresh_s: float | None = None
    ) -> Iterator[str]:
        """The commit that a revision names, which is there until the end.

        `fresh_s`: how long ago a branch or a tag may have been looked up, FRESH_S by
        default. Raises RepositoryError.
        """
        fresh_s = FRESH_S if fresh_s is None else fresh_s
        with ExitStack() as held:
            try:
                self.place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                everything = held.enter_context(_opened(self.place.parent / LOCK))
                self._take(everything, exclusive=False)
                self.place.mkdir(mode=0o700, exist_ok=True)
                os.utime(self.place)  # used now
                commit = self._commit(revision, fresh_s)
            except OSError as error:
                raise RepositoryError(
                    "broken", f"{self.place} can't be written: {error.strerror}."
                ) from error
            yield commit

    def read(self, revision: str, names: Sequence[str]) -> dict[str, str]:
        """The texts of those files that the revision has. Raises RepositoryError."""
        with self.commit_of(revision) as commit:
            return self._read(commit, names) if names else {}

    def _read(self, commit: str, names: Sequence[str]) -> dict[str, str]:
        listed = self.git.run(
            *("ls-tree", "-z", "-l", "--full-tree", commit, "--", *names),
            cwd=self.objects,
        )
        entries = map(_FILE.fullmatch, listed.decode(errors="replace").split("\0"))
        blobs = {entry[3]: (entry[1], int(entry[2])) for entry in entries if entry}
        small = {blob: size for blob, size in blobs.values() if size <= MOST_BYTES}
        texts = self._texts(small)
        return {
            name: texts[blob] if blob in texts else self._beginning(blob)
            for name, (blob, _) in blobs.items()
        }

    def _texts(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Of blobs of these sizes, all at once."""
        # It prints each behind a line of its own, and a newline after it.
        said = self.git.run(
            *("cat-file", "--batch=%(objectsize)"),
            cwd=self.objects,
            told="".join(f"{blob}\n" for blob in sizes).encode(),
            most_bytes=sum(sizes.values()) + 32 * len(sizes),
        )
        texts, at = {}, 0
        for blob, size in sizes.items():
            at = said.index(b"\n", at) + 1
            texts[blob] = said[at : at + size].decode("utf-8", "replace")
            at += size + 1
        return texts

    def _beginning(self, blob: str) -> str:
        raw = self.git.run(
            "cat-file", "blob", blob, cwd=self.objects, most_bytes=MOST_BYTES
        )
        return raw.decode("utf-8", "replace")

    def _commit(self, revision: str, fresh_s: float) -> str:
        # What it was when it was looked up; and, by its time, when that was.
        known = self.place / f"{_digest(revision)}.commit"
        if commit := _fresh(known, revision, fresh_s):
            return commit
        with _opened(self.place / LOCK) as mine:
            self._take(mine, exclusive=True)
            if commit := _fresh(known, revision, fresh_s):
                return commit
            commit = self._fetch(revision)
            for path in (known, self.place / f"{_digest(commit)}.commit"):
                write_atomic(path, commit.encode())
            return commit

    def _fetch(self, revision: str) -> str:
        if not (self.objects / "HEAD").is_file():
            self.objects.mkdir(exist_ok=True)
            self.git.run("init", "--quiet", "--bare", cwd=self.objects)
        # A fetch that was killed leaves it, and no other one is under way.
        (self.objects / "shallow.lock").unlink(missing_ok=True)
        try:
            fetch(self.git, self.git.url, revision, cwd=self.objects)
        except RepositoryError as error:
            if error.kind != "unknown" or not _SHORT_COMMIT.fullmatch(revision):
                raise
            commit = self._whole(revision)
            fetch(self.git, self.git.url, commit, cwd=self.objects)
        said = self.git.run(
            "rev-parse", "--verify", "FETCH_HEAD^{commit}", cwd=self.objects
        )
        return said.decode().strip()

    def _whole(self, short: str) -> str:
        """The commit whose name begins so, found among all of the repository's; their
        files are left out where its server can do that."""
        with TemporaryDirectory(prefix="history.", dir=self.place) as name:
            place = Path(name)
            self.git.run("init", "--quiet", "--bare", cwd=place)
            self.git.run(
                *("fetch", "--quiet", "--filter=tree:0", "--no-tags", "--"),
                *(
                    self.git.url,
                    "+refs/heads/*:refs/heads/*",
                    "+refs/tags/*:refs/tags/*",
                ),
                cwd=place,
            )
            # `git rev-parse` would ask the server for what is missing.
            said = self.git.run(
                "log", "--all", "--format=%H", cwd=place, most_bytes=MOST_HISTORY_BYTES
            )
        found = [name for name in said.decode().split() if name.startswith(short)]
        if len(found) == 1:
            return found[0]
        how_many = "several commits begin" if found else "no commit begins"
        raise RepositoryError("unknown", f"In {self.git.url} {how_many} with {short}.")

    def _take(self, lock: int, *, exclusive: bool) -> None:
        deadline = time.monotonic() + self.git.limit_s
        while not try_lock(lock, exclusive=exclusive):
            if time.monotonic() > deadline:
                words = f"{self.git.url} is being read by others for too long."
                raise RepositoryError("timeout", words)
            time.sleep(0.05)


@contextmanager
def _opened(lock: Path) -> Iterator[int]:
    descriptor = open_lock(lock)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def fetch(git: Git, remote: str, revision: str, *, cwd: Path) -> None:
    """One commit, which is FETCH_HEAD then, without its history."""
    git.run(
        *("fetch", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules"),
        *("--", remote, revision or "HEAD"),
        cwd=cwd,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _fresh(known: Path, revision: str, fresh_s: float) -> str:
    """The commit that is known, unless it may be another one by now."""
    try:
        age_s = time.time() - known.stat().st_mtime
        commit = known.read_text()
    except OSError:
        return ""
    is_commit = _COMMIT.fullmatch(revision) or (
        _SHORT_COMMIT.fullmatch(revision) and commit.startswith(revision)
    )
    return commit if is_commit or 0 <= age_s < fresh_s else ""
