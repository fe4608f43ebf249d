from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from runfolders.choices import Sequencing
from seqhub.operations.services.heartbeats import beat
from tests.archiving.factories import ArchiveJobFactory
from tests.console.pages import LISTS, PAGES, TABS, fill, page_of
from tests.factories import HOST, RootFactory, RunfolderFactory
from tests.staff import staff

pytestmark = pytest.mark.django_db

MOST_QUERIES = 20


@pytest.fixture
def at_most(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> DjangoAssertNumQueries:
    return django_assert_max_num_queries


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_takes_a_constant_number_of_queries(
    at_most: DjangoAssertNumQueries,
    page: str,
    count: int,
) -> None:
    client = staff("operator")
    fill(count)
    with at_most(MOST_QUERIES):
        assert client.get(page).status_code == 200


@pytest.mark.parametrize("count", [3, 60])
@pytest.mark.parametrize("tab", TABS)
def test_a_run_takes_a_constant_number_of_queries(
    at_most: DjangoAssertNumQueries,
    tab: str,
    count: int,
) -> None:
    client = staff("operator")
    run = fill(count)[0]
    with at_most(MOST_QUERIES):
        assert client.get(page_of(run), {"tab": tab}).status_code == 200


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("/admin/", "No directory is watched yet."),
        ("/admin/health/", "starts the scanner and the clusters"),
        ("/admin/runfolders/runfolder/", "Runs appear by themselves"),
        ("/admin/runfolders/sample/", "are read from the sample sheets"),
        ("/admin/runfolders/instrument/", "appears with its first run"),
        ("/admin/runfolders/root/", "runfolders.monitored_directories"),
        ("/admin/archiving/archivejob/", "gpg_receivers"),
        ("/admin/archiving/restore/", "Open an archive and choose Restore"),
        ("/admin/archiving/archivecopy/", "another place that holds an archive"),
        ("/admin/archiving/recipient/", "archiving.gpg_receivers"),
        ("/admin/operations/attention/", "Nothing needs attention."),
        ("/admin/operations/event/", "Events appear with the first scan."),
    ],
)
def test_a_page_without_rows_says_what_would_fill_it(page: str, words: str) -> None:
    assert words in staff("viewer").get(page).content.decode()


def test_a_site_that_only_seals_watches_something(
    settings: Settings, tmp_path: Path
) -> None:
    section = settings.CONFIG.archiving.model_copy(update={"sequencing_path": tmp_path})
    settings.CONFIG = settings.CONFIG.model_copy(update={"archiving": section})
    page = staff("viewer").get("/admin/").content.decode()
    assert "No directory is watched yet." not in page


@pytest.mark.parametrize("page", LISTS)
def test_a_search_without_a_hit_offers_the_whole_list(page: str) -> None:
    answer = staff("viewer").get(page, {"q": "no such thing"})
    if answer.context["cl"].search_fields:
        assert "Nothing matches." in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_nobody_sees_a_page_without_logging_in(page: str) -> None:
    answer = Client().get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("index", "page"),
    [
        ("/admin/runfolders/", "/admin/runfolders/runfolder/"),
        ("/admin/archiving/", "/admin/archiving/archivejob/"),
        ("/admin/turret/", "/admin/turret/workflow/"),
        ("/admin/operations/", "/admin/operations/attention/"),
    ],
)
def test_an_app_leads_to_its_first_list(index: str, page: str) -> None:
    client = staff("viewer")
    assert f'href="{index}"' in client.get(page).content.decode()
    answer = client.get(index)
    assert (answer.status_code, answer["Location"]) == (302, page)


def test_a_person_without_a_role_is_told_so() -> None:
    user = User.objects.create_user("new", is_staff=True)
    client = Client()
    client.force_login(user)
    assert "You have no role yet" in client.get("/admin/").content.decode()
    assert client.get("/admin/dashboard/live/").status_code == 403
    assert client.get("/admin/health/").status_code == 403


def test_the_dashboard_counts_what_its_links_lead_to() -> None:
    client = staff("viewer")
    fill(13)
    context = client.get("/admin/").context
    for panel in context["panels"]:
        if panel.count is not None:
            assert client.get(panel.link).context["cl"].result_count == panel.count
    for count in context["counts"]:
        assert client.get(count.link).context["cl"].result_count == count.number


def test_the_dashboard_shows_the_archives_of_complete_runs() -> None:
    client = staff("viewer")
    sealed, other = (RunfolderFactory.create(complete=True) for _ in range(2))
    job = ArchiveJobFactory.create(sealed=True, runfolder=sealed)
    page = client.get("/admin/").content.decode()
    link = f'href="/admin/archiving/archivejob/{job.pk}/change/"'
    assert f'<a id="archive-of-{sealed.pk}" {link}>' in page
    assert f"archive-of-{other.pk}" not in page


def test_a_run_whose_root_is_missing_is_not_ready() -> None:
    client = staff("viewer")
    RunfolderFactory.create(complete=True, root__status="missing")
    there = RunfolderFactory.create(complete=True)
    ready = next(
        count
        for count in client.get("/admin/").context["counts"]
        if count.words == "ready, waiting"
    )
    assert ready.number == 1
    assert [*client.get(ready.link).context["cl"].result_list] == [there]


def test_the_dashboard_stays_live_while_a_run_is_in_flight() -> None:
    client = staff("viewer")
    RunfolderFactory.create(sequencing=Sequencing.SETTLING)
    assert 'hx-trigger="every 3s' in client.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("cycles_done", "words"),
    [(None, "first seen"), (0, "first seen"), (1, "last cycle")],
)
def test_a_run_in_flight_tells_of_its_last_cycle_once_one_is_done(
    cycles_done: int | None, words: str
) -> None:
    RunfolderFactory.create(cycles_done=cycles_done, progress_at=timezone.now())
    text = staff("viewer").get("/admin/").content.decode()
    said = [line for line in ("first seen", "last cycle") if line in text]
    assert said == [words]


def test_the_first_scan_shows_how_far_it_is() -> None:
    client = staff("viewer")
    RootFactory.create()
    assert "Scanning" not in client.get("/admin/").content.decode()
    beat(HOST, "scanner", {"done": 120, "total": 10_000, "finished_at": None})
    text = client.get("/admin/").content.decode()
    assert f"Scanning {HOST}: 120 of 10000 run folders." in text


def test_try_out_mode_is_said_on_the_dashboard(settings: Settings) -> None:
    client = staff("viewer")
    assert "try-out" not in client.get("/admin/").content.decode()
    settings.CONFIG = settings.CONFIG.model_copy()
    settings.CONFIG._is_tryout = True
    assert "seqhub init" in client.get("/admin/").content.decode()


def test_the_console_uses_no_inline_script_and_no_other_site() -> None:
    client = staff("viewer")
    run = fill(1)[0]
    for page in (*PAGES, page_of(run)):
        text = client.get(page).content.decode()
        assert "<script>" not in text
        assert 'src="http' not in text
        assert 'href="http' not in text
