"""What scripts rely on, against a whole running site."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator

import pytest

from seqhub.lib.log import LEVEL_CHECK_S
from tests.e2e.sites import Site, new_site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with new_site() as site:
        site.start()
        yield site
        assert site.stop() == 0


def read(
    site: Site, path: str, token: str, method: str = "GET", body: bytes | None = None
) -> str:
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.port}{path}",
        data=body,
        headers={"Authorization": f"Bearer {token}"},
        method=method,
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - this machine
        return str(answer.read().decode())


def test_a_token_made_while_it_is_up_works_at_once(site: Site) -> None:
    token = site.make_token("read", "write", "trace")
    assert re.fullmatch(r"sqh_\w+", token)
    assert json.loads(read(site, "/api/1.0/runfolders", token)) == {"runfolders": []}


def test_what_commands_did_while_it_was_down_holds_and_the_log_level_does_not() -> None:
    with new_site() as site:
        site.start()
        (site.data_dir / "run" / "log-level").write_text("ERROR")
        site.stop()
        token = site.make_token("read")
        site.start()
        assert json.loads(read(site, "/api/runfolders", token))["count"] == 0
        level = json.loads(read(site, "/api/1.0/admin/log_level", token))
        assert level == {"log_level": "INFO"}


def test_the_counts_of_all_web_workers_are_added_up(site: Site) -> None:
    token = site.make_token("read")
    # Many at once, so that more than one worker answers.
    for _ in range(30):
        assert site.get("/healthz") == 200

    def count() -> float:
        text = read(site, "/metrics", token)
        found = re.findall(
            r"^django_http_requests_total_by_view_transport_method_total"
            r'\{.*view="seqhub.health.healthz".*\} (\S+)$',
            text,
            re.MULTILINE,
        )
        return sum(map(float, found))

    seen = [count() for _ in range(10)]
    assert seen == sorted(seen)
    assert seen[0] >= 30


def test_the_log_level_changes_in_every_web_worker(site: Site) -> None:
    token = site.make_token("write", "read")

    def change(level: str) -> None:
        body = json.dumps({"log_level": level}).encode()
        answer = read(site, "/api/1.0/admin/log_level", token, "PUT", body)
        assert json.loads(answer) == {"log_level": level}
        time.sleep(2 * LEVEL_CHECK_S)

    def refusals() -> int:
        """Lines about requests without a token, after some more of them."""
        for _ in range(10):
            assert site.get("/api/1.0/runfolders") == 401
        time.sleep(0.5)
        return site.log.count("Unauthorized: /api/1.0/runfolders")

    change("WARNING")
    told = refusals()
    assert told >= 10
    change("ERROR")
    assert refusals() == told
    change("INFO")
    assert refusals() >= told + 10
