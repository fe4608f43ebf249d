"""What supervisors, balancers and Prometheus see."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from runfolders.models import Root
from seqhub import health
from seqhub.operations.services.attention import open_attention
from seqhub.operations.services.heartbeats import beat
from tests.clients import client_with
from tests.factories import RootFactory, RunfolderFactory


def test_healthz_answers_without_a_database(client: Client) -> None:
    # Without the `db` fixture any query would fail.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db(transaction=True)
def test_readyz_tells_of_scanner_clusters_and_disks_and_needs_none(
    client: Client,
) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"

    hour_ago = timezone.now() - dt.timedelta(hours=1)
    RootFactory.create(scanned_at=hour_ago)
    RootFactory.create(status="missing")
    beat("testhost", "cluster:local-testhost")
    answer = client.get("/readyz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["database"] == {"ok": True}
    [scanner] = body["scanner"]
    assert scanner["age_s"] == pytest.approx(3600, abs=60)
    [cluster] = body["clusters"]
    assert (cluster["host"], cluster["role"]) == ("testhost", "cluster:local-testhost")
    assert body["disks"] == {"available": 1, "missing": 1}
    assert not any(root.path in answer.content.decode() for root in Root.objects.all())


@pytest.fixture
def _one_migration_missing(transactional_db: None) -> Iterator[None]:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("operations", "0001_initial")
    yield
    recorder.record_applied("operations", "0001_initial")


@pytest.mark.usefixtures("_one_migration_missing")
def test_readyz_is_503_until_all_migrations_are_applied(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "unavailable"
    assert "1 migration" in answer.json()["database"]["problem"]


def test_readyz_is_503_without_a_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("password for seqhub@db.example refused")

    monkeypatch.setattr(health, "_unapplied_migrations", refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "db.example" not in answer.content.decode()


def test_readyz_does_not_wait_for_a_database_that_hangs(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    monkeypatch.setattr(health, "TIMEOUT_S", 0.1)
    monkeypatch.setattr(health, "_unapplied_migrations", over.wait)
    try:
        for _ in range(4):
            answer = client.get("/readyz")
            assert answer.status_code == 503
            assert "did not answer" in answer.json()["database"]["problem"]
    finally:
        over.set()


@pytest.mark.django_db
def test_metrics_have_gauges_from_the_database() -> None:
    root = RootFactory.create(
        free_bytes=5, scanned_at=timezone.now() - dt.timedelta(minutes=5)
    )
    RunfolderFactory.create_batch(2, complete=True, root=root)
    RunfolderFactory.create(root=root)
    open_attention("runfolder:1", "stalled", "It stalls.")
    beat("testhost", "default")
    answer = client_with("read").get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    ready = 'host="testhost",sequencing="complete",state="ready"'
    assert f"seqhub_runfolders{{{ready}}} 2.0" in text
    assert 'sequencing="sequencing",state="none"} 1.0' in text
    assert "seqhub_attention 1.0" in text
    labels = f'{{host="testhost",path="{root.path}"}}'
    assert f"seqhub_root_free_bytes{labels} 5.0" in text
    assert f"seqhub_root_available{labels} 1.0" in text
    age = re.search(rf"seqhub_scan_age_seconds{re.escape(labels)} (\S+)", text)
    assert age
    assert 299 < float(age[1]) < 400
    assert 'seqhub_heartbeat_age_seconds{host="testhost",role="default"}' in text
    assert "django_http_requests_total_by_method_total" in text


@pytest.mark.django_db
def test_metrics_answer_prometheus_whatever_it_accepts() -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3"
    answer = client_with("read").get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_for_reading(client: Client, path: str) -> None:
    assert client.post(path).status_code == 405
