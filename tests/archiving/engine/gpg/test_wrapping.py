from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiving.engine.gpg.agents import processes_of
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.preflight import check_encrypts, key_test
from archiving.engine.gpg.recipients import Recipient, look_up
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.gpg.wrapping import recipients_of, unwrap, wrap
from archiving.errors import Code, Trouble
from tests.archiving.keys import add_key, gpg, make_home


def recipients(home: Path, *names: str) -> list[Recipient]:
    return look_up(home, names, datetime.now(UTC))


def test_a_wrapped_key_comes_back(home: Path) -> None:
    key = new_session_key()
    assert unwrap(home, wrap(home, key, recipients(home, "core@example.org"))) == key


def test_each_of_two_recipients_opens_it_alone(tmp_path: Path) -> None:
    everybody = make_home(tmp_path / "both")
    names = ("one", "two")
    for name in names:
        add_key(make_home(tmp_path / name), name)
        add_key(everybody, name, public_only=True)
    key = new_session_key()
    with open_home(tmp_path / "run", everybody) as home:
        wrapped = wrap(home, key, recipients(home, *names))
        with pytest.raises(Trouble) as caught:
            unwrap(home, wrapped)
        assert caught.value.code == Code.NO_SECRET_KEY
        assert "--key-file" in caught.value.next_step
    for name in names:
        with open_home(tmp_path / "run", tmp_path / name) as home:
            assert unwrap(home, wrapped) == key


def test_recipients_are_read_without_keys_or_agent(tmp_path: Path, site: Path) -> None:
    add_key(site, "two")
    with open_home(tmp_path / "run", site) as home:
        both = recipients(home, "core", "two")
        wrapped = wrap(home, new_session_key(), both)
        assert set(recipients_of(wrapped)) == {one.key_id for one in both}
        assert processes_of(home) == []


def test_a_message_that_misses_a_recipient_is_refused(home: Path) -> None:
    # gpg takes a fingerprint twice as one: the second has another key id.
    [core] = recipients(home, "core")
    other = Recipient("other", encryption_fingerprint=core.fingerprint)
    with pytest.raises(Trouble) as caught:
        wrap(home, new_session_key(), [core, other])
    assert caught.value.code == Code.GPG_FAILED


def test_nothing_is_wrapped_to_nobody(home: Path) -> None:
    with pytest.raises(Trouble) as caught:
        wrap(home, new_session_key(), [])
    assert caught.value.code == Code.NO_RECIPIENT


def test_nothing_is_wrapped_when_one_of_them_has_a_problem(home: Path) -> None:
    with pytest.raises(Trouble) as caught:
        wrap(home, new_session_key(), recipients(home, "core", "nobody"))
    assert caught.value.code == Code.RECIPIENT_MISSING


@pytest.mark.slow  # gpg measures how slow a passphrase has to be
def test_a_protected_secret_key_is_no_secret_key(tmp_path: Path) -> None:
    site = make_home(tmp_path / "site")
    add_key(site, "careful", passphrase="hidden")
    with open_home(tmp_path / "run", site) as home:
        [careful] = recipients(home, "careful")
        assert not careful.can_open
        wrapped = wrap(home, new_session_key(), [careful])
        with pytest.raises(Trouble) as caught:
            unwrap(home, wrapped)
    assert caught.value.code == Code.NO_SECRET_KEY
    assert "passphrase" in caught.value.message


def damaged(wrapped: bytes) -> dict[str, bytes]:
    def flipped(at: int) -> bytes:
        copy = bytearray(wrapped)
        copy[at] ^= 1
        return bytes(copy)

    return {
        "empty": b"",
        "noise": bytes(range(256)),
        "text": b"0123456789abcdef\n",
        "cut early": wrapped[:60],
        "cut late": wrapped[:-1],
        "cut in the middle": wrapped[: len(wrapped) // 2],
        "session key flipped": flipped(60),
        "content flipped": flipped(-5),
    }


def test_a_damaged_message_is_garbage(home: Path) -> None:
    wrapped = wrap(home, new_session_key(), recipients(home, "core"))
    for kind, content in damaged(wrapped).items():
        with pytest.raises(Trouble) as caught:
            unwrap(home, content)
        assert (kind, caught.value.code) == (kind, Code.WRONG_KEY)


@pytest.mark.parametrize("raw", [b"abc\ndef", b"abc\0def", b"abc"])
def test_an_old_key_is_what_gpg_used_of_it(home: Path, raw: bytes) -> None:
    wrapped = gpg(home, "--trust-model", "always", "-r", "core", "-e", content=raw)
    assert unwrap(home, wrapped) == b"abc"


def test_the_preflight_passes_a_good_key(home: Path) -> None:
    found = recipients(home, "core", "nobody")
    assert check_encrypts(home, found) == found


def test_the_preflight_finds_a_key_that_does_not_encrypt(home: Path) -> None:
    # As it stands after somebody deleted it between look-up and use.
    gone = Recipient("gone", encryption_fingerprint="A" * 40)
    [tried] = check_encrypts(home, [gone])
    assert tried.problem == Code.RECIPIENT_UNUSABLE


def test_a_key_test_passes_with_the_secret_key(home: Path) -> None:
    [core] = recipients(home, "core")
    assert core.can_open
    key_test(home, core)


def test_a_key_test_fails_without_the_secret_key(tmp_path: Path) -> None:
    site = make_home(tmp_path / "site")
    add_key(site, "core", public_only=True)
    with open_home(tmp_path / "run", site) as home:
        [core] = recipients(home, "core")
        assert not core.can_open
        with pytest.raises(Trouble) as caught:
            key_test(home, core)
    assert caught.value.code == Code.NO_SECRET_KEY
