from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.preflight import check_encrypts
from archiving.engine.gpg.recipients import Recipient, look_up
from archiving.errors import Code
from tests.archiving.keys import add_key, disable_key


def look(
    tmp_path: Path, site: Path, identifier: str, now: datetime | None = None
) -> Recipient:
    with open_home(tmp_path / "run", site) as home:
        [found] = look_up(home, [identifier], now or datetime.now(UTC))
        if now is None:
            assert check_encrypts(home, [found]) == [found]
        return found


def test_a_good_key_is_described(tmp_path: Path, site: Path) -> None:
    fingerprint = add_key(site, "good")
    found = look(tmp_path, site, "good@example.org")
    assert found.identifier == "good@example.org"
    assert found.fingerprint == fingerprint
    assert found.user_ids == ("good <good@example.org>",)
    assert found.algorithm == "cv25519"
    assert found.created_at is not None
    assert found.created_at.tzinfo is UTC
    assert found.expires_at is None
    assert (found.problem, found.expires_soon, found.can_open) == (None, False, True)
    assert look(tmp_path, site, fingerprint).fingerprint == fingerprint
    assert look(tmp_path, site, fingerprint[-16:]).fingerprint == fingerprint


def test_what_a_key_calls_its_owner_can_forge_no_line(
    tmp_path: Path, site: Path
) -> None:
    fingerprint = add_key(site, "a\x1b[2Jb")
    found = look(tmp_path, site, fingerprint)
    assert found.user_ids == ("a\\x1b[2Jb <a\\x1b[2Jb@example.org>",)


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        ("expired", Code.RECIPIENT_EXPIRED, "expired on 2020-01-02"),
        ("revoked", Code.RECIPIENT_UNUSABLE, "revoked"),
        ("sign_only", Code.RECIPIENT_UNUSABLE, "can't encrypt"),
    ],
)
def test_a_key_of_no_use_says_why(
    tmp_path: Path, site: Path, kind: str, code: Code, word: str
) -> None:
    add_key(
        site,
        kind,
        expired=kind == "expired",
        revoked=kind == "revoked",
        sign_only=kind == "sign_only",
    )
    found = look(tmp_path, site, kind)
    assert found.problem == code
    assert word in found.message
    assert found.next_step


def test_a_disabled_key_is_of_no_use(tmp_path: Path, site: Path) -> None:
    disable_key(site, add_key(site, "idle"))
    found = look(tmp_path, site, "idle")
    assert found.problem == Code.RECIPIENT_UNUSABLE
    assert "disabled" in found.message


def test_two_keys_for_one_name_need_a_fingerprint(tmp_path: Path, site: Path) -> None:
    prints = [add_key(site, "twin"), add_key(site, "twin", expires="9y")]
    found = look(tmp_path, site, "twin@example.org")
    assert found.problem == Code.RECIPIENT_UNUSABLE
    assert all(one in found.message for one in prints)
    assert look(tmp_path, site, prints[1]).problem is None


@pytest.mark.parametrize("identifier", ["nobody", "", " ", "--list-config", "A" * 40])
def test_an_identifier_without_key_is_missing(
    tmp_path: Path, site: Path, identifier: str
) -> None:
    assert look(tmp_path, site, identifier).problem == Code.RECIPIENT_MISSING


def test_the_end_of_a_key_is_seen_coming(tmp_path: Path, site: Path) -> None:
    add_key(site, "brief", expires="60d")
    now = datetime.now(UTC)
    expectations = [
        (now, False, None),
        (now + timedelta(days=40), True, None),
        (now + timedelta(days=61), False, Code.RECIPIENT_EXPIRED),
    ]
    for moment, soon, problem in expectations:
        found = look(tmp_path, site, "brief", moment)
        assert (found.expires_soon, found.problem) == (soon, problem)


def test_a_public_key_alone_opens_nothing(tmp_path: Path, site: Path) -> None:
    add_key(site, "outside", public_only=True)
    assert not look(tmp_path, site, "outside").can_open
