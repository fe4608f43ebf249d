"""Finding the directories below a root that may be run folders."""

from __future__ import annotations

import fnmatch
import os
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# Links are followed below the root itself only: deeper ones are results and
# shortcuts, not places where an instrument writes.
MAX_LINK_LEVEL = 1
# Below one directory; a root with more is listed in part and said to be so.
MAX_ENTRIES = 200_000

Identity = tuple[int, int]  # device and inode


@dataclass(slots=True)
class Candidate:
    """A directory that may be a run folder.

    Whoever takes it sets `is_run`, so that nothing is looked for inside a run.
    """

    path: str
    level: int  # 1: directly below the root
    is_run: bool = False


@dataclass(slots=True)
class Walk:
    """One pass over a root; iterating it yields candidates.

    Hidden, ignored and plain files are passed over; no directory is yielded
    twice, whatever links there are. A directory that can't be listed stands in
    `unreadable` with the reason; only the root itself raises OSError.
    """

    root: str
    depth: int
    ignored: Sequence[str]
    # Other roots that lie inside this one: what is in them is theirs.
    other_roots: frozenset[str] = frozenset()
    pending: int = 0  # candidates known of that were not yielded yet
    unreadable: dict[str, str] = field(default_factory=dict)
    # Whether there is anything at all in the root, ignored names included.
    is_empty: bool = True
    device: int = 0

    def __iter__(self) -> Iterator[Candidate]:
        pattern = _any_of(self.ignored)
        found = os.stat(self.root)  # noqa: PTH116 - paths are text in a walk
        self.device = found.st_dev
        seen: set[Identity] = {(found.st_dev, found.st_ino)}
        queue: deque[tuple[str, int]] = deque()
        queue.extend((path, 1) for path in self._children(self.root, 1, pattern, seen))
        while queue:
            self.pending = len(queue) - 1
            path, level = queue.popleft()
            candidate = Candidate(path, level)
            yield candidate
            if candidate.is_run or level == self.depth:
                continue
            try:
                below = self._children(path, level + 1, pattern, seen)
            except OSError as error:
                self.unreadable[path] = error.strerror or str(error)
            else:
                queue.extend((child, level + 1) for child in below)

    def _children(
        self, directory: str, level: int, ignored: re.Pattern[str], seen: set[Identity]
    ) -> list[str]:
        """Paths of the directories in `directory`, in the order of their names."""
        names: list[str] = []
        links: list[str] = []
        device = os.stat(directory).st_dev  # noqa: PTH116 - as above
        with os.scandir(directory) as entries:
            for count, entry in enumerate(entries):
                self.is_empty = False
                if count >= MAX_ENTRIES:
                    self.unreadable[directory] = f"more than {MAX_ENTRIES} entries"
                    break
                if ignored.match(entry.name):
                    continue
                if _is_real_directory(entry):
                    identity = (device, entry.inode())
                    if identity not in seen:
                        seen.add(identity)
                        names.append(entry.name)
                elif level <= MAX_LINK_LEVEL and entry.is_symlink():
                    links.append(entry.name)
        names += [name for name in sorted(links) if self._is_new(directory, name, seen)]
        paths = [f"{directory}/{name}" for name in sorted(names)]
        if self.other_roots:
            return [path for path in paths if path not in self.other_roots]
        return paths

    def _is_new(self, directory: str, name: str, seen: set[Identity]) -> bool:
        """Whether a link leads to a directory that nothing else leads to."""
        try:
            found = os.stat(f"{directory}/{name}/.")  # noqa: PTH116 - as above
        except OSError:  # dangling, a loop, a plain file, not ours to enter
            return False
        identity = (found.st_dev, found.st_ino)
        if identity in seen:
            return False
        seen.add(identity)
        return True


def _is_real_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # a file system that tells no types, and trouble with this one
        return False


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)")
