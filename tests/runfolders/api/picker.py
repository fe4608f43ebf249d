"""A process that picks up run folders over the API until none is left.

    python -m tests.runfolders.api.picker TOKEN

It waits for a line on standard input, so that many begin at once, and prints the
path of each run folder it got. DATABASE_URL names the database.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")
    django.setup()
    # The test client is the whole stack but the socket.
    from rest_framework.test import APIClient

    client = APIClient(
        headers={"Host": "localhost", "Authorization": f"Bearer {sys.argv[1]}"}
    )
    client.get("/api/1.0/runfolders/next")
    print("ready", flush=True)
    sys.stdin.readline()
    while (answer := client.get("/api/1.0/runfolders/pickup")).status_code == 200:
        print(answer.json()["path"], flush=True)
    sys.exit(0 if answer.status_code == 204 else f"{answer.content!r}")


if __name__ == "__main__":
    main()
