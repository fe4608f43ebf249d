from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seqhub.config import Config, build_config
from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from seqhub.lib.stopping import Interrupted, StopRequests
from seqhub.supervisor import sockets
from seqhub.supervisor.child import Child
from seqhub.supervisor.directory import check_host, claim_host, sole_supervisor
from seqhub.supervisor.errors import ExitCode, Refused
from seqhub.supervisor.output import LINE_LIMIT_BYTES, Output
from seqhub.supervisor.record import MARK, Record
from seqhub.supervisor.sockets import listen
from seqhub.supervisor.systemd import notify_systemd


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Stuck(io.StringIO):
    """A reader that has stopped reading."""

    def write(self, text: str) -> int:
        time.sleep(60)
        return len(text)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def _config(data_dir: Path, host: str) -> Config:
    return build_config({"host": host, "data_dir": str(data_dir)}, data_dir)


@pytest.mark.usefixtures("no_variables")
def test_a_data_directory_keeps_its_host(data_dir: Path) -> None:
    check_host(_config(data_dir, "north"))
    claim_host(_config(data_dir, "north"))
    claim_host(_config(data_dir, "north"))
    for refuse in (claim_host, check_host):
        with pytest.raises(Refused) as caught:
            refuse(_config(data_dir, "south"))
        assert caught.value.exit_code == ExitCode.CONFIGURATION
        message = str(caught.value)
        assert "\n" not in message
        for told in ("'north'", "'south'", "`host: north`", f"{data_dir}/host"):
            assert told in message
    (data_dir / "host").unlink()
    claim_host(_config(data_dir, "south"))
    assert (data_dir / "host").read_text() == "south\n"


def _relayed(stream: io.StringIO, data: bytes) -> list[str]:
    output = Output(stream)
    read, write = os.pipe()
    relay = output.relay("web", os.fdopen(read, "rb"))
    with os.fdopen(write, "wb") as file:
        file.write(data)
    relay.join()
    output.close()
    return stream.getvalue().splitlines()


def test_lines_of_children_become_json_with_their_level() -> None:
    record = b'{"at": "now", "level": "ERROR", "logger": "x", "message": "a\\nb"}\n'
    first, second, third = map(
        json.loads, _relayed(io.StringIO(), record + b"plain \xff\n\n{broken\n")
    )
    assert (first["at"], first["process"], first["level"]) == ("now", "web", "ERROR")
    assert first["message"] == "a\nb"
    assert second["message"] == "plain \ufffd"
    assert third["message"] == "{broken"


def test_a_terminal_gets_prefixed_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    data = b'{"level": "WARNING", "message": "a\\nb"}\nplain\n'
    assert _relayed(Terminal(), data) == [
        "web          | WARNING a",
        "web          | WARNING b",
        "web          | plain",
    ]
    monkeypatch.delenv("NO_COLOR")
    assert _relayed(Terminal(), b"plain\n")[0].startswith("\x1b[36mweb")


def test_an_endless_line_is_cut() -> None:
    lines = _relayed(io.StringIO(), b"x" * (3 * LINE_LIMIT_BYTES))
    assert [len(json.loads(line)["message"]) for line in lines] == [
        LINE_LIMIT_BYTES
    ] * 3


def test_a_stuck_reader_holds_up_nobody() -> None:
    output = Output(Stuck())
    for number in range(20_000):
        output.say(str(number))


def test_a_reader_that_went_away_ends_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    output = Output(os.fdopen(write, "w"))
    stdout, stderr = sys.stdout, sys.stderr
    try:
        output.say("one")
        output.say("two")
        output.close()
    finally:
        sys.stdout, sys.stderr = stdout, stderr


def test_a_log_file_may_be_rotated(tmp_path: Path) -> None:
    path, stream = tmp_path / "log", Terminal()
    path.write_text("old\n")
    output = Output(stream, path)
    written = []
    for word in ("one", "two"):
        output.say(word)
        said = f'"message": "{word}"'
        _wait_for(lambda: path.exists() and said in path.read_text())  # noqa: B023
        written.append(path.read_text().splitlines())
        path.rename(tmp_path / "log.1")
    output.close()
    assert written[0][0] == "old"
    assert [json.loads(lines[-1])["message"] for lines in written] == ["one", "two"]
    assert len(written[1]) == 1
    assert (tmp_path / "log.1").stat().st_mode & 0o777 == 0o600
    assert "one" in stream.getvalue()


def test_a_log_file_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    stream, path = io.StringIO(), tmp_path / "missing" / "log"
    output = Output(stream, path)
    output.say("one")
    output.say("two")
    _wait_for(lambda: '"message": "two"' in stream.getvalue())
    path.parent.mkdir()
    output.say("three")
    output.close()
    told = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    trouble = f"log_file: {path}: No such file or directory"
    assert told == [trouble, "one", "two", "three"]
    assert json.loads(path.read_text())["message"] == "three"


def _wait_for(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_client_that_falls_silent_gives_its_thread_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "SILENCE_S", 1)
    (listening,) = listen("127.0.0.1", 0)
    with listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            accepted.setblocking(True)  # as gunicorn does
            with pytest.raises(BlockingIOError):
                accepted.recv(1)
            with pytest.raises(BlockingIOError):
                accepted.sendall(bytes(64 << 20))


def test_a_port_in_use_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Refused, match=f"port {port} .* is in use") as caught:
            listen("127.0.0.1", port)
    assert caught.value.exit_code == ExitCode.PORT_IN_USE


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_an_address_of_another_machine_is_a_mistake(host: str) -> None:
    with pytest.raises(Refused, match=r"server\.host") as caught:
        listen(host, 18000)
    assert caught.value.exit_code == ExitCode.CONFIGURATION


def test_only_one_supervisor_gets_the_directory(data_dir: Path) -> None:
    with sole_supervisor(data_dir):
        with pytest.raises(Refused, match=f"process {os.getpid()}") as caught:
            sole_supervisor(data_dir).__enter__()
        assert caught.value.exit_code == ExitCode.ALREADY_RUNNING
    with sole_supervisor(data_dir):
        pass


@pytest.fixture
def stop() -> Iterator[StopRequests]:
    stop = StopRequests()
    before = signal.getsignal(signal.SIGTERM)
    with stop.installed():
        yield stop
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_double_signal_is_one_wish(stop: StopRequests) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert stop.is_requested
    assert not stop.is_cancelled
    assert stop.requested_at
    stop.requested_at -= 1
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.is_cancelled


def test_a_signal_interrupts_the_start_once(stop: StopRequests) -> None:
    cleaned = []

    def start() -> None:
        with stop.interrupting():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                cleaned.append(True)

    with pytest.raises(Interrupted):
        start()
    assert cleaned
    with pytest.raises(Interrupted):
        start()
    assert len(cleaned) == 1


def test_the_second_wish_cancels_where_it_strikes(stop: StopRequests) -> None:
    cleaned = []

    def work() -> None:
        with stop.cancelling():
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.requested_at
            stop.requested_at -= 1
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGINT)
                cleaned.append(True)

    with pytest.raises(processes.Cancelled) as ended:
        work()
    assert ended.value.code == 130
    assert cleaned


def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notify_systemd("READY=1")  # nobody asked
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify_systemd("READY=1")
        assert listening.recv(100) == b"READY=1"


def _child(program: str, *, runs_once: bool = False) -> Child:
    argv = [sys.executable, "-c", program]
    return Child("child", argv, dict(os.environ), runs_once=runs_once)


def test_a_dead_child_waits_longer_each_time() -> None:
    output = Output(io.StringIO())
    child = _child("raise SystemExit(3)")
    delays = []
    for _ in range(4):
        child.start(output)
        assert child.process
        child.process.wait()
        assert child.take_death() == "ended with exit code 3 after 0 s"
        assert child.take_death() is None
        assert not child.is_due
        delays.append(child.delay_s)
    assert delays == [0.5, 1, 2, 4]


def test_a_child_that_runs_once_is_not_started_again() -> None:
    child = _child("", runs_once=True)
    child.start(Output(io.StringIO()))
    assert child.process
    child.process.wait()
    assert child.take_death()
    assert not child.is_due


# Leaves a process behind in its session, and one in another session.
LEAVES = (
    "import subprocess as s; print(s.Popen(['sleep', '600']).pid,"
    " s.Popen(['sleep', '600'], start_new_session=True).pid, flush=True)"
)


def _leave(mark: str) -> tuple[ProcessId, list[ProcessId]]:
    """The dead leader of a session; its member, and a stranger it has started."""
    leader = processes.spawn(
        [sys.executable, "-c", f"{LEAVES}; input()"],
        env={**os.environ, MARK: mark},
        output=subprocess.PIPE,
    )
    who = ProcessId.of(leader.pid)
    assert leader.stdout
    pids = leader.stdout.readline().split()
    left = [ProcessId.of(int(pid)) for pid in pids]
    leader.wait()
    leader.stdout.close()
    return who, left


def test_leftovers_are_ended_but_not_what_left_the_session(data_dir: Path) -> None:
    record = Record(data_dir)
    leader, (member, stranger) = _leave(record.mark)
    record.write([leader])
    assert Record(data_dir).end_leftovers() == [leader.pid]
    assert not member.is_alive()
    assert stranger.is_alive()
    assert Record(data_dir).end_leftovers() == []
    processes.end([stranger], grace_s=0)


def test_a_session_without_our_mark_is_left_alone(data_dir: Path) -> None:
    record = Record(data_dir)
    leader, left = _leave("another up")
    record.write([leader])
    assert Record(data_dir).end_leftovers() == []
    assert all(process.is_alive() for process in left)
    processes.end(left, grace_s=0)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"mark": 1}', '{"sessions": [1]}'])
def test_a_damaged_record_ends_nothing(data_dir: Path, text: str) -> None:
    (data_dir / "run" / "up.json").write_text(text)
    assert Record(data_dir).end_leftovers() == []
