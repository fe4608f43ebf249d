"""What a run's page shows of the run folder itself."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse

from runfolders.engine.values import iso_time
from runfolders.models import Runfolder
from runfolders.panels.chips import outcome_chip, sequencing_chip, state_chip
from runfolders.panels.dashboard import runs_link
from runfolders.services.columns import aware
from seqhub.lib.panels import Panel, Tab, Track
from seqhub.operations.choices import Source
from seqhub.operations.models import Event
from seqhub.operations.selectors import events_of_runfolder

SAMPLES_PER_PAGE = 100
EVENTS_PER_PAGE = 50
# Keys of `Runfolder.extra` whose value is a time, as the instrument wrote it.
_TIMES = frozenset({"ended", "acquisition_stopped"})


def tracks(run: Runfolder) -> list[Track]:
    cycles = ""
    if run.cycles_done is not None and run.total_cycles:
        cycles = f"cycle {run.cycles_done}/{run.total_cycles}"
    return [
        Track("Sequencing", sequencing_chip(run), cycles),
        Track("Offered to clients", state_chip(run)),
    ]


def tabs(run: Runfolder) -> list[Tab]:
    samples = run.samples.count()
    return [
        Tab("overview", "Overview", lambda _query: overview(run)),
        Tab("samples", "Samples", lambda query: [samples_panel(run, query)], samples),
        Tab("timeline", "Timeline", lambda query: [timeline_panel(run, query)]),
        Tab("raw", "Raw", lambda _query: [raw_panel(run)]),
    ]


def overview(run: Runfolder) -> list[Panel]:
    panels = [
        Panel(
            "facts",
            "Run",
            "runfolders/panels/facts.html",
            {"facts": facts(run), "run": run},
        ),
        Panel(
            "reads",
            "Reads",
            "runfolders/panels/reads.html",
            {"reads": run.reads, "run": run},
        ),
        Panel(
            "notes",
            "Notes",
            "runfolders/panels/notes.html",
            {"notes": list(run.notes.all()[:50]), "run": run},
        ),
    ]
    if run.problems or run.sheet_problems:
        panels.insert(
            0,
            Panel(
                "problems",
                "Problems",
                "runfolders/panels/problems.html",
                {
                    "problems": run.problems,
                    "sheet_problems": run.sheet_problems,
                    "run": run,
                },
                count=len(run.problems) + len(run.sheet_problems),
            ),
        )
    return panels


def facts(run: Runfolder) -> list[tuple[str, Any, str]]:
    """Label, value and kind (text, code, time, bytes, chip, path) of each fact."""
    instrument = run.instrument
    software = " · ".join(part for part in (run.software, _rta(run)) if part)
    rows: list[tuple[str, Any, str]] = [
        ("Outcome", outcome_chip(run), "chip"),
        ("Platform", run.get_platform_display(), "text"),
        (
            "Instrument",
            instrument and _link(instrument, instrument__id__exact=instrument.pk),
            "link",
        ),
        ("Run number", run.run_number, "text"),
        ("Flow cell", run.flow_cell, "code"),
        ("Side", run.side, "text"),
        ("Flow cell mode", run.flow_cell_mode, "text"),
        ("Lanes", run.lanes, "text"),
        ("Experiment", run.experiment_name, "text"),
        (
            "Project",
            run.project and _link(run.project, project__exact=run.project),
            "link",
        ),
        ("Reagent kit", run.reagent_kit or run.reagent_kit_barcode, "code"),
        ("Library tube", run.library_tube, "code"),
        ("Chemistry", run.chemistry, "text"),
        ("Software", software, "text"),
        ("Operator", run.operator, "text"),
        ("Started", run.started_at, "time"),
        ("First seen", run.first_seen_at, "time"),
        ("Complete since", run.completed_at, "time"),
        ("Markers", sorted(run.markers), "list"),
        ("Sample sheet", run.sheet_name, "code"),
        ("Size", run.size_bytes, "bytes"),
        ("Host", run.host, "text"),
        ("Path", run.path, "path"),
    ]
    rows += [_extra(key, v) for key, v in run.extra.items() if isinstance(v, str)]
    # The size is said even while it isn't known: people look for it.
    return [row for row in rows if row[2] == "bytes" or row[1] not in (None, "", [])]


def _extra(key: str, value: str) -> tuple[str, Any, str]:
    label = key.replace("_", " ").capitalize()
    at = aware(iso_time(value)) if key in _TIMES else None
    return (label, at, "time") if at else (label, value, "text")


def _link(words: object, **filters: object) -> tuple[str, str]:
    """Words, and the list of all runs like this one."""
    return str(words), runs_link(**filters)


def _rta(run: Runfolder) -> str:
    return f"RTA {run.rta_version}" if run.rta_version else ""


def samples_panel(run: Runfolder, query: QueryDict) -> Panel:
    """The sample sheet, with each problem on the line that it is about."""
    by_line: dict[int, list[str]] = defaultdict(list)
    general: list[str] = []
    for problem in run.sheet_problems:
        line = problem.get("line")
        target = general if line is None else by_line[line]
        target.append(problem["message"])
    rows = run.samples.order_by("line", "pk")
    if text := query.get("q", "").strip():
        rows = rows.filter(
            Q(sample_id__icontains=text)
            | Q(name__icontains=text)
            | Q(project__icontains=text)
        )
    page = Paginator(rows, SAMPLES_PER_PAGE).get_page(query.get("page"))
    lines = [(sample, by_line.pop(sample.line, [])) for sample in page]
    # Lines that hold no sample: a header, a line that can't be read.
    known = set(run.samples.values_list("line", flat=True)) if by_line else set()
    other = [(n, said) for n, said in sorted(by_line.items()) if n not in known]
    return Panel(
        "samples",
        "Samples",
        "runfolders/panels/samples.html",
        {
            "run": run,
            "lines": lines,
            "page": page,
            "general": general,
            "other": other,
            "text": text,
            "has_lanes": any(sample.lane for sample, _ in lines),
            "has_index2": any(sample.index2 for sample, _ in lines),
        },
        count=page.paginator.count,
    )


def timeline_panel(run: Runfolder, query: QueryDict) -> Panel:
    """Every event, machine and person, with a place for notes."""
    return timeline(
        events_of_runfolder(run.pk), query, run=run, choices=(*WHO, ("notes", "Notes"))
    )


WHO = (("", "Everything"), ("people", "People"), ("machine", "Machine"))


def timeline(
    rows: QuerySet[Event],
    query: QueryDict,
    *,
    choices: tuple[tuple[str, str], ...] = WHO,
    run: Runfolder | None = None,
) -> Panel:
    """Events by page; `who` narrows them down."""
    who = query.get("who", "")
    if who == "people":
        rows = rows.exclude(actor="")
    elif who == "notes":
        rows = rows.filter(kind="note")
    elif who == "machine":
        rows = rows.filter(actor="")
    page = Paginator(rows, EVENTS_PER_PAGE).get_page(query.get("page"))
    return Panel(
        "timeline",
        "Timeline",
        "runfolders/panels/timeline.html",
        {
            "run": run,
            "events": [(event, Source(event.source).label) for event in page],
            "page": page,
            "who": who,
            "choices": choices,
        },
        count=page.paginator.count,
    )


def raw_panel(run: Runfolder) -> Panel:
    return Panel(
        "raw",
        "The API's answer",
        "runfolders/panels/raw.html",
        {"address": reverse("runfolders-api:runfolder", args=[run.pk])},
    )


def subtitle(run: Runfolder) -> list[str]:
    """The run in a few words: machine, flow cell, reads, lanes."""
    parts = []
    if instrument := run.instrument:
        named = (
            f"{instrument.name} ({instrument.serial})"
            if instrument.name
            else (instrument.serial)
        )
        parts.append(f"{instrument.model} {named}".strip())
    if run.flow_cell:
        parts.append(f"flow cell {run.flow_cell}")
    if run.reads:
        parts.append(f"{run.read_structure} cycles")
    if run.lanes:
        parts.append(f"{run.lanes} lane{'s' if run.lanes > 1 else ''}")
    return parts
