"""What has been read of repositories elsewhere: single commits, without history."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from seqhub.lib.files import open_lock, try_lock, write_atomic
from turret.engine.pipelines.git import Git, RepositoryError

# Of a file; the rest is cut.
MOST_BYTES = 2 << 20
# A branch is looked up again after it.
FRESH_S = 60.0
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# As in ls-tree -z: mode, type, object, name.
_FILE = re.compile(r"100\d{3} blob ([0-9a-f]+)\t(.*)", re.DOTALL)


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

    def read(self, revision: str, names: Sequence[str]) -> dict[str, str]:
        """The texts of those files that the revision has. Raises RepositoryError."""
        commit = self._commit(revision)
        if not names:
            return {}
        listed = self.git.run(
            *("ls-tree", "-z", "--full-tree", commit, "--", *names), cwd=self.objects
        )
        entries = map(_FILE.fullmatch, listed.decode(errors="replace").split("\0"))
        return {entry[2]: self._text(entry[1]) for entry in entries if entry}

    def _text(self, blob: str) -> str:
        raw = self.git.run(
            "cat-file", "blob", blob, cwd=self.objects, most_bytes=MOST_BYTES
        )
        return raw.decode("utf-8", "replace")

    def _commit(self, revision: str) -> str:
        """The commit that a revision names, which is there now."""
        # What it was when it was looked up; and, by its time, when that was.
        known = self.place / f"{_digest(revision)}.commit"
        if commit := _fresh(known, revision):
            return commit
        try:
            self.place.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked():
                if commit := _fresh(known, revision):
                    return commit
                commit = self._fetch(revision)
                write_atomic(known, commit.encode())
                return commit
        except OSError as error:
            raise RepositoryError(
                "broken", f"{self.place} can't be written: {error.strerror}."
            ) from error

    def _fetch(self, revision: str) -> str:
        if not (self.objects / "HEAD").is_file():
            self.objects.mkdir(exist_ok=True)
            self.git.run("init", "--quiet", "--bare", cwd=self.objects)
        # A fetch that was killed leaves it, and no other one is under way.
        (self.objects / "shallow.lock").unlink(missing_ok=True)
        fetch(self.git, self.git.url, revision, cwd=self.objects)
        said = self.git.run(
            "rev-parse", "--verify", "FETCH_HEAD^{commit}", cwd=self.objects
        )
        return said.decode().strip()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = open_lock(self.place / "lock")
        try:
            deadline = time.monotonic() + self.git.limit_s
            while not try_lock(descriptor, exclusive=True):
                if time.monotonic() > deadline:
                    words = f"{self.git.url} is being read by others for too long."
                    raise RepositoryError("timeout", words)
                time.sleep(0.05)
            yield
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


def _fresh(known: Path, revision: str) -> str:
    """The commit that is known, unless it may be another one by now."""
    try:
        age_s = time.time() - known.stat().st_mtime
        commit = known.read_text()
    except OSError:
        return ""
    return commit if _COMMIT.fullmatch(revision) or 0 <= age_s < FRESH_S else ""
