from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def scripts(policy: str) -> str:
    """What the policy says of scripts, its default where it says nothing."""
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    return rules.get("script-src", rules["default-src"])


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/admin/login/", "'self' 'unsafe-eval'"),
        ("/docs", "'self'"),
        ("/api", "'self'"),
        ("/healthz", "'self'"),
        ("/nothing", "'self'"),
    ],
)
def test_no_page_runs_scripts_that_stand_in_it(
    client: Client, path: str, allowed: str
) -> None:
    policy = client.get(path).headers["Content-Security-Policy"]
    assert scripts(policy) == allowed
    assert "frame-ancestors 'none'" in policy
