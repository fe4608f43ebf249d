"""Asking for a restore: where to, and how much room there is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from archiving.engine.members import shown
from archiving.models import ArchiveJob
from archiving.panels.files import name_of, size_of
from archiving.panels.links import archive_link
from archiving.panels.space import Space, space_at
from archiving.services.policy import current_policy
from archiving.services.restores import default_targets, request_restore
from seqhub.lib.units import format_bytes
from seqhub.operations.admin.confirm import Question, ReasonForm, actor_of, ask

NAMES_SAID = 3
CHOOSE = "choose"
_NO_KEY = (
    " SeqHub has no secret key that opens this archive: the restore fails unless one "
    "is added. With the archive's own key in a file use the command: seqhub restore "
    "{} --to DIRECTORY --key-file FILE"
)


class RestoreForm(ReasonForm):
    """`names` are those of files in the run folder; none: all of it."""

    root = forms.ChoiceField(label="Restore to", widget=UnfoldAdminSelectWidget())
    subdirectory = forms.CharField(
        required=False,
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(),
        help_text="Below it, made if need be. The run folder appears in there.",
    )
    names = forms.JSONField(required=False, widget=forms.HiddenInput())
    field_order = ("root", "subdirectory", "reason", "names")

    def __init__(
        self,
        data: Any,
        *,
        roots: Sequence[Space],
        names: list[str],
        need_bytes: int | None,
    ) -> None:
        super().__init__(data, initial={"names": names})
        self.fields["root"].choices = [  # type: ignore[attr-defined]
            (root.path, _with_space(root, need_bytes)) for root in roots
        ]

    def clean_subdirectory(self) -> str:
        text: str = self.cleaned_data["subdirectory"].strip().strip("/")
        if ".." in PurePosixPath(text).parts or "\0" in text:
            raise forms.ValidationError("Name a directory below it, without “..”.")
        return text

    def clean_names(self) -> list[str]:
        names = self.cleaned_data["names"] or []
        if not isinstance(names, list) or any(not isinstance(n, str) for n in names):
            raise forms.ValidationError("Choose the files anew.")
        return names


def _with_space(root: Space, need_bytes: int | None) -> str:
    if root.free_bytes is None:
        return f"{root.path} (does not answer)"
    words = f"{format_bytes(root.free_bytes)} free"
    if need_bytes is not None and need_bytes > root.free_bytes:
        words += ", too little"
    return f"{root.path} ({words})"


def ask_restore(request: HttpRequest, job: ArchiveJob) -> HttpResponse:
    """The dialog; with `choose` the members that were ticked in the browser."""
    is_choice = CHOOSE in request.POST
    names = _in_run(request.POST.getlist("member")) if is_choice else []
    need_bytes = size_of(job, names) if names else job.source_bytes
    roots = [space_at(root) for root in default_targets()]

    def form_of(data: Any) -> RestoreForm:
        answers = None if is_choice else data
        return RestoreForm(answers, roots=roots, names=names, need_bytes=need_bytes)

    def act(answers: dict[str, Any]) -> str:
        request_restore(
            job.pk,
            target=str(Path(answers["root"]) / answers["subdirectory"]),
            files=answers["names"],
            actor=actor_of(request),
            reason=answers["reason"],
        )
        return "The restore has been asked for."

    question = Question(
        "Restore chosen files" if names else "Restore the whole run",
        _explain(job, names, need_bytes, has_roots=bool(roots)),
        "Restore",
        form_of,
    )
    page = archive_link(job, "restores")
    return ask(request, question, act, back=page, done_at=page)


def _in_run(keys: Sequence[str]) -> list[str]:
    """Names in the run folder, of what the browser calls by keys. The run folder
    itself stands for everything, which is no choice."""
    names = [shown(name_of(key)).partition("/")[2] for key in keys]
    return [] if "" in names else names


def _explain(
    job: ArchiveJob, names: list[str], need_bytes: int | None, *, has_roots: bool
) -> str:
    if not has_roots:
        return (
            "The configuration names no directory to restore to. Name one as "
            "archiving.restore_roots and restart SeqHub."
        )
    if names:
        said = ", ".join(names[:NAMES_SAID])
        more = len(names) - NAMES_SAID
        said += f" and {more} more" if more > 0 else ""
    else:
        said = f"All of {job.run_name}"
    room = f" It needs {format_bytes(need_bytes)}." if need_bytes is not None else ""
    days = current_policy().restore_keep_days
    key = "" if _may_open(job) else _NO_KEY.format(job.run_name)
    keep = "1 day" if days == 1 else f"{days:g} days"
    return (
        f"{said}: decrypted, written and compared with what was sealed.{room} Nothing "
        f"that is there is replaced, and it is removed again after {keep}.{key}"
    )


def _may_open(job: ArchiveJob) -> bool:
    """False: the last check of keys found none of those that open it."""
    known = list(job.recipients.values_list("has_secret_key", flat=True))
    return not known or any(known)
