"""What keeps a run from being sealed that has no archive yet, in a sentence."""

from __future__ import annotations

from archiving.conf import Registration
from archiving.models import ArchiveJob
from archiving.services.arrivals import TAKEN, Arrival, is_below
from archiving.services.policy import Policy
from archiving.services.registration import unwanted
from archiving.services.successors import predecessor_of
from runfolders.choices import RootStatus, Sequencing
from runfolders.models import Runfolder
from runfolders.selectors import open_hold


def why_not(run: Runfolder, policy: Policy) -> str:
    """By what is known of it: its disk is not asked for the sentinel."""
    if not policy.is_on:
        return "Sealing is off: the configuration names no destination or no recipient."
    if not run.is_present:
        return "The run folder is no longer on disk, and it was never sealed."
    if job := predecessor_of(run):
        return because_of(job)
    if why := why_left(run, policy):
        return why
    if _waits_for_sentinel(run, policy):
        return f"It waits for the file {policy.sentinel.name} in the run folder."
    if run.sequencing != Sequencing.COMPLETE:
        return "It is sealed once the run is complete."
    return "It is complete and is taken within a minute."


def because_of(predecessor: ArchiveJob) -> str:
    """Why a run folder that lies where another one was sealed has no archive."""
    return (
        f"Another folder was sealed from here, as {predecessor.name}. Seal that "
        "archive anew to archive what lies here now."
    )


def why_left(run: Runfolder, policy: Policy) -> str:
    """Why it would not be sealed by itself if it were complete; empty if it would."""
    if why := why_kept(run):
        return why
    if policy.register_when == Registration.BY_HAND:
        return "Runs are sealed here only when somebody asks for it."
    return unwanted(Arrival.of_runfolder(run, ""), policy)


def why_kept(run: Runfolder) -> str:
    """What keeps everything automatic away from a run, also if it has a job; empty if
    nothing does."""
    if run.ignored_at:
        return "The run is ignored."
    if run.root.status == RootStatus.MISSING:
        return f"{run.root.path} is missing."
    if hold := open_hold(run.pk):
        return f"The run is on hold: {hold.reason.rstrip('.')}."
    if run.state in TAKEN:
        word = run.get_state_display()
        return f"An API client has the run ({word}); it is sealed when that is over."
    return ""


def _waits_for_sentinel(run: Runfolder, policy: Policy) -> bool:
    """Does the transfer's file decide for this run?"""
    if policy.register_when is None:
        return is_below(run.location, policy)
    return policy.register_when == Registration.SENTINEL
