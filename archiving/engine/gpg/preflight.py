"""Trying keys before an archive depends on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from archiving.engine.gpg import calls
from archiving.engine.gpg.recipients import Recipient
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.gpg.wrapping import unwrap, wrap
from archiving.errors import Code, Trouble


def check_encrypts(
    home: Path, recipients: Iterable[Recipient], *, limit_s: float = calls.LIMIT_S
) -> list[Recipient]:
    """Really encrypt a few bytes to each alone; those that fail get a problem.

    One that has a problem already stays as it is. Raises Trouble for what is no
    recipient's fault: AGENT_HUNG, PROGRAM_MISSING.
    """
    return [_tried(home, recipient, limit_s) for recipient in recipients]


def _tried(home: Path, recipient: Recipient, limit_s: float) -> Recipient:
    if recipient.problem:
        return recipient
    try:
        wrap(home, new_session_key(), [recipient], limit_s=limit_s)
    except Trouble as trouble:
        if trouble.code != Code.GPG_FAILED:
            raise
        return replace(
            recipient,
            problem=Code.RECIPIENT_UNUSABLE,
            message=f"nothing can be encrypted to {recipient.identifier!r}: "
            f"{trouble.message}",
            next_step="Ask its owner for a new key and name it in "
            "archiving.gpg_receivers.",
        )
    return recipient


def key_test(
    home: Path, recipient: Recipient, *, limit_s: float = calls.LIMIT_S
) -> None:
    """Encrypt random bytes to the recipient and decrypt them again.

    Raises Trouble as `wrap` and `unwrap` do.
    """
    key = new_session_key()
    wrapped = wrap(home, key, [recipient], limit_s=limit_s)
    if unwrap(home, wrapped, limit_s=limit_s) != key:
        raise Trouble(
            Code.WRONG_KEY,
            f"what was encrypted to {recipient.identifier!r} came back changed",
            "Look at the keys in archiving.gnupg_home.",
        )
