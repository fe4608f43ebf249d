"""Who can open our archives: public keys as the configuration names them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gnupg

from archiving.engine.gpg import calls
from archiving.engine.gpg.home import PRIVATE_KEYS
from archiving.errors import Code
from seqhub.lib.text import printable

SOON = timedelta(days=30)
SECRET_KEY_LIMIT_BYTES = 64 * 1024
# A secret key that needs no passphrase, in the plain and the named form of
# agent/keyformat.txt of GnuPG; others are "protected-" or on a card ("shadowed-").
UNPROTECTED = re.compile(rb"\((?:11:)?private-key")
ALGORITHMS = {"1": "rsa", "2": "rsa", "3": "rsa", "16": "elg", "17": "dsa"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A configured recipient; without a key most fields are empty.

    Times are aware, UTC. The fields about encryption are of the subkey that gpg
    would take.
    """

    identifier: str  # as configured
    fingerprint: str = ""
    encryption_fingerprint: str = ""
    user_ids: tuple[str, ...] = ()
    algorithm: str = ""  # for encryption: rsa4096, cv25519
    created_at: datetime | None = None
    expires_at: datetime | None = None  # of key or subkey, whichever is earlier
    expires_soon: bool = False
    can_open: bool = False  # a secret key without passphrase is at hand
    problem: Code | None = None
    message: str = ""
    next_step: str = ""

    @property
    def key_id(self) -> str:
        """The long key id, as an encrypted message names its recipient."""
        return self.encryption_fingerprint[-16:]


def look_up(home: Path, identifiers: Sequence[str], now: datetime) -> list[Recipient]:
    """Each identifier (fingerprint, key id, address) with its key or its problem.

    Starts no agent. Raises Trouble(PROGRAM_MISSING).
    """
    if not shutil.which("gpg"):
        raise calls.program_missing("gpg")
    gpg = gnupg.GPG(gnupghome=str(home), env=calls.environment())
    gpg.encoding = "utf-8"
    return [_look_up(gpg, home, identifier, now) for identifier in identifiers]


def _look_up(gpg: gnupg.GPG, home: Path, identifier: str, now: datetime) -> Recipient:
    # gpg would take a dash for an option, and nothing for everything.
    searchable = identifier.strip() and not identifier.startswith("-")
    keys = list(gpg.list_keys(keys=[identifier])) if searchable else []
    if len(keys) == 1:
        return _describe(home, identifier, keys[0], now)
    if not keys:
        return Recipient(
            identifier,
            problem=Code.RECIPIENT_MISSING,
            message=f"there is no public key of {identifier!r}",
            next_step="Import it into archiving.gnupg_home: gpg --import FILE",
        )
    choice = ", ".join(key["fingerprint"] for key in keys)
    return Recipient(
        identifier,
        problem=Code.RECIPIENT_UNUSABLE,
        message=f"{len(keys)} public keys match {identifier!r}: {choice}",
        next_step="Write the fingerprint of the one that is meant in "
        "archiving.gpg_receivers.",
    )


def _describe(
    home: Path, identifier: str, key: dict[str, Any], now: datetime
) -> Recipient:
    subkey = _encryption_key(key, now)
    ends = [_time(part["expires"]) for part in (key, subkey or key)]
    expires_at = min((end for end in ends if end), default=None)
    problem, message, next_step = _problem(identifier, key, subkey, expires_at, now)
    return Recipient(
        identifier,
        fingerprint=key["fingerprint"],
        encryption_fingerprint=subkey["fingerprint"] if subkey else "",
        user_ids=tuple(map(printable, key["uids"])),
        algorithm=_algorithm(subkey or key),
        created_at=_time(key["date"]),
        expires_at=expires_at,
        expires_soon=bool(expires_at and now < expires_at <= now + SOON),
        can_open=subkey is not None and _has_secret(home, subkey["keygrip"]),
        problem=problem,
        message=message,
        next_step=next_step,
    )


def _problem(
    identifier: str,
    key: dict[str, Any],
    subkey: dict[str, Any] | None,
    expires_at: datetime | None,
    now: datetime,
) -> tuple[Code | None, str, str]:
    """Code, message and next step; the first thing that is wrong with a key."""
    name = f"the key of {identifier!r} ({key['fingerprint']})"
    another = "Ask its owner for a new key and name it in archiving.gpg_receivers."
    if key["trust"] == "r":
        return Code.RECIPIENT_UNUSABLE, f"{name} is revoked", another
    if "D" in key["cap"]:
        step = f"Enable it: gpg --edit-key {key['fingerprint']} enable"
        return Code.RECIPIENT_UNUSABLE, f"{name} is disabled", step
    if subkey is None:
        return Code.RECIPIENT_UNUSABLE, f"{name} can't encrypt", another
    if expires_at and expires_at <= now:
        message = f"{name} expired on {expires_at:%Y-%m-%d}"
        step = "Ask its owner to extend it, and import it again: gpg --import FILE"
        return Code.RECIPIENT_EXPIRED, message, step
    if subkey["trust"] in {"i", "n"} or key["trust"] in {"i", "n"}:
        return Code.RECIPIENT_UNUSABLE, f"{name} is not valid", another
    return None, "", ""


def _encryption_key(key: dict[str, Any], now: datetime) -> dict[str, Any] | None:
    """The newest (sub)key that can encrypt and has not expired, as gpg chooses.

    Failing that an expired one: that it expired is what a person needs to hear.
    """
    parts = [key, *key.get("subkey_info", {}).values()]
    able = [part for part in parts if "e" in part["cap"] and part["trust"] != "r"]

    def rank(part: dict[str, Any]) -> tuple[bool, int, bool]:
        end = _time(part["expires"])
        return (end is None or end > now, int(part["date"] or 0), part is not key)

    return max(able, key=rank, default=None)


def _algorithm(part: dict[str, Any]) -> str:
    if part["curve"]:
        return str(part["curve"])
    return f"{ALGORITHMS.get(part['algo'], 'algorithm ' + part['algo'] + ' ')}" + str(
        part["length"]
    )


def _time(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds else None


def _has_secret(home: Path, keygrip: str) -> bool:
    """Looked up on disk, since gpg would start an agent to answer."""
    try:
        with (home / PRIVATE_KEYS / f"{keygrip}.key").open("rb") as file:
            return bool(UNPROTECTED.search(file.read(SECRET_KEY_LIMIT_BYTES)))
    except OSError:
        return False
