"""Rows for tests: as the scanner would have written them, with nothing on disk."""

from __future__ import annotations

import factory
from django.utils import timezone

from runfolders.choices import Platform, Sequencing
from runfolders.models import Instrument, Root, Runfolder, Sample

# `host` of the configuration that tests run with (tests/postgres.py).
HOST = "testhost"


class RootFactory(factory.django.DjangoModelFactory[Root]):
    class Meta:
        model = Root

    host = HOST
    path = factory.Sequence(lambda n: f"/data/root{n}")
    status_since = factory.LazyFunction(timezone.now)


class InstrumentFactory(factory.django.DjangoModelFactory[Instrument]):
    class Meta:
        model = Instrument

    serial = factory.Sequence(lambda n: f"A{n:05}")
    model = "NovaSeq 6000"
    platform = Platform.ILLUMINA


class RunfolderFactory(factory.django.DjangoModelFactory[Runfolder]):
    """A run that is being written; `complete=True` for one that is ready."""

    class Meta:
        model = Runfolder

    class Params:
        complete = factory.Trait(
            sequencing=Sequencing.COMPLETE,
            completed_at=factory.LazyFunction(timezone.now),
            state="ready",
            outcome="ok",
        )

    root = factory.SubFactory(RootFactory)
    instrument = factory.SubFactory(InstrumentFactory)
    host = factory.SelfAttribute("root.host")
    name = factory.Sequence(lambda n: f"240131_A00834_{n:04}_BHMTFYDRXX")
    path = factory.LazyAttribute(lambda row: f"{row.root.path}/{row.name}")
    run_id = factory.SelfAttribute("name")
    platform = Platform.ILLUMINA
    sequencing = Sequencing.SEQUENCING
    sequencing_on_disk = factory.SelfAttribute("sequencing")
    sequencing_since = factory.LazyFunction(timezone.now)
    state_since = factory.LazyFunction(timezone.now)
    first_seen_at = factory.LazyFunction(timezone.now)


class SampleFactory(factory.django.DjangoModelFactory[Sample]):
    class Meta:
        model = Sample

    runfolder = factory.SubFactory(RunfolderFactory)
    sample_id = factory.Sequence(lambda n: f"S{n}")
    line = factory.Sequence(lambda n: n + 20)
