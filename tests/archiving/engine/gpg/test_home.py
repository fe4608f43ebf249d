from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from archiving.engine.gpg.agents import processes_of
from archiving.engine.gpg.home import PREFIX, SOCKET, open_home
from archiving.engine.gpg.leftovers import remove_leftovers
from archiving.engine.gpg.preflight import key_test
from archiving.engine.gpg.recipients import look_up
from archiving.engine.gpg.secret import new_session_key
from archiving.engine.gpg.wrapping import unwrap, wrap
from archiving.errors import Code, Trouble
from seqhub.lib.processes import ProcessId
from tests.archiving.keys import gpg

HOLDER = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from archiving.engine.gpg.home import open_home
from archiving.engine.gpg.preflight import key_test
from archiving.engine.gpg.recipients import look_up

with open_home(Path(sys.argv[1]), Path(sys.argv[2])) as home:
    key_test(home, look_up(home, ["core"], datetime.now(UTC))[0])
    print(home, flush=True)
    time.sleep(600)
"""


def try_key(home: Path) -> None:
    """Leaves an agent running in `home`."""
    key_test(home, look_up(home, ["core"], datetime.now(UTC))[0])


def listing(home: Path) -> dict[str, tuple[int, int]]:
    """Times in ns and inodes of all that is in a home, and of itself."""
    found = [home, *home.rglob("*")]
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in found
    }


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path leaves room for those of sockets."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.mark.parametrize("depth", [1, 12])
def test_a_site_is_left_as_it_was(short: Path, site: Path, depth: int) -> None:
    wrapped = gpg(site, "--trust-model", "always", "-r", "core", "-e", content=b"k\n")
    gpg(site, "--decrypt", content=wrapped)
    [agent] = processes_of(site)
    before = listing(site)
    work = short.joinpath(*["directory"] * depth)
    with open_home(work, site) as home:
        try_key(home)
        assert home.stat().st_mode & 0o777 == 0o700
        assert processes_of(home)
        assert processes_of(site) == [agent]
        # A path of a socket ends at 107 bytes; work itself is too deep then.
        assert (work in home.parents) == (depth == 1)
    assert not home.exists()
    assert processes_of(home) == []
    assert list(work.iterdir()) == []
    assert listing(site) == before
    assert agent.is_alive()


@pytest.mark.parametrize("size", [105, 106, 107, 108])
def test_agents_start_however_long_the_path_is(
    short: Path, site: Path, size: int
) -> None:
    end = f"/{PREFIX}12345678/{SOCKET}"
    work = short / ("d" * (size - len(f"{short}/{end}")))
    assert len(f"{work}{end}") == size
    with open_home(work, site) as home:
        try_key(home)


@pytest.mark.parametrize("depth", [1, 12])
def test_a_killed_holder_leaves_nothing(tmp_path: Path, site: Path, depth: int) -> None:
    work = tmp_path.joinpath(*["directory"] * depth)
    command = [sys.executable, "-c", HOLDER, str(work), str(site)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout
        home = Path(holder.stdout.readline().strip())
        agents = processes_of(home)
        assert agents
        assert remove_leftovers(work) == 0
    finally:
        holder.kill()
        holder.communicate()
    assert all(agent.is_alive() for agent in agents)
    assert remove_leftovers(work) == 1
    assert not home.exists()
    assert not any(agent.is_alive() for agent in agents)
    assert (site / "private-keys-v1.d").is_dir()
    assert remove_leftovers(work) == 0


def test_a_strangers_directory_is_no_leftover(tmp_path: Path) -> None:
    work = tmp_path / "run"
    work.mkdir()
    (work / "home-elsewhere").symlink_to(tmp_path)
    (work / "home-file").write_text("")
    assert remove_leftovers(work) == 0
    assert tmp_path.exists()


def test_a_hung_agent_is_ended(tmp_path: Path, site: Path) -> None:
    with open_home(tmp_path / "run", site) as home:
        [core] = look_up(home, ["core"], datetime.now(UTC))
        key = new_session_key()
        wrapped = wrap(home, key, [core])
        assert unwrap(home, wrapped) == key
        [agent] = processes_of(home)
        agent.send(signal.SIGSTOP)
        with pytest.raises(Trouble) as caught:
            unwrap(home, wrapped, limit_s=1)
        assert caught.value.code == Code.AGENT_HUNG
        assert processes_of(home) == []
        assert unwrap(home, wrapped) == key


@pytest.mark.slow
def test_a_home_with_a_hung_agent_still_closes(tmp_path: Path, site: Path) -> None:
    with open_home(tmp_path / "run", site) as home:
        try_key(home)
        [agent] = processes_of(home)
        agent.send(signal.SIGSTOP)
    assert not agent.is_alive()
    assert not home.exists()


@pytest.mark.parametrize(
    "attempt",
    [
        lambda home: look_up(home, ["core"], datetime.now(UTC)),
        lambda home: unwrap(home, b""),
    ],
)
def test_a_missing_gpg_is_told_with_its_package(
    home: Path, attempt: Callable[[Path], object]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(home))
        with pytest.raises(Trouble) as caught:
            attempt(home)
    assert caught.value.code == Code.PROGRAM_MISSING
    assert "apt install gnupg" in caught.value.next_step


def test_our_own_surroundings_lead_gpg_nowhere(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("GNUPGHOME", str(elsewhere))
    try_key(home)
    assert list(elsewhere.iterdir()) == []
    [agent] = processes_of(home)
    environ = Path(f"/proc/{agent.pid}/environ").read_bytes()
    assert os.fsencode(elsewhere) not in environ


def test_without_a_source_gpgs_own_choice_is_taken(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GNUPGHOME", str(site))
    with open_home(tmp_path / "run", None) as home:
        assert look_up(home, ["core"], datetime.now(UTC))[0].problem is None


def test_a_source_that_is_not_there_has_no_keys(tmp_path: Path) -> None:
    with open_home(tmp_path / "run", tmp_path / "nowhere") as home:
        [core] = look_up(home, ["core"], datetime.now(UTC))
    assert core.problem == Code.RECIPIENT_MISSING
    assert not (tmp_path / "nowhere").exists()


def test_what_comes_from_this_process_is_not_ended(home: Path) -> None:
    me = ProcessId.current()
    assert me not in processes_of(Path(tempfile.gettempdir()))
