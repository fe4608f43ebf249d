"""Pipelines of git repositories, launched with the real Nextflow, which is offline."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.turret.engine.pipelines.repositories import Origin, git, made, served
from tests.turret.launching.site import ACTOR, Site, end, printed
from turret.choices import LaunchState, TaskStatus
from turret.models import Launch
from turret.services.launching.resuming import relaunch, resume

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# Its tasks depend on all that Nextflow finds by path.
SCRIPT = """\
process SAY {
    input: path asset
    output: stdout
    script: "told.sh ${asset} ${projectDir}"
}
workflow { SAY(file("${projectDir}/assets/word.txt")) | view }
"""
TOOL = '#!/bin/sh\necho "tool says $(cat "$1") in $(basename "$2")"\n'


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """The pipeline above; the word is `first` at the tag 1.0, `second` on main."""
    origin = made(tmp_path / "origin")
    tool = origin.checkout / "bin" / "told.sh"
    tool.parent.mkdir()
    tool.write_text(TOOL)
    tool.chmod(0o755)
    texts = {"main.nf": SCRIPT, "nextflow.config": "manifest.name = 'a/b'\n"}
    origin.commit({**texts, "assets/word.txt": "first"}, "refs/tags/of-tools")
    origin.commit({"assets/word.txt": "second"}, "refs/heads/main")
    return origin


def statuses(launch: Launch) -> list[str]:
    return list(launch.workflow.tasks.values_list("status", flat=True))


@pytest.mark.parametrize("revision", ["branch", "tag", "commit", "short commit", ""])
def test_a_checkout_of_the_revision_is_run(
    real: Site, origin: Origin, revision: str
) -> None:
    tag = git(origin.bare, "rev-parse", "refs/tags/of-tools")
    main = git(origin.bare, "rev-parse", "refs/heads/main")
    name, commit, word = {
        "branch": ("main", main, "second"),
        "tag": ("of-tools", tag, "first"),
        "commit": (tag, tag, "first"),
        "short commit": (tag[:8], tag, "first"),
        "": ("", main, "second"),
    }[revision]
    launch = real.submit(source=origin.url, revision=name)
    end(launch)
    assert launch.state == LaunchState.SUCCEEDED, (launch.message, printed(launch))
    assert f"tool says {word} in pipe" in printed(launch)
    row = launch.workflow
    assert (row.repository, row.revision, row.commit_id) == (origin.url, name, commit)
    assert row.project_name == origin.url


def test_one_behind_a_web_server_is_run(
    real: Site, origin: Origin, tmp_path: Path
) -> None:
    with served(tmp_path / "origin") as address:
        launch = real.submit(source=f"{address}/pipe.git", revision="of-tools")
        end(launch)
    assert launch.state == LaunchState.SUCCEEDED, (launch.message, printed(launch))
    assert "tool says first" in printed(launch)
    assert launch.workflow.repository == f"{address}/pipe.git"


def test_a_resumed_one_computes_nothing_again(real: Site, origin: Origin) -> None:
    launch = real.submit(source=origin.url, revision="main")
    end(launch)
    commit = launch.workflow.commit_id
    # The branch goes on; what is resumed stays at its commit.
    origin.commit({"assets/word.txt": "third"}, "refs/heads/main")
    again = resume(launch.workflow_id, user=real.user, actor=ACTOR, changes={})
    end(again)
    assert again.state == LaunchState.SUCCEEDED, (again.message, printed(again))
    assert statuses(again) == [TaskStatus.CACHED]
    assert again.workflow.commit_id == commit
    assert again.workflow.project_dir == launch.workflow.project_dir
    anew = relaunch(launch.pk, user=real.user, actor=ACTOR, changes={})
    end(anew)
    assert "tool says third" in printed(anew)
    assert anew.workflow.commit_id != commit


def test_of_another_revision_only_what_changed_is_computed(
    real: Site, origin: Origin
) -> None:
    launch = real.submit(source=origin.url, revision="main")
    end(launch)
    newer = origin.commit({"README.md": "more"}, "refs/heads/main")
    changes = {"revision": newer[:9]}
    again = resume(launch.workflow_id, user=real.user, actor=ACTOR, changes=changes)
    end(again)
    assert again.workflow.commit_id == newer
    assert statuses(again) == [TaskStatus.CACHED]
    last = origin.commit({"assets/word.txt": "other"}, "refs/heads/main")
    changes = {"revision": last}
    third = resume(again.workflow_id, user=real.user, actor=ACTOR, changes=changes)
    end(third)
    assert "tool says other" in printed(third)
    assert statuses(third) == [TaskStatus.COMPLETED]
