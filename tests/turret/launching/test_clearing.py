"""Work directories of launches that have ended: measured, and cleared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from seqhub.operations.errors import IllegalTransition
from seqhub.operations.models import Attention, Event
from tests.factories import HOST
from tests.turret.factories import ComputeFactory
from tests.turret.launching.ended import (
    WORK,
    fill,
    gone_on_with,
    is_there,
    kinds,
    resumed,
    worked,
)
from tests.turret.launching.site import ACTOR, Site, end, files, printed
from turret.choices import LaunchState
from turret.engine.launching import rooms as engine
from turret.models import Launch
from turret.services.launching.clearing import clear, finish, verdicts
from turret.services.launching.resuming import relaunch
from turret.services.launching.rooms import current_policy
from turret.services.launching.tidying import tidy

pytestmark = pytest.mark.django_db(transaction=True)


def configure(site: Site, settings: Settings, **values: Any) -> None:
    site.launcher = values
    settings.CONFIG = site.config()


@pytest.fixture
def by_policy(site: Site, settings: Settings) -> Site:
    """Succeeded ones go after 10 days, the others after 100."""
    configure(site, settings, clear_after_days=10, clear_resumable_after_days=100)
    return site


def why(launch: Launch) -> tuple[bool, str]:
    """What the dry run says of the launch's directories."""
    found = {
        verdict.lineage.maker.pk: (verdict.is_due, verdict.why)
        for verdict in verdicts(HOST, current_policy())
    }
    return found[launch.pk]


def tidy_twice() -> None:
    """The second one does what the first has marked."""
    tidy(HOST)
    tidy(HOST)


@pytest.mark.parametrize(
    ("days", "state", "goes"),
    [
        (9, LaunchState.SUCCEEDED, False),
        (11, LaunchState.SUCCEEDED, True),
        (99, LaunchState.FAILED, False),
        (101, LaunchState.FAILED, True),
        (99, LaunchState.CANCELLED, False),
        (101, LaunchState.LOST, True),
        (101, LaunchState.RUNNING, False),
        (101, LaunchState.PENDING, False),
    ],
)
def test_work_directories_go_when_their_time_has_come(
    by_policy: Site, days: float, state: LaunchState, goes: bool
) -> None:
    launch = worked(by_policy, days, state)
    assert why(launch)[0] == goes
    assert is_there(launch)
    tidy_twice()
    assert is_there(launch) != goes
    assert (Launch.objects.get(pk=launch.pk).cleared_at is not None) == goes


@pytest.mark.parametrize("state", [LaunchState.SUCCEEDED, LaunchState.FAILED])
def test_without_a_word_of_the_site_nothing_goes(site: Site, state: str) -> None:
    launch = worked(site, 10_000, state)
    assert not why(launch)[0]
    tidy_twice()
    assert is_there(launch)


def test_log_and_results_stay_and_it_is_told(by_policy: Site) -> None:
    launch = worked(by_policy)
    tidy_twice()
    launch.refresh_from_db()
    left = {path.name for path in Path(launch.directory).rglob("*")}
    assert left == {"output.log", "launch", "results", "table.txt"}
    assert launch.size_bytes == 2000
    assert kinds(launch) == ["launch_clearing", "launch_cleared"]
    tidy_twice()
    assert len(kinds(launch)) == 2


def test_the_launch_directory_goes_where_the_site_wants_that(
    site: Site, settings: Settings
) -> None:
    configure(site, settings, clear_after_days=10, clear_launch_dirs=True)
    launch = worked(site)
    (Path(launch.launch_dir) / "link").symlink_to(launch.work_dir)
    (Path(launch.directory) / "pipeline" / "demo").mkdir(parents=True)
    tidy_twice()
    assert {path.name for path in Path(launch.directory).iterdir()} == {"output.log"}


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_results_that_are_links_into_the_work_keep_it(
    by_policy: Site, is_elsewhere: bool
) -> None:
    results = by_policy.directory / "results"
    launch = worked(by_policy, params={"outdir": str(results)} if is_elsewhere else {})
    link = results if is_elsewhere else Path(launch.launch_dir) / "results"
    link.mkdir(exist_ok=True)
    (link / "link.txt").symlink_to(Path(launch.work_dir) / WORK / "out.txt")
    assert "are links into it" in why(launch)[1]
    tidy_twice()
    assert is_there(launch)
    clear(launch.pk, actor=ACTOR)
    tidy(HOST)
    assert not is_there(launch)


def test_a_lineage_goes_by_its_last_launch(by_policy: Site) -> None:
    failed = worked(by_policy, 60, LaunchState.FAILED)
    succeeded = gone_on_with(by_policy, failed, days=50)
    again = worked(by_policy, 60)
    failed_again = gone_on_with(by_policy, again, days=50, state=LaunchState.FAILED)
    tidy_twice()
    rows = Launch.objects.in_bulk()
    assert rows[failed.pk].cleared_at
    assert rows[succeeded.pk].cleared_at
    assert not is_there(failed)
    assert not rows[again.pk].cleared_at
    assert not rows[failed_again.pk].cleared_at
    assert is_there(again)


@pytest.mark.parametrize("place", ["launch_dir", "work_dir"])
@pytest.mark.parametrize(
    ("state", "host"), [(LaunchState.RUNNING, "other"), (LaunchState.PENDING, HOST)]
)
def test_what_another_launch_works_in_stays(
    by_policy: Site, place: str, state: str, host: str
) -> None:
    launch = worked(by_policy)
    inside = Path(launch.work_dir) if place == "work_dir" else Path(launch.launch_dir)
    places: dict[str, Any] = {place: str(inside / "below")}
    other = worked(by_policy, state=state, host=host, **places)
    assert f"{other} is" in why(launch)[1]
    tidy_twice()
    assert is_there(launch)
    with pytest.raises(IllegalTransition, match=f"{other} is"):
        clear(launch.pk, actor=ACTOR)


def test_directories_that_people_chose_are_never_touched(by_policy: Site) -> None:
    chosen = by_policy.directory / "allowed" / "work"
    launch = worked(by_policy, work_dir=str(chosen))
    reason = (
        f"its work directory {chosen} is not one that SeqHub makes, as it is configured"
        " now; SeqHub leaves it alone"
    )
    assert why(launch) == (False, reason)
    with pytest.raises(IllegalTransition, match="leaves it alone"):
        clear(launch.pk, actor=ACTOR)
    tidy_twice()
    assert is_there(launch)
    assert (Path(launch.launch_dir) / ".nextflow").is_dir()


@pytest.mark.parametrize("directory", ["/etc", "/data/launches/{}", "{}/../../x"])
def test_only_below_the_configured_directory_anything_goes(
    by_policy: Site, directory: str
) -> None:
    launch = worked(by_policy)
    launch.directory = directory.format(launch.launch_id)
    launch.work_dir = f"{launch.directory}/work"
    launch.save()
    assert not why(launch)[0]


def test_the_work_directory_of_a_compute_environment_goes_too(by_policy: Site) -> None:
    scratch = by_policy.directory / "scratch"
    (scratch / "kept").mkdir(parents=True)
    compute = ComputeFactory.create(work_dir=str(scratch), host=HOST)
    launch = worked(by_policy, compute=compute)
    launch.work_dir = str(scratch / launch.launch_id)
    launch.save()
    fill(launch)
    tidy(HOST)
    assert Launch.objects.get(pk=launch.pk).size_bytes is None  # marked since
    tidy(HOST)
    assert [path.name for path in scratch.iterdir()] == ["kept"]
    # Somebody has left a `work` in its directory that is not the launch's.
    assert (files(launch).work_dir / WORK).is_dir()


def test_a_work_directory_that_was_moved_away_is_left_alone(by_policy: Site) -> None:
    launch = worked(by_policy)
    moved = by_policy.directory / "moved"
    Path(launch.work_dir).rename(moved)
    Path(launch.work_dir).symlink_to(moved)
    assert "is a link" in why(launch)[1]
    clear(launch.pk, actor=ACTOR)
    tidy(HOST)
    assert (moved / WORK / "out.txt").exists()
    assert "is a link" in Attention.objects.get(subject=launch.subject).message


def test_a_lost_one_may_turn_up_for_a_day(by_policy: Site) -> None:
    launch = worked(by_policy, 0.9, LaunchState.LOST)
    with pytest.raises(IllegalTransition, match="may turn up"):
        clear(launch.pk, actor=ACTOR)


def test_what_is_cleared_is_not_resumed_and_not_cleared_again(site: Site) -> None:
    launch = worked(site, state=LaunchState.FAILED)
    second = gone_on_with(site, launch, state=LaunchState.FAILED)
    clear(second.pk, actor=ACTOR, reason="The disk is full.")
    for one in (launch, second):
        with pytest.raises(IllegalTransition, match="was cleared"):
            resumed(site, one)
        with pytest.raises(IllegalTransition, match="cleared already"):
            clear(one.pk, actor=ACTOR)
    event = Event.objects.filter(subject=second.subject).latest("pk")
    assert (event.actor, event.source) == (ACTOR.name, ACTOR.source)
    assert "The disk is full." in event.message
    tidy(HOST)
    assert not is_there(launch)


def test_a_resume_waits_for_who_clears_and_is_refused_then(site: Site) -> None:
    """The launch was looked at before it was marked."""
    launch = worked(site, state=LaunchState.FAILED)
    outcome: list[object] = []

    def go_on() -> None:
        try:
            outcome.append(resumed(site, launch))
        except IllegalTransition as error:
            outcome.append(error.message)
        finally:
            connection.close()

    site.user  # noqa: B018 - made here, where it is committed
    thread = threading.Thread(target=go_on)
    with transaction.atomic():
        clear(launch.pk, actor=ACTOR)
        thread.start()
        wait_until(is_waiting)
        assert outcome == []
    thread.join(30)
    assert outcome == [f"The work directory of {launch} was cleared; launch it anew."]


def is_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def wait_until(look: Callable[[], bool]) -> None:
    deadline = threading.Event()
    for _ in range(600):
        if look():
            return
        deadline.wait(0.05)
    raise AssertionError("it did not come")


@pytest.mark.parametrize("step", ["marked", "aside", "half", "removed"])
def test_whoever_is_killed_in_between_is_taken_up(by_policy: Site, step: str) -> None:
    launch = worked(by_policy)
    work = Path(launch.work_dir)
    (work / "cd" / "ef").mkdir(parents=True)
    clear(launch.pk, actor=ACTOR)
    if step == "aside":
        work.rename(f"{work}.removing")
    elif step == "half":
        room = engine.Room(str(work.parent), (work.name,))
        engine.set_aside(room)
        looks = iter([False, True])
        assert not engine.remove_aside(room, lambda: next(looks))
    elif step == "removed":
        launch.refresh_from_db()
        assert finish(launch, lambda: False)
    tidy(HOST)
    launch.refresh_from_db()
    assert not work.exists()
    assert not Path(f"{work}.removing").exists()
    assert launch.size_bytes == 2000
    assert kinds(launch) == ["launch_clearing", "launch_cleared"]


def test_who_begins_to_work_in_it_meanwhile_keeps_it(site: Site) -> None:
    launch = worked(site)
    clear(launch.pk, actor=ACTOR)
    work = str(Path(launch.work_dir) / "below")
    other = worked(site, state=LaunchState.RUNNING, work_dir=work)
    tidy(HOST)
    assert is_there(launch)
    attention = Attention.objects.get(subject=launch.subject)
    assert f"{other} works in it" in attention.message
    assert kinds(launch) == ["launch_clearing"]


def test_what_can_not_be_removed_is_told_until_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch, other = worked(site), worked(site)
    clear(launch.pk, actor=ACTOR)
    clear(other.pk, actor=ACTOR)
    real = engine.remove_aside

    def refuse(room: engine.Room, is_over: Callable[[], bool]) -> bool:
        """root, which tests run as, removes all."""
        if launch.launch_id in room.names:
            raise engine.NotRemoved("It can't remove /x\udcff (Permission denied).")
        return real(room, is_over)

    monkeypatch.setattr(engine, "remove_aside", refuse)
    tidy(HOST)
    attention = Attention.objects.get(subject=launch.subject)
    assert attention.code == "launch_not_cleared"
    assert "(Permission denied)" in attention.message
    assert not is_there(other)
    monkeypatch.undo()
    tidy(HOST)
    assert not Attention.objects.filter(subject=launch.subject).exists()
    assert not is_there(launch)


@pytest.mark.slow
def test_a_real_run_keeps_its_results_and_is_launched_anew(
    real: Site, settings: Settings
) -> None:
    launch = real.submit("three", profile="test")
    end(launch)
    before = {path for path in Path(launch.launch_dir).rglob("*") if path.is_file()}
    assert clear(launch.pk, actor=ACTOR).is_cleared
    tidy(HOST)
    assert not Path(launch.work_dir).exists()
    left = {path for path in Path(launch.launch_dir).rglob("*") if path.is_file()}
    assert left == {path for path in before if ".nextflow" not in path.parts}
    assert any("results" in path.parts for path in left)
    with pytest.raises(IllegalTransition, match="was cleared"):
        resumed(real, launch)
    other = relaunch(launch.pk, user=real.user, actor=ACTOR, changes={})
    end(other)
    assert other.state == LaunchState.SUCCEEDED, printed(other)


@pytest.mark.parametrize("is_made", [True, False])
def test_a_disk_that_is_away_is_not_taken_for_cleared(
    by_policy: Site, is_made: bool
) -> None:
    scratch = by_policy.directory / "scratch"
    scratch.mkdir()
    compute = ComputeFactory.create(work_dir=str(scratch), host=HOST)
    launch = worked(by_policy, compute=compute)
    launch.work_dir = str(scratch / launch.launch_id)
    launch.save()
    fill(launch)
    clear(launch.pk, actor=ACTOR)
    away = scratch.rename(by_policy.directory / "away")
    if is_made:
        scratch.mkdir()
    tidy(HOST)
    assert Launch.objects.get(pk=launch.pk).size_bytes is None
    assert Attention.objects.filter(subject=launch.subject).exists()
    if is_made:
        scratch.rmdir()
    away.rename(scratch)
    tidy(HOST)
    assert not is_there(launch)
