"""Where pipelines come from: what a person types, as an address for git or a directory.

`org/repo` is on GitHub, as Nextflow has it; `gitlab:org/repo` and `bitbucket:org/repo`
on those; https, ssh and file URLs, `git@host:path`, and absolute directories are as
they are. `@revision` may follow all but a directory.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

LONGEST_SOURCE = 1_000
LONGEST_REVISION = 255
_HOSTS = {
    "": "https://github.com/",
    "github": "https://github.com/",
    "gitlab": "https://gitlab.com/",
    "bitbucket": "https://bitbucket.org/",
}
_SEGMENT = r"[\w.~+][\w.~+%-]*"
_PATH = rf"{_SEGMENT}(?:/{_SEGMENT})*/?"
_HOST = r"(?:[A-Za-z0-9][\w.-]*|\[[0-9A-Fa-f:.]+\])"
_USER = r"[\w.][\w.+-]*@"
_REVISION = r"(?:@(?P<revision>.*))?"
_SHORT = re.compile(
    rf"(?:(?P<hub>[a-z]+):)?(?P<name>[\w.][\w.-]*(?:/[\w.][\w.-]*)+/?){_REVISION}"
)
_URL = re.compile(
    rf"(?P<url>(?:https?|ssh)://(?:{_USER})?{_HOST}(?::[0-9]{{1,5}})?/"
    rf"(?P<path>{_PATH})){_REVISION}"
)
_SCP = re.compile(rf"(?P<url>{_USER}{_HOST}:/?(?P<path>{_PATH})){_REVISION}")
_FILE = re.compile(rf"(?P<url>file://(?P<path>/[^@]*)){_REVISION}")
_PASSWORD = re.compile(r"[a-z]+://[^/@]*:[^/@]*@")
# No option, no refspec, nothing that a shell or git reads as more than a name.
_NAME = re.compile(r"\w[\w./+#=@-]*")
_CONTROL = re.compile(r"[\s\0-\x1f\x7f]")
HOW = (
    "name a pipeline as org/repo, as the address of a git repository (https://, "
    "ssh://, git@host:path), or by the absolute path of its directory"
)


@dataclass(frozen=True, slots=True)
class Source:
    kind: Literal["local", "git"]
    # For git, or an absolute path.
    url: str
    # For people: org/repo, or the last name of a path.
    name: str
    # Empty: the default branch, or the directory as it is.
    revision: str


def resolve(source: str) -> Source:
    """Raises ValueError, whose message says in a line what to write instead."""
    text = source.strip()
    if not text:
        raise ValueError(HOW)
    if text.startswith("-"):
        raise ValueError(f"a pipeline's name can't begin with `-`: {HOW}")
    if len(text) > LONGEST_SOURCE:
        raise ValueError(f"it is longer than {LONGEST_SOURCE} characters")
    if text.startswith("/"):
        return _directory(text)
    if _CONTROL.search(text):
        raise ValueError(f"there is a space or a control character in it: {HOW}")
    if _PASSWORD.match(text):
        raise ValueError(
            "a password in an address is seen by everybody: leave it out, and give it "
            "to git's credential helper"
        )
    if text.startswith("git@") or "://" in text:
        return _repository(text)
    return _short(text)


def check_revision(revision: str, source: Source | None = None) -> str:
    """A branch, tag or commit, without spaces around it; empty is the default branch.

    `source`: what is to be launched at it; a directory is launched as it stands.
    Raises ValueError, whose message follows "the revision".
    """
    text = revision.strip()
    if not text:
        return ""
    if source is not None and source.kind == "local":
        raise ValueError(
            f"must be empty: a directory is launched as it stands. Of a git repository "
            f"there, write file://{source.url}"
        )
    if len(text) > LONGEST_REVISION:
        raise ValueError(f"is longer than {LONGEST_REVISION} characters")
    if not _NAME.fullmatch(text) or ".." in text or text.endswith(("/", ".lock")):
        raise ValueError(
            "must be a branch, a tag or a commit: letters, digits and . _ / + # = @ -, "
            "and a letter or a digit first"
        )
    return text


def _directory(text: str) -> Source:
    if "\0" in text or "\n" in text:
        raise ValueError("there is a control character in the path")
    path = os.path.normpath(text)
    return Source("local", path, PurePosixPath(path).name or path, "")


def _repository(text: str) -> Source:
    found = _URL.fullmatch(text) or _SCP.fullmatch(text) or _FILE.fullmatch(text)
    if found is None or ".." in found["path"].split("/"):
        raise ValueError(f"{text:.200} is no address of a git repository: {HOW}")
    name = found["path"].strip("/").removesuffix(".git")
    if text.startswith("file:"):
        name = PurePosixPath(name).name
    return Source("git", found["url"].rstrip("/"), name, _revision(found["revision"]))


def _short(text: str) -> Source:
    if re.fullmatch(r"\w[\w.-]*", text):
        # Nextflow takes it for one of its own, unless it has run another.
        raise ValueError(
            f"`{text:.200}` lacks its organisation, as in nextflow-io/hello"
        )
    found = _SHORT.fullmatch(text)
    if found is None or (found["hub"] or "") not in _HOSTS:
        raise ValueError(f"{text:.200} is no pipeline: {HOW}")
    name, hub = found["name"].strip("/").removesuffix(".git"), found["hub"] or ""
    parts = name.split("/")
    # Only GitLab has groups in groups.
    if {".", ".."} & set(parts) or (len(parts) != 2 and hub != "gitlab"):
        raise ValueError(f"{text:.200} is no pipeline: {HOW}")
    return Source("git", _HOSTS[hub] + name, name, _revision(found["revision"]))


def _revision(text: str | None) -> str:
    try:
        return check_revision(text or "")
    except ValueError as error:
        raise ValueError(f"the revision behind the @ {error}") from None
