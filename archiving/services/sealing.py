"""From a claimed job to a verified archive, or to the reason why there is none."""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from archiving.choices import Outcome, Stage
from archiving.engine.exclusion import Exclusions
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.preflight import check_encrypts
from archiving.engine.gpg.recipients import Recipient, look_up
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.gpg.wrapping import wrap
from archiving.engine.lacking import lacking
from archiving.engine.manifest import read_manifest
from archiving.engine.members import shown
from archiving.engine.opening import sealed_digest
from archiving.engine.sealing import Sealed, SealOrder, seal, survey_source
from archiving.engine.source import compare_source
from archiving.engine.trouble import reading_source, source_missing, writing
from archiving.engine.verifying import Checked, Findings, verify
from archiving.engine.walk import Fingerprint, Survey
from archiving.engine.watch import Watch
from archiving.errors import WAITED_FOR, Code, Trouble
from archiving.models import ArchiveAttempt, ArchiveJob
from archiving.services.destination import check_destination, missing_disk, prepare
from archiving.services.filing import Standing, what_stands
from archiving.services.manifests import file_digest, path_of
from archiving.services.naming import Artifacts, artifacts_of
from archiving.services.outcomes import give_up
from archiving.services.policy import Policy, current_policy
from archiving.services.progress import Reporter
from archiving.services.publishing import (
    Publication,
    finish,
    note_down,
    prepare_publication,
)
from archiving.services.space import check_margin, needed_bytes, reserve
from archiving.services.sweeping import remove
from seqhub.lib.lease import Keeper, LeaseLost, holds
from seqhub.lib.processes import Cancelled

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

_GROWING = frozenset({Stage.SEALING, Stage.SYNCING})
_NAMED = 3
_TRACEBACK_CHARACTERS = 20_000
_READ_BACK = (
    "Look at the destination's disk and this host's memory; it is tried again by "
    "itself."
)
_NO_RECIPIENT = "Name at least one key in archiving.gpg_receivers."


@dataclass(frozen=True, slots=True)
class _Work:
    job: ArchiveJob
    policy: Policy
    artifacts: Artifacts
    reporter: Reporter


def seal_job(job: ArchiveJob, *, reporter: Watch | None = None) -> ArchiveAttempt:
    """Make, verify and publish the archive of a job that this worker has claimed.

    Returns the attempt as it ended; `reporter` is told how far it is, too. Raises
    Cancelled when SeqHub is stopped (the claim is given back then), and database
    errors that outlast the lease. Needs no transaction around it.
    """
    policy = current_policy()
    artifacts = artifacts_of(job, job.attempt, policy.manifests_dir)
    guard = partial(_guard, Path(job.destination), policy)
    with Keeper(job, policy.lease_s) as keeper:
        own = Reporter(job, keeper, guard=guard, also=reporter)
        work = _Work(job, policy, artifacts, own)
        try:
            made = _make(work)
            own.stage(Stage.PUBLISHING)
            journal = prepare_publication(job, artifacts, *made)
        except LeaseLost:
            remove(artifacts)
        except Trouble as trouble:
            _give_up(work, _outcome_of(trouble, own.current), trouble)
        except Cancelled:
            if not connection.in_atomic_block:
                connection.close()  # it may have been in the middle of an answer
            _give_up(work, Outcome.CANCELLED, _STOPPED)
            raise
        except Exception as error:
            log.exception("sealing %s", job)
            _give_up(work, Outcome.ERRORED, _surprise(error), traceback.format_exc())
        else:
            _publish(work, journal)
    attempts = ArchiveAttempt.objects.filter(job=job)
    return _persist(lambda: attempts.get(number=job.attempt), policy)


def _publish(work: _Work, journal: dict[str, Any]) -> None:
    """From the moment that it is noted down nothing is given up any more."""

    def publish() -> None:
        note_down(work.job, journal)
        finish(work.job.pk)

    try:
        _persist(publish, work.policy)
    except LeaseLost:
        # Whoever has it now knows nothing of these files, or has named them.
        remove(work.artifacts)
    except Cancelled:
        # Going on takes no longer than taking back would.
        connection.close()
        _persist(publish, work.policy)
        raise


def _make(work: _Work) -> tuple[Publication, list[Recipient], Standing]:
    """All files under their partial names, verified; who can open them; and what
    they will replace."""
    job, policy, reporter = work.job, work.policy, work.reporter
    with open_home(policy.gpg_work_dir, policy.gnupg_home) as home:
        reporter.stage(Stage.CHECKING)
        keys = _usable_keys(home, policy)
        prepare(Path(job.run_keys), policy.manifests_dir)
        _persist(lambda: check_destination(job, work.artifacts), policy)
        standing = what_stands(work.artifacts)
        order = SealOrder(
            source=job.location,
            archive=work.artifacts.archive.partial,
            manifest=work.artifacts.manifest.partial,
            sealed_manifest=work.artifacts.sealed_manifest.partial,
            exclusions=policy.exclusions,
            key=new_session_key(),
            home=home,
        )
        # Before hours of work, of which nobody could open the result.
        reporter.stage(Stage.WRAPPING)
        wrapped_key = wrap(home, order.key, keys)
        _write(work.artifacts.key.partial, wrapped_key)
        began = time.monotonic()
        survey = survey_source(order, reporter)
        _check_not_empty(order, survey)
        _persist(lambda: reserve(job, survey, policy), policy)
        reporter.expect(needed_bytes(survey), survey.files)
        sealed = seal(order, survey, reporter)
        sealed_at = time.monotonic()
        reporter.expect(sealed.archive_bytes, sealed.files)
        checked = verify(order.archive, order.manifest, order.key, home, reporter)
        _check_equal(sealed, checked)
        _check_manifest(order, sealed, reporter)
        reporter.expect(None, survey.entries)
        _compare(order, survey, reporter)
        _check_replaces(job, order)
        verified_at = time.monotonic()
        reporter.expect(None, None)
    made = Publication(
        archive_bytes=checked.archive_bytes,
        archive_sha256=checked.archive_sha256,
        wrapped_key=wrapped_key,
        manifest_sha256=sealed.manifest_sha256,
        sealed_manifest_sha256=sealed.sealed_manifest_sha256,
        source_bytes=sealed.content_bytes,
        source_files=sealed.files,
        left_out_bytes=sealed.left_out_bytes,
        left_out_files=sealed.left_out_files,
        seal_s=sealed_at - began,
        verify_s=verified_at - sealed_at,
        log_tail=sealed.log_tail,
    )
    return made, keys, standing


def _check_manifest(order: SealOrder, sealed: Sealed, watch: Watch) -> None:
    """Raises Trouble unless the encrypted manifest gives back the readable one."""
    opened = sealed_digest(order.sealed_manifest, order.key, order.home, watch)
    if opened != sealed.manifest_sha256:
        words = "the encrypted manifest is not as it was written"
        raise Trouble(Code.ARCHIVE_DAMAGED, words, _READ_BACK)


def _usable_keys(home: Path, policy: Policy) -> list[Recipient]:
    """Raises Trouble for the first one that nothing can be wrapped to."""
    if not policy.receivers:
        raise Trouble(Code.NO_RECIPIENT, "nobody could open it", _NO_RECIPIENT)
    keys = check_encrypts(home, look_up(home, policy.receivers, timezone.now()))
    for key in keys:
        if key.problem:
            raise Trouble(key.problem, key.message, key.next_step)
    return keys


def _check_not_empty(order: SealOrder, survey: Survey) -> None:
    """Raises Trouble(SOURCE_EMPTY) if there is no file to seal."""
    if survey.files:
        return
    if survey.left_out_files:
        raise Trouble(
            Code.SOURCE_EMPTY,
            f"archiving.tar_exclusions leave no file of {order.source}",
            "Correct them in the configuration, and restart SeqHub.",
        )
    raise Trouble(
        Code.SOURCE_EMPTY,
        f"{order.source} holds no file",
        "Is its disk mounted? A run that is meant to be empty can be ignored.",
    )


def _check_replaces(job: ArchiveJob, order: SealOrder) -> None:
    """Raises Trouble(SOURCE_LACKS) unless the new archive has every member of the one
    that it replaces, as far as that one's list is here."""
    if not job.sealed_at or not job.manifest_sha256:
        return
    old = path_of(job)
    try:
        if file_digest(old) != job.manifest_sha256:
            log.warning("%s: no list of the old archive is here to compare with", job)
            return
        with order.manifest.open("rb") as made, old.open("rb") as before:
            lost = lacking(read_manifest(made)[1], read_manifest(before)[1])
            names = list(islice(lost, _NAMED))
            count = len(names) + sum(1 for _ in lost)
    except OSError as error:
        log.warning("%s: the old list can't be read: %s", job, error)
        return
    if names:
        named = ", ".join(map(shown, names))
        more = ", ..." if count > _NAMED else ""
        raise Trouble(
            Code.SOURCE_LACKS,
            f"the run lacks {count:,} files or directories that its archive has: "
            f"{named}{more}",
            "The old archive stays as it is. Bring them back first, e.g. by a "
            "restore, or take out of archiving.tar_exclusions what names them.",
        )


def _check_equal(sealed: Sealed, checked: Checked) -> None:
    """Raises Trouble unless what was read back is what was written."""
    words = ""
    if checked.findings_count:
        words = "; ".join(one.message for one in checked.findings[:_NAMED])
    elif (sealed.archive_bytes, sealed.files, sealed.content_bytes) != (
        checked.archive_bytes,
        checked.files,
        checked.content_bytes,
    ):
        words = "its sizes or counts are not those that were written"
    if words:
        raise Trouble(
            Code.ARCHIVE_DAMAGED,
            f"read back from disk, the archive is not as it was written: {words}",
            _READ_BACK,
        )


def _compare(order: SealOrder, survey: Survey, reporter: Reporter) -> None:
    """Raises Trouble(SOURCE_CHANGED, SOURCE_MISSING) unless the run still is what was
    sealed."""
    reporter.stage(Stage.COMPARING)
    now, found = Fingerprint(), Findings()
    with reading_source(order.source), order.manifest.open("rb") as file:
        _, members = read_manifest(file)
        for finding in compare_source(
            order.source,
            members,
            Exclusions(order.exclusions),
            deep=False,
            tick=lambda entries, size_bytes: reporter.tick(size_bytes, entries),
            fingerprint=now,
        ):
            found.add(finding)
    if found.count and not order.source.is_dir():
        raise source_missing(order.source)
    named = [one.message for one in found.kept[:_NAMED]]
    if found.count > _NAMED:
        named.append(f"and {found.count - _NAMED:,} more")
    if not found.count and now.hexdigest() != survey.fingerprint:
        named = ["something in it was written or touched again"]
    if named:
        raise Trouble(
            Code.SOURCE_CHANGED,
            f"the run changed while it was sealed: {'; '.join(named)}",
            "Nothing may write into it; it is tried again by itself.",
        )


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with writing(path), os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _guard(destination: Path, policy: Policy, stage: Stage) -> None:
    if stage in _GROWING:
        check_margin(destination, policy)


def _located(work: _Work, trouble: Trouble) -> Trouble:
    """What was written a moment ago is not there any more: its disk is away."""
    if trouble.code in (Code.ARCHIVE_MISSING, Code.MANIFEST_MISSING):
        return missing_disk(Path(work.job.destination)) or trouble
    return trouble


def _outcome_of(trouble: Trouble, stage: Stage) -> Outcome:
    if trouble.code == Code.CANCELLED:
        return Outcome.CANCELLED
    if trouble.code in (Code.NO_SPACE, Code.SOURCE_EMPTY):
        return Outcome.WAITING
    if stage in (Stage.CHECKING, Stage.WRAPPING) and trouble.code in WAITED_FOR:
        return Outcome.WAITING
    return Outcome.FAILED


def _give_up(work: _Work, outcome: Outcome, trouble: Trouble, trace: str = "") -> None:
    """Remove what was half made, and say in the row why."""
    remove(work.artifacts)
    trouble = _located(work, trouble)

    @transaction.atomic
    def settle() -> None:
        rows = ArchiveJob.objects.select_for_update(of=("self",))
        job = rows.filter(holds(work.job)).first()
        if job is None:
            return  # somebody took it back, and has said so
        give_up(
            job,
            outcome,
            code=trouble.code,
            message=trouble.message,
            next_step=trouble.next_step,
            traceback=trace[-_TRACEBACK_CHARACTERS:],
            log_tail=trouble.log_tail,
        )

    _persist(settle, work.policy)


def _persist(settle: Callable[[], Answer], policy: Policy) -> Answer:
    """Do it, again and again for the length of a lease if the database is away."""
    until = time.monotonic() + policy.lease_s
    while True:
        try:
            return settle()
        except (OperationalError, InterfaceError):
            connection.close_if_unusable_or_obsolete()
            if time.monotonic() > until:
                raise
            time.sleep(1)


def _surprise(error: Exception) -> Trouble:
    return Trouble(
        Code.SURPRISE,
        f"{type(error).__name__}: {error}"[:1000],
        "See the attempt's traceback. It is tried again by itself.",
    )


_STOPPED = Trouble(
    Code.CANCELLED, "SeqHub was stopped", "It goes on by itself when SeqHub runs again."
)
