"""The archive's key, encrypted to everybody who may open it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.engine.gpg.recipients import Recipient
from archiving.engine.gpg.secret import effective
from archiving.engine.gpg.symmetric import failure, statuses
from archiving.errors import Code, Trouble

ENCRYPTED_TO = re.compile(r"^\[GNUPG:\] ENC_TO ([0-9A-F]{16})", re.MULTILINE)


def wrap(
    home: Path,
    key: bytes,
    recipients: Sequence[Recipient],
    *,
    limit_s: float = calls.LIMIT_S,
) -> bytes:
    """One OpenPGP message, binary, that each of the recipients can open alone.

    Its content is the key and a newline. Raises Trouble: a recipient's own
    problem, NO_RECIPIENT, GPG_FAILED (also when the message does not name every
    recipient), AGENT_HUNG, PROGRAM_MISSING.
    """
    if not recipients:
        raise Trouble(
            Code.NO_RECIPIENT,
            "there is nobody to encrypt to",
            "Name at least one key in archiving.gpg_receivers.",
        )
    for recipient in recipients:
        if recipient.problem:
            raise Trouble(recipient.problem, recipient.message, recipient.next_step)
    # With "!" gpg takes this very subkey or fails.
    names = [f"{recipient.encryption_fingerprint}!" for recipient in recipients]
    options = [option for name in names for option in ("--recipient", name)]
    outcome = calls.run(home, [*options, "--encrypt"], key + b"\n", limit_s=limit_s)
    if outcome.returncode or not outcome.output:
        raise failure(outcome.messages, outcome.returncode)
    expected = {recipient.key_id for recipient in recipients}
    if set(recipients_of(outcome.output, limit_s=limit_s)) != expected:
        raise Trouble(
            Code.GPG_FAILED,
            "gpg made a key file that does not name every recipient",
            "Try again; if it keeps happening, look at the keys in "
            "archiving.gnupg_home.",
        )
    return outcome.output


def recipients_of(wrapped: bytes, *, limit_s: float = calls.LIMIT_S) -> tuple[str, ...]:
    """Long key ids (16 hex digits) that a message is encrypted to, in its order.

    Needs no key and starts no agent: it is read in a home without any, for gpg
    asks the agent about every recipient that it knows. Empty when it is no such
    message; zeros stand for a recipient whose name was left out.
    """
    with tempfile.TemporaryDirectory(prefix="seqhub-gpg-") as empty:
        options = ("--list-only", "--decrypt")
        outcome = calls.run(Path(empty), options, wrapped, limit_s=limit_s)
    return tuple(ENCRYPTED_TO.findall(outcome.messages))


def unwrap(home: Path, wrapped: bytes, *, limit_s: float = calls.LIMIT_S) -> bytes:
    """The key, with a secret key of `home`: as gpg would use it as a passphrase.

    Raises Trouble: NO_SECRET_KEY, WRONG_KEY (it is no wrapped key, or damaged),
    AGENT_HUNG, PROGRAM_MISSING.
    """
    outcome = calls.run(home, ["--decrypt"], wrapped, limit_s=limit_s)
    said = statuses(outcome.messages)
    if outcome.returncode == 0 and {"DECRYPTION_OKAY", "GOODMDC"} <= said:
        if key := effective(outcome.output):
            return key
        raise _garbage("it holds an empty key")
    if "ENC_TO" not in said:
        raise _garbage("it is not an OpenPGP message")
    if "No secret key" in outcome.messages and "Checksum error" not in outcome.messages:
        raise _no_secret_key(outcome.messages)
    raise _garbage("gpg found it damaged")


def _no_secret_key(messages: str) -> Trouble:
    wanted = ", ".join(ENCRYPTED_TO.findall(messages))
    return Trouble(
        Code.NO_SECRET_KEY,
        f"no secret key at hand opens it (it is encrypted to {wanted}); one that is "
        "protected by a passphrase can't be used by a service",
        "Decrypt the key where the secret key is, gpg -d RUN.key.gpg > RUN.key, and "
        "give it with --key-file RUN.key.",
    )


def _garbage(why: str) -> Trouble:
    return Trouble(
        Code.WRONG_KEY,
        f"the wrapped key can't be used: {why}",
        "Take the key from another copy; SeqHub keeps one in its database.",
    )
