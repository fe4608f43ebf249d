"""Files and revisions of pipelines' repositories, by plain git.

No host's web API is asked: what git can read, a pipeline can come from.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from turret.engine.below import open_file, way_to
from turret.engine.pipelines.cache import MOST_BYTES, Cache, fetch
from turret.engine.pipelines.git import Git, RepositoryError
from turret.engine.pipelines.refs import Refs, parse_refs
from turret.engine.pipelines.sources import Source, check_revision
from turret.engine.pipelines.tidying import partial_of

LIMIT_S = 60.0
_MOST_REF_BYTES = 16 << 20


class Repository:
    """Pipelines' repositories, kept below `cache_dir` as far as they were read.

    Each command of git's has `limit_s` seconds, to clone some more; a local directory
    may hang with its disk. Raises RepositoryError.
    """

    def __init__(self, cache_dir: Path, *, limit_s: float = LIMIT_S) -> None:
        self.cache_dir = cache_dir
        self.limit_s = limit_s

    def read(
        self, source: Source, revision: str, names: Sequence[str]
    ) -> dict[str, str | None]:
        """The texts of files, by their paths in the repository; None where there is
        none, and cut after 2 MiB. A local directory without a revision is read as it
        stands, uncommitted changes included."""
        wanted = _checked(revision or source.revision)
        inside = [name for name in names if _is_inside(name)]
        if source.kind == "local" and not wanted:
            found = _read_directory(Path(source.url), inside)
        else:
            git = Git(_address(source), self.limit_s)
            found = Cache.of(self.cache_dir, git).read(wanted, inside)
        return {name: found.get(name) for name in names}

    def refs(self, source: Source) -> Refs:
        """Of a directory that is no repository: none."""
        url = _address(source)
        if source.kind == "local" and not _is_repository(Path(source.url)):
            return Refs()
        said = Git(url, self.limit_s).run(
            *("ls-remote", "--symref", "--", url),
            *("HEAD", "refs/heads/*", "refs/tags/*"),
            most_bytes=_MOST_REF_BYTES,
        )
        return parse_refs(said.decode(errors="replace"))

    def clone(self, source: Source, revision: str, target: Path) -> None:
        """A checkout of the revision at `target`, without history, whole or not at all.

        Raises FileExistsError when something is in `target` already.
        """
        git = Git(_address(source), 3 * self.limit_s)
        wanted = _checked(revision or source.revision)
        try:
            _require_empty(target)
            with partial_of(target, self.cache_dir) as partial:
                _fill(git, partial, git.url, wanted)
                # Replaces an empty directory only.
                partial.rename(target)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno == errno.ENOTEMPTY:
                raise FileExistsError(f"{target} is not empty") from error
            raise RepositoryError(
                "broken", f"{target} can't be written: {error.strerror}."
            ) from error

    def check_out(self, source: Source, revision: str, target: Path) -> str:
        """Have the files of a git source's revision at `target`; the commit.

        What is there already may be another revision of it, or what a killed one has
        left. Files that are the same in both are not touched: Nextflow knows them by
        path and time. What is not git's stays.
        """
        git = Git(_address(source), self.limit_s)
        cache = Cache.of(self.cache_dir, git)
        wanted = _checked(revision or source.revision)
        with cache.commit_of(wanted, fresh_s=0) as commit:
            try:
                target.mkdir(parents=True, exist_ok=True)
                for lock in (target / ".git").glob("**/*.lock"):
                    lock.unlink()
            except OSError as error:
                raise RepositoryError(
                    "broken", f"{target} can't be written: {error.strerror}."
                ) from error
            _fill(git, target, cache.objects.as_uri(), commit)
        return commit


def _fill(git: Git, target: Path, remote: str, revision: str) -> None:
    """A checkout of the revision, which `remote` has, with its submodules."""
    git.run("init", "--quiet", "--template=", cwd=target)
    # Against it the addresses of submodules may be given.
    git.run("config", "remote.origin.url", git.url, cwd=target)
    fetch(git, remote, revision, cwd=target)
    git.run("checkout", "--quiet", "--force", "--detach", "FETCH_HEAD", cwd=target)
    if (target / ".gitmodules").is_file():
        git.run(
            *("submodule", "--quiet", "update", "--init", "--recursive", "--force"),
            *("--depth", "1"),
            cwd=target,
        )


def _checked(revision: str) -> str:
    try:
        return check_revision(revision)
    except ValueError as error:
        raise RepositoryError("unknown", f"The revision {error}.") from None


def _address(source: Source) -> str:
    """For git; a directory's is one, so that it can be read without its history."""
    if source.kind == "git":
        return source.url
    _require_directory(Path(source.url))
    return f"file://{quote(source.url)}"


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    is_clean = "\0" not in name and ".." not in path.parts
    return is_clean and bool(path.parts) and not path.is_absolute()


def _is_repository(directory: Path) -> bool:
    """With a checkout, or bare."""
    with suppress(OSError):
        return (directory / ".git").exists() or (directory / "objects").is_dir()
    return False


def _require_directory(directory: Path) -> None:
    if not directory.is_dir():
        raise RepositoryError("missing", f"There is no directory {directory}.")


def _require_empty(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise FileExistsError(f"{target} is not empty")


def _read_directory(directory: Path, names: Sequence[str]) -> dict[str, str]:
    """Links are followed as long as they stay below it."""
    _require_directory(directory)
    found = {}
    for name in names:
        with suppress(OSError, ValueError):
            descriptor = open_file(*way_to(str(directory / name), directory))
            with os.fdopen(descriptor, "rb") as file:
                found[name] = file.read(MOST_BYTES).decode("utf-8", "replace")
    return found
