"""From a POST to a running `seqhub up` until the launch's process is there."""

from __future__ import annotations

import json
import statistics
import subprocess
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from tests.e2e.sites import Site, eventually, new_site
from tests.nextflow.runs import PIPELINES
from tests.turret.launching.site import standin
from turret.engine.launching.files import LaunchFiles

STARTS = 9
MOST_S = 2
PATIENCE_S = 30


def report_starts() -> None:
    with new_site() as site:
        program = standin(site.directory)
        (site.directory / "seqhub.yaml").write_text(
            f"host: {site.host}\nturret: {{launcher: {{nextflow: {program}}}}}\n"
        )
        site.start()
        token = site.make_token("read", "write")
        ours, bare = [], []
        for _ in range(STARTS):
            bare.append(_bare_start(program))
            ours.append(_start(site, token))
    median, lowest = statistics.median(ours), statistics.median(bare)
    mark = "" if median <= MOST_S else "  TOO MUCH"
    print(
        f"POST to the process, over HTTP: {median:.3f} s, at worst {max(ours):.3f} s"
        f" (at most {MOST_S}); Popen to its first line {lowest:.4f} s, ratio"
        f" {median / lowest:.0f}{mark}"
    )


def _start(site: Site, token: str) -> float:
    """Seconds; the launch is over then, too."""
    body = {"pipeline": str(PIPELINES / "three"), "params": {"outdir": "/tmp/none"}}
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.time()
    with closing(HTTPConnection("127.0.0.1", site.port, PATIENCE_S)) as connection:
        connection.request("POST", "/api/launches", json.dumps(body), headers)
        launch_id = json.load(connection.getresponse())["launch_id"]
    files = LaunchFiles(site.data_dir / "launches" / launch_id)
    eventually(files.process.exists, f"the process\n{site.log}")
    eventually(files.exit_code.exists, f"its end\n{site.log}")
    return files.process.stat().st_mtime - began


def _bare_start(program: Path) -> float:
    began = time.perf_counter()
    with subprocess.Popen(
        [program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        took_s = time.perf_counter() - began
        started.kill()
    return took_s
