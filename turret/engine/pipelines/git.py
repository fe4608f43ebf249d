"""git, run so that it ends in time, asks nobody, and says what went wrong."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from seqhub.lib import processes

Kind = Literal["unknown", "timeout", "password", "missing", "broken"]

# What one file that git writes may have: a pack of a repository.
MOST_BYTES = 4 << 30
# It ends with us; a hung one would write to what another has begun anew.
_LIMITED = ("setpriv", "--pdeathsig", "KILL", "prlimit", f"--fsize={MOST_BYTES}")
# Of its environment, what it may need of ours.
_PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME"),
    *("SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE"),
    *("SSL_CERT_DIR", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"),
)
_OPTIONS = (
    # The cache is never tidied behind our back, and nothing of a repository is run.
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    *("-c", "protocol.allow=never", "-c", "protocol.ssh.allow=always"),
    *("-c", "protocol.http.allow=always", "-c", "protocol.https.allow=always"),
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "advice.detachedHead=false", "-c", "init.defaultBranch=main"),
)
# What git, ssh and curl say in the C locale, in the order in which they are looked for.
_SAID: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    ("unknown", ("couldn't find remote ref", "not our ref", "unadvertised object")),
    ("password", ("could not read username", "could not read password")),
    ("password", ("authentication failed", "permission denied (", "error: 403")),
    ("password", ("host key verification failed", "unable to read askpass")),
    ("missing", ("does not appear to be a git repository", "repository not found")),
    ("missing", ("error: 404", "not found", "does not exist")),
)
_WORDS: dict[Kind, str] = {
    "unknown": "{url} has no revision of this name",
    "password": "{url} asks for a password or a key: it is private, or there is none "
    "of this name. The user that runs SeqHub needs a credential helper or a key for it",
    "missing": "there is no git repository at {url}",
}
_NO_GIT = "git can't be run: apt install git util-linux."


class RepositoryError(Exception):
    """A repository can't be read. `kind` is for programs, `message` for people.

    unknown: it has no such revision; timeout: it did not answer; password: it asks
    for one; missing: there is none; broken: all else.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class Git:
    """git's commands about one repository elsewhere, each of `limit_s` at most."""

    url: str
    limit_s: float

    def run(
        self,
        *arguments: str,
        cwd: Path | None = None,
        most_bytes: int = 1 << 20,
        told: bytes = b"",
    ) -> bytes:
        """Up to `most_bytes` of what it prints, when it is `told` something. Raises
        RepositoryError.

        What others have written stands in `arguments` only behind `--`, or checked.
        """
        with (
            tempfile.TemporaryFile() as stdin,
            tempfile.TemporaryFile() as output,
            tempfile.TemporaryFile() as messages,
        ):
            stdin.write(told)
            stdin.seek(0)
            code = self._code_of(arguments, cwd, stdin, output, messages)
            if code in (126, 127):  # setpriv(1), prlimit(1): no such program
                raise RepositoryError("broken", _NO_GIT)
            if code:
                said = _read(messages, 1 << 16).decode(errors="replace")
                raise _error(said, self.url)
            return _read(output, most_bytes)

    def _of_this_disk(self) -> tuple[str, str]:
        """No submodule of a repository that is elsewhere."""
        is_here = self.url.startswith("file:")
        return "-c", f"protocol.file.allow={'always' if is_here else 'user'}"

    def _code_of(
        self,
        arguments: Sequence[str],
        cwd: Path | None,
        stdin: IO[bytes],
        output: IO[bytes],
        messages: IO[bytes],
    ) -> int:
        """Files, not pipes: what a helper of git's holds open is not waited for."""
        try:
            process = subprocess.Popen(
                [*_LIMITED, "git", *_OPTIONS, *self._of_this_disk(), *arguments],
                env=_environment(),
                cwd=cwd,
                stdin=stdin,
                stdout=output,
                stderr=messages,
                start_new_session=True,
            )
        except OSError as error:
            raise RepositoryError("broken", _NO_GIT) from error
        try:
            return process.wait(self.limit_s)
        except subprocess.TimeoutExpired:
            words = f"{self.url} did not answer in {self.limit_s:g} s."
            raise RepositoryError("timeout", words) from None
        finally:
            if process.poll() is None:
                processes.end_session(process.pid, grace_s=1)
                process.wait()


def _read(file: IO[bytes], most: int) -> bytes:
    file.seek(0)
    return file.read(most)


def _environment() -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    ssh = passed_on.get("GIT_SSH_COMMAND", "ssh")
    return {
        **passed_on,
        "LC_ALL": "C.UTF-8",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
        "GIT_SSH_COMMAND": f"{ssh} -o BatchMode=yes -o ConnectTimeout=15",
        "GIT_LITERAL_PATHSPECS": "1",
    }


def _error(said: str, url: str) -> RepositoryError:
    lower = said.lower()
    for kind, phrases in _SAID:
        if any(phrase in lower for phrase in phrases):
            return RepositoryError(kind, f"{_WORDS[kind].format(url=url)}.")
    if "dubious ownership" in lower:
        words = (
            f"{url} belongs to another user, whom git does not trust. As the user that "
            "runs SeqHub: git config --global --add safe.directory, and its path."
        )
        return RepositoryError("broken", words)
    lines = [line for line in said.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines
    last = told[0].removeprefix("fatal: ")[:300] if told else "it gave no reason"
    return RepositoryError("broken", f"git can't read {url}: {last.rstrip('.')}.")
