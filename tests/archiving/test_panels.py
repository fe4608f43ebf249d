"""What archives say in words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from archiving.admin.actions import primary_key
from archiving.choices import CheckState, Status, Verified
from archiving.conf import Registration
from archiving.models import ArchiveJob, Recipient, Verification
from archiving.panels.chips import extra_chips, key_chip, status_chip, verified_chip
from archiving.panels.dashboard import sealing_panel, today
from archiving.panels.headline import headline
from archiving.panels.job_page import commands
from archiving.panels.links import archive_link, archives_link
from archiving.panels.reads import last_reads
from archiving.panels.run_page import tracks
from archiving.panels.why_not import why_not
from archiving.services.policy import current_policy
from runfolders.services.holds import hold
from seqhub.operations.services.events import SYSTEM
from tests.archiving.factories import ArchiveJobFactory, VerificationFactory
from tests.archiving.test_admin import switch_on
from tests.console.pages import fill_archive
from tests.factories import RunfolderFactory
from tests.staff import staff

NOW = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def ago(**how_long: float) -> dt.datetime:
    return NOW - dt.timedelta(**how_long)


def archive(**fields: Any) -> ArchiveJob:
    fields = {"status": Status.PENDING, "status_since": ago(minutes=41)} | fields
    return ArchiveJob(name="run", run_name="run", **fields)


NO_SPACE = {
    "code": "no_space",
    "message": "The destination has 1.2 TiB free, the run needs 1.9 TiB",
    "next_step": "Free space.",
}
SEALED = {
    "status": Status.ENCRYPTED,
    "sealed_at": ago(days=3),
    "verified_at": ago(hours=2),
    "manifest_sha256": "c" * 64,
}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Waiting for a free worker for 41 min."),
        (
            NO_SPACE,
            (
                "Waiting for 41 min: The destination has 1.2 TiB free, the run needs "
                "1.9 TiB. Free space."
            ),
        ),
        (
            {
                **NO_SPACE,
                "failure_count": 1,
                "not_before": NOW + dt.timedelta(minutes=5),
            },
            (
                "Failed once: The destination has 1.2 TiB free, the run needs 1.9 TiB. "
                "Free space. It tries again by itself in 5 min."
            ),
        ),
        (
            {"held_at": ago(hours=2), "held_reason": "Wait."},
            "On hold for 2 h: Wait.",
        ),
        (
            {"sealed_at": ago(days=3)},
            (
                "Waiting for a free worker for 41 min. The archive of 3 d ago stays "
                "until then."
            ),
        ),
        (
            {"ignored_at": ago(days=1)},
            "Ignored for 1 d: it is not sealed by itself.",
        ),
        (
            {"status": Status.PROCESSING, "stage": "verifying", "attempt": 2},
            (
                "Reading it back, begun 41 min ago; about 4 min left for this. This is "
                "attempt 2."
            ),
        ),
        (
            {"status": Status.PROCESSING, "cancel_requested_at": NOW},
            "Being cancelled: what is half made is removed.",
        ),
        (
            {**NO_SPACE, "status": Status.FAILED, "failure_count": 3},
            (
                "Failed 41 min ago after 3 attempts: The destination has 1.2 TiB free, "
                "the run needs 1.9 TiB. Free space."
            ),
        ),
        (
            {**SEALED, "verification": Verified.VERIFIED},
            "Sealed 3 d ago; read 2 h ago and found as it was sealed.",
        ),
        (
            {**SEALED, "verification": Verified.VERIFIED, "manifest_sha256": ""},
            (
                "Sealed 3 d ago; read 2 h ago. Opened whole; there is no list of files "
                "to compare with."
            ),
        ),
        (
            {**SEALED, "verification": Verified.VERIFIED, "has_weak_key": True},
            (
                "Sealed 3 d ago; read 2 h ago, but its key was cut short. Seal the run "
                "anew."
            ),
        ),
        (
            {**SEALED, "verification": Verified.NONE},
            "Sealed 3 d ago, but never read back since. Verify it.",
        ),
        (
            {**SEALED, **NO_SPACE, "verification": Verified.VERIFIED},
            (
                "Sealed 3 d ago; it could not be sealed anew: The destination has 1.2 "
                "TiB free, the run needs 1.9 TiB. Free space. This archive stays."
            ),
        ),
    ],
)
def test_the_headline_says_what_it_waits_for(
    fields: dict[str, Any], sentence: str
) -> None:
    job = archive(**fields)
    said = headline(job, NOW, is_on=True, eta_s=240, read_at=job.verified_at)
    assert said == sentence


def test_the_headline_says_that_sealing_is_off() -> None:
    assert headline(archive(), NOW, is_on=False).startswith("Sealing is off")


def test_the_headline_of_a_damaged_archive_says_what_to_do() -> None:
    job = archive(**SEALED, verification=Verified.DAMAGED)
    text = headline(job, NOW, is_on=True, read_at=ago(minutes=1))
    assert text.startswith("Damaged: when it was read 1 min ago")
    assert "seal the run anew" in text


@pytest.mark.parametrize("started_at", [None, NOW])
def test_the_headline_tells_of_a_verification(started_at: dt.datetime | None) -> None:
    looking = Verification(state=CheckState.REQUESTED, started_at=started_at)
    job = archive(**SEALED, verification=Verified.VERIFIED)
    text = headline(job, NOW, is_on=True, looking=looking)
    assert ("being read back now" in text) is bool(started_at)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (NO_SPACE, ["waiting"]),
        ({"held_at": NOW}, ["pending", "on hold"]),
        ({"ignored_at": NOW}, ["pending", "ignored"]),
        (
            {
                **SEALED,
                "has_weak_key": True,
                "is_here": False,
                "manifest_sha256": "",
            },
            ["encrypted", "weak key", "no manifest", "not here"],
        ),
        (SEALED, ["encrypted"]),
    ],
)
def test_chips_say_what_is_special(fields: dict[str, Any], words: list[str]) -> None:
    job = archive(**fields)
    assert [chip.word for chip in (status_chip(job), *extra_chips(job))] == words


@pytest.mark.django_db
def test_a_damaged_archive_was_last_read_when_the_damage_was_found() -> None:
    good_at, bad_at = ago(days=9), ago(minutes=1)
    damaged = ArchiveJobFactory.create(
        sealed=True, verification=Verified.DAMAGED, verified_at=good_at
    )
    fine = ArchiveJobFactory.create(sealed=True, verified_at=good_at)
    for job in (damaged, fine):
        VerificationFactory.create(job=job, state=CheckState.OK, ended_at=good_at)
        VerificationFactory.create(job=job, state=CheckState.FAILED, ended_at=NOW)
    for ended_at in (bad_at, ago(days=2)):
        VerificationFactory.create(
            job=damaged, state=CheckState.DAMAGED, ended_at=ended_at
        )
    assert last_reads([damaged, fine]) == {damaged.pk: bad_at, fine.pk: good_at}
    client = staff("viewer")
    stamp = f'<time datetime="{bad_at.isoformat()}'.partition("+")[0]
    for page in (archive_link(damaged), archives_link()):
        assert stamp in client.get(page).content.decode()


def test_what_was_opened_without_a_list_of_files_is_not_called_verified() -> None:
    job = archive(**SEALED | {"manifest_sha256": ""}, verification=Verified.VERIFIED)
    assert verified_chip(job, NOW).word == "opened"
    job.manifest_sha256 = "c" * 64
    assert verified_chip(job, NOW).word == "verified"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "verify"),
        ({"held_at": NOW}, "verify"),
        ({"has_weak_key": True}, "reseal"),
        ({"verification": Verified.DAMAGED}, "reseal"),
    ],
)
def test_what_can_not_be_relied_upon_is_offered_to_be_sealed_anew(
    fields: dict[str, Any], key: str
) -> None:
    assert primary_key(archive(**SEALED | fields)) == key


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "usable"),
        ({"problem": "recipient_expired"}, "expired"),
        ({"problem": "agent_hung"}, "problem"),
        ({"is_configured": False}, "no longer used"),
        ({"checked_at": None}, "not checked"),
        ({"key_expires_at": timezone.now() + dt.timedelta(days=9)}, "expires soon"),
    ],
)
def test_a_key_says_whether_it_can_be_sealed_to(
    fields: dict[str, Any], word: str
) -> None:
    key = Recipient(**({"is_configured": True, "checked_at": NOW} | fields))
    assert key_chip(key).word == word


def test_commands_survive_a_name_with_blanks() -> None:
    job = archive(destination="/data/my archive", run_keys="/keys")
    assert commands(job) == [
        "(umask 077; gpg --output run.key --decrypt /keys/run.key.gpg)",
        (
            "gpg --batch --pinentry-mode loopback --passphrase-file run.key "
            "--decrypt '/data/my archive/run.tar.gpg' | tar --extract"
        ),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "configuration", "words"),
    [
        ({"sequencing": "settling"}, {}, "once the run is complete"),
        ({"complete": True, "state": "started"}, {}, "An API client has the run"),
        ({"complete": True}, {"ignore": ["2401*"]}, "archiving.ignore leaves it out"),
        (
            {"complete": True},
            {"register_when": Registration.BY_HAND},
            "only when somebody asks",
        ),
        (
            {"complete": True},
            {"register_when": Registration.SENTINEL},
            ".metadata_rsync_exitcode",
        ),
        ({"complete": True, "is_present": False}, {}, "no longer on disk"),
        ({"complete": True}, {}, "within a minute"),
    ],
)
def test_a_run_says_why_it_is_not_sealed_yet(
    settings: Settings,
    fields: dict[str, Any],
    configuration: dict[str, Any],
    words: str,
) -> None:
    switch_on(settings)
    archiving = settings.CONFIG.archiving.model_copy(update=configuration)
    settings.CONFIG = settings.CONFIG.model_copy(update={"archiving": archiving})
    run = RunfolderFactory.create(**fields)
    assert words in why_not(run, current_policy())


@pytest.mark.django_db
def test_a_held_run_says_so(settings: Settings) -> None:
    switch_on(settings)
    run = RunfolderFactory.create(complete=True)
    hold(run.pk, actor=SYSTEM, reason="New plate.")
    assert why_not(run, current_policy()) == "The run is on hold: New plate."


@pytest.mark.django_db
def test_the_rail_shows_the_archive_where_there_is_one_or_will_be(
    settings: Settings,
) -> None:
    run, other = RunfolderFactory.create(), RunfolderFactory.create()
    ArchiveJobFactory.create(sealed=True, runfolder=run)
    assert [track.chip.word for track in tracks(run)] == ["encrypted", "verified"]
    assert tracks(other) == []
    switch_on(settings)
    assert [track.chip.word for track in tracks(other)] == ["not yet"]


@pytest.mark.django_db
def test_the_dashboard_shows_what_goes_on_and_counts_what_its_links_lead_to(
    settings: Settings,
) -> None:
    assert today() == []
    switch_on(settings)
    ArchiveJobFactory.create(status=Status.PROCESSING)
    ArchiveJobFactory.create(status=Status.FAILED)
    ArchiveJobFactory.create(held_at=timezone.now())
    ArchiveJobFactory.create()
    VerificationFactory.create(state=CheckState.RUNNING)
    VerificationFactory.create(job__verification=Verified.DAMAGED)
    panel = sealing_panel()
    assert [line.what for line in panel.content["lines"]] == [
        "being sealed",
        "being verified",
    ]
    assert panel.is_live
    client = staff("viewer")
    link = panel.content["waiting_link"]
    assert panel.content["waiting"] == 1
    assert client.get(link).context["cl"].result_count == 1
    counts = today()
    assert [(count.words, count.number) for count in counts] == [
        ("sealed", 2),
        ("not sealed", 1),
        ("damaged", 1),
    ]
    for count in counts:
        assert client.get(count.link).context["cl"].result_count == count.number


TABS = (
    "overview",
    "attempts",
    "files",
    "verifications",
    "copies",
    "restores",
    "timeline",
)


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("tab", TABS)
def test_an_archive_takes_a_constant_number_of_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries, tab: str, count: int
) -> None:
    client = staff("manager")
    # Number 2 is sealed.
    job = fill_archive(RunfolderFactory.create(), 2)
    for number in range(count):
        VerificationFactory.create(job=job, state=CheckState.OK)
        other = fill_archive(RunfolderFactory.create(), number)
        job.recipients.add(*other.recipients.all())
    page = f"/admin/archiving/archivejob/{job.pk}/change/"
    with django_assert_max_num_queries(20):
        assert client.get(page, {"tab": tab}).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("is_mounted", [True, False])
def test_a_disk_below_an_empty_mount_point_is_not_the_archives(
    is_mounted: bool, settings: Settings, tmp_path: Path
) -> None:
    section = {"destination_path": tmp_path, "gpg_receivers": ["core"]}
    archiving = settings.CONFIG.archiving.model_copy(update=section)
    settings.CONFIG = settings.CONFIG.model_copy(update={"archiving": archiving})
    assert sealing_panel().content["space"].free_bytes is not None
    ArchiveJobFactory.create(sealed=True, destination=str(tmp_path))
    if is_mounted:
        (tmp_path / "RUN.tar.gpg").touch()
    space = sealing_panel().content["space"]
    assert space.is_unmounted != is_mounted
    assert (space.free_bytes is not None) == is_mounted
    page = staff("viewer").get("/admin/").content.decode()
    assert ("though archives were sealed into it" in page) != is_mounted
