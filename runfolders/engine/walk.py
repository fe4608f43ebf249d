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

    Hidden, ignored and plain files are passed over, and links that lead where
    the walk comes anyway. A directory that can't be listed stands in `unreadable`
    with the reason; only the root itself raises OSError.
    """

    root: str
    depth: int
    ignored: Sequence[str]
    # Other roots that lie inside this one: what is in them is theirs.
    other_roots: frozenset[str] = frozenset()
    # Real paths of directories that are known not to be new runs.
    passed_over: frozenset[str] = frozenset()
    pending: int = 0  # candidates known of that were not yielded yet
    unreadable: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Candidate]:
        queue: deque[tuple[str, int]] = deque()
        queue.extend((path, 1) for path in self._children(self.root, 1))
        while queue:
            self.pending = len(queue) - 1
            path, level = queue.popleft()
            candidate = Candidate(path, level)
            yield candidate
            if candidate.is_run or level == self.depth:
                continue
            try:
                below = self._children(path, level + 1)
            except OSError as error:
                self.unreadable[path] = error.strerror or str(error)
            else:
                queue.extend((child, level + 1) for child in below)

    def _children(self, directory: str, level: int) -> list[str]:
        """Paths of the directories in `directory`, in the order of their names."""
        ignored = _any_of(self.ignored)
        names: list[str] = []
        links: list[str] = []
        with os.scandir(directory) as entries:
            for count, entry in enumerate(entries):
                if count >= MAX_ENTRIES:
                    self.unreadable[directory] = f"more than {MAX_ENTRIES} entries"
                    break
                if ignored.match(entry.name):
                    continue
                # Never told apart by inode: some FUSE mounts and overlays give
                # the same number to every entry.
                if _is_real_directory(entry):
                    names.append(entry.name)
                elif level <= MAX_LINK_LEVEL and entry.is_symlink():
                    links.append(entry.name)
        paths = [f"{directory}/{name}" for name in names]
        paths += self._first_ways([f"{directory}/{name}" for name in links])
        paths = [path for path in paths if path not in self.other_roots]
        if self.passed_over:
            where = os.path.realpath(directory)
            paths = [path for path in paths if not self._passes_over(path, where)]
        return sorted(paths)

    def _passes_over(self, path: str, where: str) -> bool:
        """Whether `path`, in the directory whose real path is `where`, is one."""
        if f"{where}/{os.path.basename(path)}" in self.passed_over:
            return True
        is_link = os.path.islink(path)  # noqa: PTH114 - paths are text in a walk
        return is_link and os.path.realpath(path) in self.passed_over

    def _first_ways(self, links: list[str]) -> list[str]:
        """Of links below the root those that lead to a directory to which neither
        the walk itself nor another of them leads."""
        targets = [(target, link) for link in links if (target := _target(link))]
        bases = [(os.path.realpath(self.root), 0)] if targets else []
        found = []
        # What holds others first.
        for target, link in sorted(targets, key=lambda pair: (len(pair[0]), pair)):
            if not any(self._comes_to(target, *base) for base in bases):
                bases.append((target, 1))
                found.append(link)
        return found

    def _comes_to(self, target: str, base: str, level: int) -> bool:
        """Whether a walk that is at `base`, so deep, comes to `target` by itself."""
        if target == base or is_below(base, target):
            return True
        return is_below(target, base) and covers(
            base, self.depth - level, self.ignored, target
        )

    def covers(self, path: str) -> bool:
        """Whether the walk would come to `path`, as far as the names above it and
        their links tell. Looks at the disk."""
        if not covers(self.root, self.depth, self.ignored, path):
            return False
        above = path
        while (directory := os.path.dirname(above)) != self.root:
            if os.path.islink(above):  # noqa: PTH114 - paths are text in a walk
                return False
            above = directory
        return not os.path.islink(above) or bool(self._first_ways([above]))  # noqa: PTH114


def covers(root: str, depth: int, ignored: Sequence[str], path: str) -> bool:
    """Whether `path` lies where a walk over `root` looks, going by names alone."""
    if not is_below(path, root):
        return False
    names = path[len(root.rstrip("/")) + 1 :].split("/")
    pattern = _any_of(ignored)
    return len(names) <= depth and not any(map(pattern.match, names))


def is_below(path: str, directory: str) -> bool:
    """Whether `path` lies inside `directory`, at any depth; both normal."""
    return path.startswith(directory.rstrip("/") + "/") and path != directory


def _target(link: str) -> str | None:
    """The directory that a link leads to; None if it leads to none."""
    try:
        os.stat(f"{link}/.")  # noqa: PTH116 - as above
    except OSError:  # dangling, a loop, a plain file, not ours to enter
        return None
    return os.path.realpath(link)


def _is_real_directory(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # a file system that tells no types, and trouble with this one
        return False


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(fnmatch.translate, patterns)) or r"(?!)")
