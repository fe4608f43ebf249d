"""What the page of a launch shows."""

from __future__ import annotations

import datetime as dt
import shlex
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import QueryDict
from django.urls import reverse

from runfolders.panels.run_page import timeline
from seqhub.lib.panels import Panel, Tab
from seqhub.lib.patience import TimedOut
from seqhub.lib.units import format_duration
from seqhub.operations.models import Event
from turret.choices import ENDED_LAUNCH, LaunchState
from turret.engine.launching.command import argv_of, config_of, params_of
from turret.engine.launching.script import script_of
from turret.engine.masking import mask
from turret.models import Launch
from turret.panels.launch_cells import launch_chip, took, words_before_it_runs
from turret.panels.launch_links import launch_link, launches_link
from turret.panels.launch_log import FILES, end_of_log
from turret.panels.launch_params import parameters_panel
from turret.panels.links import workflows_link
from turret.selectors import headline as headline_of_workflow
from turret.selectors import listed_launches
from turret.services.launching.environments import environment_of, own_environment
from turret.services.launching.plans import plan_of

# Launches that came of it, beside it.
MOST_RELATED = 20


def headline(launch: Launch, now: dt.datetime) -> str:
    """The sentence that opens its page; two queries at the most."""
    if launch.state in ENDED_LAUNCH:
        return _ending(launch)
    if launch.cancel_asked_at:
        since = format_duration((now - launch.cancel_asked_at).total_seconds(), 1)
        return f"It was told to stop {since} ago; what does not stop is killed."
    if words := words_before_it_runs(launch):
        return words
    if launch.workflow.begun_at is None:
        return f"Nextflow runs for {took(launch, now)}, and has told of no task yet."
    return headline_of_workflow(launch.workflow)


def _ending(launch: Launch) -> str:
    if launch.message:
        return str(mask(launch.message))
    if launch.state == LaunchState.SUCCEEDED:
        return f"Nextflow has ended well, after {took(launch) or '0 s'}."
    if launch.state == LaunchState.CANCELLED and launch.started_at is None:
        return "It was cancelled before it began."
    if launch.state == LaunchState.CANCELLED:
        return f"It was cancelled after {took(launch)}."
    return str(launch_chip(launch).title)


def subtitle(launch: Launch) -> list[str]:
    """The launch in a few words."""
    parts = [pipeline(launch)]
    if launch.profile:
        parts.append(f"profile {launch.profile}")
    parts.append(f"on {launch.compute}")
    if launch.resumed_session:
        parts.append("resumed")
    return parts


def pipeline(launch: Launch) -> str:
    """`nf-core/rnaseq 3.14.0`; a password in its URL is masked."""
    return f"{mask(launch.source)} {launch.revision}".strip()


def tabs(launch: Launch, *, may_see: bool) -> list[Tab]:
    """`may_see`: parameters and files, secrets masked."""
    return [
        Tab("overview", "Overview", lambda query: overview(launch, query)),
        Tab(
            "parameters",
            "Parameters",
            lambda _query: [parameters_panel(launch, may_see=may_see)],
        ),
        Tab(
            "command",
            "Command",
            lambda _query: command_panels(launch, may_see=may_see),
        ),
        Tab("timeline", "Timeline", lambda query: [_timeline(launch, query)]),
    ]


def overview(launch: Launch, query: QueryDict) -> list[Panel]:
    """The log first: it is what people look for."""
    panels = [log_panel(launch, query.get("file", ""))]
    panels.append(
        Panel(
            "facts", "Launch", "runfolders/panels/facts.html", {"facts": facts(launch)}
        )
    )
    if related := _related(launch):
        panels.append(
            Panel("related", "Came of it", "turret/panels/launches.html", related)
        )
    return panels


def log_panel(launch: Launch, file: str) -> Panel:
    log = end_of_log(launch, file if file in FILES else "output")
    content = {"log": log, "launch": launch, "files": FILES, "waits": _waits(launch)}
    return Panel("log", "Log", "turret/panels/launch_log.html", content)


def _waits(launch: Launch) -> bool:
    return launch.state == LaunchState.PENDING


def facts(launch: Launch) -> list[tuple[str, Any, str]]:
    """Rows of `runfolders/panels/facts.html`; what is not known is left out."""
    rows: list[tuple[str, Any, str]] = [
        ("Saved pipeline", _saved(launch), "link"),
        ("Pipeline", mask(launch.source), "path"),
        ("Revision", launch.revision, "text"),
        ("Profile", launch.profile, "text"),
        ("Runs on", _compute(launch), "link"),
        ("Host", launch.host, "text"),
        ("Owner", _owner(launch), "link"),
        ("Labels", launch.labels, "list"),
        ("Run folder", _run(launch), "link"),
        ("Comes of", _parent(launch), "link"),
        ("Submitted", launch.submitted_at, "time"),
        ("Started", launch.started_at, "time"),
        ("Ended", launch.finished_at, "time"),
        # Until then it is the headline's, which moves.
        ("Took", took(launch) if launch.finished_at else "", "text"),
        ("Longest run time", _limit(launch), "text"),
        ("Exit code", _exit(launch), "text"),
        ("SLURM job", launch.job_id, "code"),
        ("Process", _process(launch), "text"),
        ("Tasks are", launch.get_trace_display(), "text"),
        ("Its files", launch.directory, "path"),
        ("Launch directory", launch.launch_dir, "path"),
        ("Work directory", launch.work_dir, "path"),
        ("Cleared", launch.cleared_at, "time"),
        ("Session", launch.workflow.session_id, "path"),
        ("Launch id", launch.launch_id, "path"),
    ]
    if launch.size_bytes is not None:
        rows.insert(-2, ("Size", launch.size_bytes, "bytes"))
    elif launch.cleared_at:
        rows.insert(-2, ("Size", "what is left is being removed", "text"))
    return [row for row in rows if row[1] not in (None, "", [])]


def _saved(launch: Launch) -> tuple[str, str] | None:
    if launch.pipeline is None:
        return None
    page = reverse("admin:turret_pipeline_change", args=[launch.pipeline_id])
    return launch.pipeline.name, page


def _compute(launch: Launch) -> tuple[str, str]:
    page = "admin:turret_computeenvironment_change"
    return launch.compute.name, reverse(page, args=[launch.compute_id])


def _owner(launch: Launch) -> tuple[str, str] | None:
    if launch.owner is None:
        return None
    name = launch.owner.get_username()
    return name, launches_link(owner__id__exact=launch.owner_id)


def _run(launch: Launch) -> tuple[str, str] | None:
    run = launch.workflow.run
    if run is None:
        return None
    pk, name = run
    return name, reverse("admin:runfolders_runfolder_change", args=[pk])


def _parent(launch: Launch) -> tuple[str, str] | None:
    if launch.parent is None:
        if not launch.resumed_session:
            return None
        session = launch.resumed_session
        return "a run of its session", workflows_link(session_id=session)
    how = "resumed" if launch.resumed_session else "launched again"
    return f"{launch.parent} ({how})", launch_link(launch.parent)


def _limit(launch: Launch) -> str:
    return format_duration(launch.max_run_time_s) if launch.max_run_time_s else ""


def _exit(launch: Launch) -> str:
    return "" if launch.exit_code is None else str(launch.exit_code)


def _process(launch: Launch) -> str:
    is_over = launch.state in ENDED_LAUNCH
    return "" if launch.pid is None or is_over else f"{launch.pid} on {launch.host}"


def _related(launch: Launch) -> dict[str, Any]:
    """Launches that came of it. One query."""
    rows = listed_launches().filter(parent=launch).defer("params")
    found = list(rows[: MOST_RELATED + 1])
    if not found:
        return {}
    return {
        "lines": [
            (row, launch_link(row), launch_chip(row)) for row in found[:MOST_RELATED]
        ],
        "more": launches_link(parent_id=launch.pk) if found[MOST_RELATED:] else "",
    }


def command_panels(launch: Launch, *, may_see: bool) -> list[Panel]:
    """Exactly what is run, and the files that it reads."""
    template = "turret/panels/launch_command.html"
    try:
        plan = plan_of(launch)
    except (ValueError, TimedOut) as error:  # a name that is none any longer, a disk
        content = {"why_not": mask(str(error))}
        return [Panel("command", "Command", template, content)]
    env = environment_of(launch.compute)
    is_here = launch.host == settings.CONFIG.host
    names = own_environment(launch) | (env if is_here else {})
    command = {
        "command": mask(shlex.join(argv_of(plan))),
        "launch_dir": launch.launch_dir,
        "names": sorted(names),
        "host": "" if is_here else launch.host,
        "extra": launch.compute.environment,
    }
    panels = [Panel("command", "Command", template, command)]
    if not may_see:
        return [*panels, Panel("hidden", "Files", "turret/panels/hidden.html")]
    files = [
        (plan.files.config.name, mask(config_of(plan))),
        (plan.files.script.name, mask(script_of(plan))),
    ]
    if launch.params:
        masked = replace(plan, params=mask(plan.params))
        files.insert(0, (plan.files.params.name, params_of(masked)))
    content = {"files": files, "directory": launch.directory}
    return [
        *panels,
        Panel("files", "Files", "turret/panels/launch_files.html", content),
    ]


def _timeline(launch: Launch, query: QueryDict) -> Panel:
    return timeline(Event.objects.filter(subject=launch.subject), query)
