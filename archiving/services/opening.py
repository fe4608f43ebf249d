"""The part of a look at an archive for which its key is needed."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from archiving.choices import Depth, Stage
from archiving.engine.exclusion import Exclusions
from archiving.engine.findings import Fault
from archiving.engine.gpg.secret import WEAK_BELOW_BYTES, effective_strength
from archiving.engine.manifest import ManifestDamaged, read_manifest
from archiving.engine.source import compare_source
from archiving.engine.verifying import verify
from archiving.engine.watch import Watch
from archiving.errors import Code, Trouble
from archiving.models import Verification
from archiving.services.examination import (
    Examination,
    compare_digest,
    say_source_was_not_compared,
)
from archiving.services.manifests import (
    decrypted_manifest,
    file_digest,
    path_of,
    put_back,
)
from runfolders.engine.files import storable
from seqhub.lib.units import counted


class Opener:
    """Opens the archive of a verification with a key."""

    def __init__(
        self,
        row: Verification,
        key: bytes,
        home: Path,
        watch: Watch,
        found: Examination,
        *,
        is_key_given: bool,
    ) -> None:
        self._row = row
        self._job = row.job
        self._key = key
        self._home = home
        self._watch = watch
        self._found = found
        self._is_key_given = is_key_given

    def examine(self, sealed_is_right: bool, readable_is_right: bool) -> None:
        self._found.depth = Depth.FULL
        self._judge_strength()
        if not self._job.manifest_sha256:
            self._found.not_checked.append(
                "The files: the archive has no manifest to compare them with."
            )
            self._examine_content(None)
            return
        readable = path_of(self._job) if readable_is_right else None
        if not sealed_is_right:
            self._examine_content(readable)
            return
        try:
            with decrypted_manifest(
                self._job, self._key, self._home, self._watch
            ) as opened:
                if self._examine_opened(opened):
                    if readable is None:
                        self._put_back(opened)
                    readable = opened
                self._examine_content(readable)
        except Trouble as trouble:
            if trouble.code not in (Code.WRONG_KEY, Code.ARCHIVE_DAMAGED):
                raise
            self._found.add(
                Fault.MANIFEST_DIFFERS,
                f"{self._job.sealed_manifest_path.name} can't be opened with the "
                f"archive's key: {trouble.message}",
            )
            self._examine_content(readable)

    def _judge_strength(self) -> None:
        strength = effective_strength(self._key)
        self._found.is_weak = strength < WEAK_BELOW_BYTES
        if self._found.is_weak:
            self._found.add(
                Fault.WEAK_KEY,
                f"only {strength} bytes of its key protect the archive: what came "
                "after a newline or a NUL was not used",
            )

    def _examine_opened(self, opened: Path) -> bool:
        """Whether the encrypted manifest holds what was sealed."""
        if file_digest(opened) != self._job.manifest_sha256:
            self._found.add(
                Fault.MANIFEST_DIFFERS,
                f"{self._job.sealed_manifest_path.name} holds another list of files "
                "than was sealed",
            )
            return False
        self._found.checked.append("The encrypted manifest opens and is as sealed.")
        return True

    def _put_back(self, opened: Path) -> None:
        if self._job.manifest_host != settings.CONFIG.host:
            return
        try:
            put_back(self._job, opened)
        except OSError as error:
            self._found.not_checked.append(
                f"The readable manifest could not be put back: {error.strerror}."
            )
        else:
            self._found.checked.append(
                "The readable manifest was put back from the encrypted one."
            )

    def _examine_content(self, manifest: Path | None) -> None:
        """Every member; without a manifest, that all of it opens."""
        job, found = self._job, self._found
        checked = verify(job.archive_path, manifest, self._key, self._home, self._watch)
        is_other = compare_digest(
            job, checked.archive_bytes, checked.archive_sha256, found
        )
        faults = {finding.fault for finding in checked.findings}
        if self._is_key_given and Fault.WRONG_KEY in faults and not is_other:
            raise Trouble(
                Code.WRONG_KEY,
                f"the key that was given is not that of {job.name}",
                "Give the key of this archive: gpg -d RUN.key.gpg > RUN.key",
            )
        for finding in checked.findings:
            found.take(finding)
        found.findings.count += checked.findings_count - len(checked.findings)
        found.is_compared = True
        verb = "was" if checked.files == 1 else "were"
        files = counted(checked.files, "file")
        words = f"{files}, {checked.content_bytes:,} bytes, {verb} opened"
        if manifest is not None:
            found.checked.append(f"{words} and compared with the manifest.")
            self._examine_source(manifest)
            return
        found.checked.append(f"{words}; the archive is a whole tar.")
        if job.manifest_sha256:
            found.not_checked.append(
                "The files: no manifest is left to compare them with."
            )
        say_source_was_not_compared(self._row, found)

    def _examine_source(self, manifest: Path) -> None:
        row, found = self._row, self._found
        if not (row.with_source or row.is_deep):
            return
        source = self._job.location
        if not source.is_dir():
            found.not_checked.append(
                f"The run: {self._job.path} is not there any more."
            )
            return
        self._watch.stage(Stage.COMPARING)
        before = found.findings.count
        try:
            with manifest.open("rb") as file:
                header, members = read_manifest(file)
                differences = compare_source(
                    source,
                    members,
                    Exclusions(header.exclusions),
                    deep=row.is_deep,
                    tick=lambda entries, size: self._watch.tick(size, entries),
                )
                for finding in differences:
                    found.take(finding)
        except (OSError, ManifestDamaged) as error:
            found.not_checked.append(
                f"The run: not all of it can be read ({storable(str(error))})."
            )
            return
        count = found.findings.count - before
        how = "content included" if row.is_deep else "names, sizes and times"
        result = counted(count, "difference") if count else "as sealed"
        found.checked.append(f"The run at {self._job.path}, {how}: {result}.")
