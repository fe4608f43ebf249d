from __future__ import annotations

import pytest

from archiving.engine.manifest import read_manifest
from archiving.errors import ManifestNotHere
from archiving.models import ArchiveJob
from archiving.services.manifests import open_manifest, path_of
from tests.archiving.runs import RUN, Site
from tests.archiving.services.archives import make_archive

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_opened_where_it_is_kept(site: Site) -> None:
    job = make_archive(site)
    with open_manifest(job) as file:
        header, members = read_manifest(file)
        assert header.run == RUN
        assert f"{RUN}/RunInfo.xml".encode() in [member.name for member in members]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"manifest_sha256": ""}, "has no list of its files"),
        ({"manifest_host": "elsewhere"}, "is kept on elsewhere, not on testhost"),
        ({}, "can't be read"),
    ],
    ids=["never had one", "on another host", "lost"],
)
def test_where_it_is_not_that_is_said(
    site: Site, values: dict[str, str], words: str
) -> None:
    job = make_archive(site)
    ArchiveJob.objects.update(**values)
    job.refresh_from_db()
    if not values:
        path_of(job).unlink()
    with pytest.raises(ManifestNotHere, match=words), open_manifest(job):
        pass


def test_a_link_in_its_place_is_not_followed(site: Site) -> None:
    job = make_archive(site)
    path_of(job).rename(site.path / "moved")
    path_of(job).symlink_to(site.path / "moved")
    with pytest.raises(ManifestNotHere), open_manifest(job):
        pass
