"""Who traces, and which workflows are theirs to go on with."""

from __future__ import annotations

from dataclasses import dataclass

from seqhub.operations.choices import Source
from seqhub.operations.services.events import Actor

# Who events of the trace are recorded for.
TRACE = Actor(Source.TRACE)
# The digest of no token, of a workflow that no call may go on with: an empty one is an
# open network's.
NO_TOKEN = "none"  # noqa: S105 - no secret


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a trace call.

    An open network sends no token: `user_id` None, `token_digest` empty. A token
    that is `is_live` has the scope `trace`; one that expired or was revoked may go
    on with what it made. One that is `bound_to` something never does more.
    """

    user_id: int | None
    token_digest: str
    is_live: bool
    bound_to: str
    address: str
    client: str  # User-Agent

    def may_write(self, owner_id: int | None, token_digest: str) -> bool:
        """To the workflow of that owner, which a token of that digest made."""
        if self.token_digest == token_digest:
            # Both empty: an open network goes on with what an open network made.
            return True
        if not self.is_live or self.bound_to or self.user_id is None:
            return False
        return self.user_id == owner_id
