"""Progress requests a second against a bare uvicorn stub on the same cores.

    python -m tests.benchmarks.tower_load [--runs 8] [--tasks 60] [--seconds 10]
        [--rounds 3] [--fill 1000000] [--rate 1]

Generator, server and the embedded PostgreSQL share the machine; the server is a
whole `up`, whose clusters idle. Each run has a connection of its own and sends the
next body when the last one is answered, or `--rate` of them a second. Stub and server
take turns; figures are medians.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import math
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

import psutil

# What sites are made of signs tasks as django-q2 does, which reads the settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seqhub.settings")

from tests.benchmarks import tower_bodies
from tests.e2e.sites import Site, eventually, free_port, new_site

# A quarter of an hour of a run that sends each second: few of its calls are the
# create, begin and complete.
REQUESTS_A_RUN = 900
_numbers = itertools.count(1)


@dataclass
class Load:
    """What a generator sends, and what it saw."""

    port: int
    token: str
    tasks: int
    rate: float | None
    bodies: list[bytes]
    latencies_s: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    def run(self, until: float) -> None:
        """One workflow after the other, until `until` (monotonic)."""
        with Client(self.port, self.token) as client:
            while time.monotonic() < until:
                self.send_workflow(client, until)

    def send_workflow(self, client: Client, until: float) -> None:
        number = next(_numbers)
        create = tower_bodies.create(f"load_{number}", number)
        status, answer = client.send("POST", "/trace/create", create)
        assert status == 200, answer
        workflow = json.loads(answer)["workflowId"]
        client.send("PUT", f"/trace/{workflow}/begin", tower_bodies.begin())
        began = time.monotonic()
        for number, body in enumerate(self.bodies):
            now = time.monotonic()
            if now >= until:
                return
            if self.rate and (early := began + number / self.rate - now) > 0:
                time.sleep(early)
            sent = time.monotonic()
            status, _ = client.send("PUT", f"/trace/{workflow}/progress", body)
            self.latencies_s.append(time.monotonic() - sent)
            if status != 200:
                self.refused.append(status)
        last = tower_bodies.complete(len(self.bodies), self.tasks)
        client.send("PUT", f"/trace/{workflow}/complete", last)


class Client:
    """Keep-alive HTTP as Nextflow speaks it, at little cost to the server's cores."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        credentials = base64.b64encode(f"@token:{token}".encode()).decode()
        self._head = (
            f"Host: 127.0.0.1:{port}\r\nAuthorization: Basic {credentials}\r\n"
            "User-Agent: Nextflow/25.04.4\r\nContent-Type: application/json\r\n"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        head = f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}"
        self._socket.sendall(f"{head}\r\n\r\n".encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._received()
        header, _, rest = answer.partition(b"\r\n\r\n")
        lines = header.lower().split(b"\r\n")
        (length,) = (
            int(line.split(b":")[1])
            for line in lines
            if line.startswith(b"content-length:")
        )
        while len(rest) < length:
            rest += self._received()
        return int(lines[0].split()[1]), rest

    def _received(self) -> bytes:
        data = self._socket.recv(65536)
        assert data, "the server has closed the connection"
        return data


@dataclass(frozen=True)
class Result:
    requests: int
    requests_s: float
    median_ms: float
    p99_ms: float
    refused: int


def measure(port: int, token: str, args: argparse.Namespace) -> Result:
    bodies = tower_bodies.progresses(REQUESTS_A_RUN, args.tasks)
    loads = [Load(port, token, args.tasks, args.rate, bodies) for _ in range(args.runs)]
    began = time.monotonic()
    until = began + args.seconds
    threads = [threading.Thread(target=load.run, args=(until,)) for load in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    latencies = sorted(second for load in loads for second in load.latencies_s)
    return Result(
        len(latencies),
        len(latencies) / took,
        statistics.median(latencies) * 1000,
        latencies[len(latencies) * 99 // 100] * 1000,
        sum(len(load.refused) for load in loads),
    )


class Spent:
    """CPU seconds of the parts of a request, and what they hold of the memory (PSS); a
    context for each time it is loaded."""

    def __init__(self, site: Site) -> None:
        web = psutil.Process(site.sessions()["web"])
        self._web = [web, *web.children(recursive=True)]
        pid_file = site.data_dir / "postgres" / "postmaster.pid"
        self._postgres = psutil.Process(int(pid_file.read_text().split()[0]))
        self._own = psutil.Process()
        self._sums = {"web server": 0.0, "PostgreSQL": 0.0, "generator": 0.0}
        self._held_mb: dict[str, float] = {}

    def __enter__(self) -> None:
        self._add(-1)

    def __exit__(self, *_: object) -> None:
        self._add(1)

    def _add(self, sign: int) -> None:
        postgres = [self._postgres, *self._postgres.children()]
        for name, processes in zip(
            self._sums, (self._web, postgres, [self._own]), strict=True
        ):
            self._sums[name] += sign * sum(_cpu_s(process) for process in processes)
            self._held_mb[name] = sum(_pss_mb(process) for process in processes)

    def show_memory(self) -> None:
        parts = (f"{name} {held:.0f} MB" for name, held in self._held_mb.items())
        print(f"Memory: {', '.join(parts)}", flush=True)

    def show(self, requests: int) -> None:
        parts = (
            f"{name} {seconds / requests * 1000:.2f} ms"
            for name, seconds in self._sums.items()
        )
        print(f"CPU time of a request: {', '.join(parts)}")


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):  # PostgreSQL's helpers come and go
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0


def _pss_mb(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss / 1e6)
    return 0


@contextmanager
def running_stub() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "uvicorn", "tests.benchmarks.stub:app"),
            *("--port", str(port), "--log-level", "error"),
        ]
    )
    try:
        eventually(lambda: _answers(port), "the stub")
        yield port
    finally:
        process.terminate()
        process.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def fill(site: Site, tasks: int) -> None:
    """Copies of the first workflow and its tasks, up to `tasks` tasks."""
    (first, has) = site.query(
        "SELECT workflow_id, count(*) FROM turret_workflowtask GROUP BY 1 LIMIT 1"
    )[0]
    site.query(
        """
        INSERT INTO turret_workflow SELECT copy.* FROM turret_workflow AS one,
            generate_series(1, %s) AS n, jsonb_populate_record(one, jsonb_build_object(
                'id', nextval('turret_workflow_id_seq'), 'create_key', null,
                'workflow_id', 'fill' || n, 'status', 'succeeded')) AS copy
        WHERE one.id = %s
        """,
        tasks // has,
        first,
    )
    site.query(
        """
        INSERT INTO turret_workflowtask SELECT copy.* FROM turret_workflow AS owner,
            turret_workflowtask AS one, jsonb_populate_record(one, jsonb_build_object(
                'id', nextval('turret_workflowtask_id_seq'),
                'workflow_id', owner.id)) AS copy
        WHERE owner.workflow_id LIKE 'fill%%' AND one.workflow_id = %s
        """,
        first,
    )
    site.query("VACUUM ANALYZE turret_workflow")
    site.query("VACUUM ANALYZE turret_workflowtask")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--fill", type=int, default=0)
    parser.add_argument("--rate", type=float)
    args = parser.parse_args()
    with new_site() as site, running_stub() as stub:
        site.start()
        token = _token(site)
        if args.fill:
            hundred = Load(site.port, token, 100, None, tower_bodies.progresses(3, 100))
            with Client(site.port, token) as client:
                hundred.send_workflow(client, math.inf)
            fill(site, args.fill)
        ours, bare = [], []
        spent = Spent(site)
        for _ in range(args.rounds):
            bare.append(measure(stub, "none", args))
            with spent:
                ours.append(measure(site.port, token, args))
            spent.show_memory()
        kept = site.query("SELECT count(*) FROM turret_workflowtask")[0][0]
        _print("stub", bare)
        _print("ours", ours)
        ratio = _median(ours).requests_s / _median(bare).requests_s
        print(f"{args.runs} runs x {args.tasks} tasks: {ratio:.2f} of the stub;")
        print(f"{kept:,} tasks in the table")
        spent.show(sum(result.requests for result in ours))


def _token(site: Site) -> str:
    made = site.command("token", "create", "load", "--scope", "trace")
    assert made.returncode == 0, made.stderr
    (token,) = (word for word in made.stdout.split() if word.startswith("sqh_"))
    return token


def _median(results: list[Result]) -> Result:
    return sorted(results, key=lambda result: result.requests_s)[len(results) // 2]


def _print(name: str, results: list[Result]) -> None:
    one = _median(results)
    print(
        f"{name}: {one.requests_s:.0f} requests/s, median {one.median_ms:.1f} ms, "
        f"p99 {one.p99_ms:.0f} ms, {sum(result.refused for result in results)} refused"
    )


if __name__ == "__main__":
    main()
