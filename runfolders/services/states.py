"""`state`: what API clients do with a run folder."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from runfolders.choices import Sequencing, State
from runfolders.errors import RunfolderNotFound, UnknownState
from runfolders.models import Runfolder
from runfolders.selectors import next_ready
from runfolders.services.history import record
from seqhub.operations.services.events import Actor


def parse_state(word: object) -> State:
    """A state in any letter case. Raises UnknownState."""
    if isinstance(word, str) and word.lower() in State.values:
        return State(word.lower())
    raise UnknownState(
        f"Unknown state {str(word)[:50]!r}; known: {', '.join(State.values)}."
    )


def lock_runfolder(runfolder_id: int) -> Runfolder:
    """The row, locked until the transaction ends. Raises RunfolderNotFound."""
    try:
        return Runfolder.objects.select_for_update(of=("self",)).get(pk=runfolder_id)
    except Runfolder.DoesNotExist:
        raise RunfolderNotFound("The run folder is no longer known.") from None


@transaction.atomic
def set_state(
    runfolder_id: int, word: object, *, actor: Actor, reason: str = ""
) -> Runfolder:
    """Any state may follow any other, as Arteria's clients expect; each change
    is recorded. Raises UnknownState, RunfolderNotFound.

    As in Arteria, `none` takes a client's word back: a complete run is ready then.
    Who does not want it offered holds it.
    """
    state = parse_state(word)
    runfolder = lock_runfolder(runfolder_id)
    if state == State.NONE and runfolder.sequencing == Sequencing.COMPLETE:
        reason = f"{reason} None was asked for: a complete run is ready.".strip()
        change_state(runfolder, State.READY, actor=actor, reason=reason, is_ours=True)
    else:
        change_state(runfolder, state, actor=actor, reason=reason)
    return runfolder


def offer(runfolder: Runfolder, *, actor: Actor) -> None:
    """Make a run that has become complete ready, unless somebody said otherwise."""
    if runfolder.state == State.NONE:
        reason = "The run is complete."
        change_state(runfolder, State.READY, actor=actor, reason=reason, is_ours=True)


def withdraw(runfolder: Runfolder, *, actor: Actor) -> None:
    """Take an offer of ours back: the run is not complete after all."""
    if runfolder.state == State.READY and runfolder.is_state_ours:
        reason = "The run is not complete any more."
        change_state(runfolder, State.NONE, actor=actor, reason=reason, is_ours=True)


def change_state(
    runfolder: Runfolder,
    state: State,
    *,
    actor: Actor,
    reason: str = "",
    is_ours: bool = False,
) -> None:
    """The one place where `state` changes; the row must be locked.

    `is_ours`: it follows from what is on disk; nobody said it.
    """
    old = runfolder.state
    if (old, runfolder.is_state_ours) == (state, is_ours):
        return
    runfolder.state, runfolder.is_state_ours = state, is_ours
    if state != old:
        runfolder.state_since = timezone.now()
    runfolder.save(update_fields=["state", "is_state_ours", "state_since"])
    if state == old:
        return
    message = f"State {old} → {state.value}."
    record(
        runfolder,
        "state_changed",
        f"{message} {reason}".strip(),
        actor=actor,
        data={"from": old, "to": state.value, "reason": reason},
    )


@transaction.atomic
def pick_up(
    host: str,
    *,
    actor: Actor,
    skip: frozenset[int] = frozenset(),
    skip_roots: frozenset[int] = frozenset(),
) -> Runfolder | None:
    """Claim the run folder that has been complete the longest: now `pending`.

    No two callers ever get the same one: rows that another caller is claiming
    are passed over. `skip`: ids that the caller knows to be gone from disk;
    `skip_roots`: ids of roots whose disk hangs.
    """
    runfolder = (
        next_ready(host)
        .exclude(pk__in=skip)
        .exclude(root__in=skip_roots)
        .select_related("root")
        .select_for_update(of=("self",), skip_locked=True)
        .first()
    )
    if runfolder is not None:
        change_state(runfolder, State.PENDING, actor=actor, reason="Picked up.")
    return runfolder
