"""Real repositories of git, on this disk and behind a web server."""

from __future__ import annotations

import os
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONFIG = "manifest { name = 'org/pipe' }\nprofiles { test { params.x = 1 } }\n"
USER, PASSWORD = "reader", "open-sesame"
AUTHORIZATION = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"))
}


def git(place: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", *arguments],
        cwd=place,
        env={**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    return ended.stdout.strip()


@dataclass(frozen=True)
class Origin:
    """A bare repository, and a checkout from which it is filled."""

    bare: Path
    checkout: Path

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def commit(self, files: dict[str, str], *refs: str) -> str:
        """Commit files and push them to `refs` (refs/heads/x, refs/tags/x)."""
        for name, text in files.items():
            path = self.checkout / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        git(self.checkout, "add", "--all")
        git(self.checkout, "commit", "--quiet", "--message", "x")
        for ref in refs:
            git(self.checkout, "push", "--quiet", "--force", "origin", f"HEAD:{ref}")
        return git(self.checkout, "rev-parse", "HEAD")


def made(directory: Path) -> Origin:
    """With the branches `main` (the default) and `dev`, and the tag 1.0."""
    origin = Origin(directory / "pipe.git", directory / "checkout")
    directory.mkdir(exist_ok=True)
    git(directory, "init", "--quiet", "--bare", "-b", "main", str(origin.bare))
    git(directory, "clone", "--quiet", str(origin.bare), str(origin.checkout))
    origin.commit({"nextflow.config": CONFIG, "README.md": "one"}, "refs/tags/1.0")
    files = {"README.md": "two", "assets/schema_input.json": "{}", "main.nf": "x"}
    origin.commit(files, "refs/heads/main")
    origin.commit({"README.md": "three"}, "refs/heads/dev")
    return origin


class _Git(BaseHTTPRequestHandler):
    """git-http-backend(1). Below /private, which is the same, a password is asked
    for."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        is_private = self.path.startswith("/private/")
        if is_private and self.headers.get("Authorization") != AUTHORIZATION:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="private"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.removeprefix("/private").partition("?")
        length = int(self.headers.get("Content-Length") or 0)
        answer = subprocess.run(
            ["git", "http-backend"],
            input=self.rfile.read(length),
            env={
                "PATH": os.environ["PATH"],
                "HOME": os.environ.get("HOME", "/"),
                "GIT_PROJECT_ROOT": str(self.server.root),  # type: ignore[attr-defined]
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(length),
            },
            capture_output=True,
            check=False,
        ).stdout
        head, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(
            line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line
        )
        self.send_response(int(headers.pop("Status", "200")[:3]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(root: Path) -> Iterator[str]:
    """The address at which the repositories below `root` are."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Git) as server:
        server.root = root  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
