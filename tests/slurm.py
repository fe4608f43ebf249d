"""A real SLURM of one node on this machine: Debian's slurmctld, slurmd and munged.

It has no accounting (slurmdbd, and so no sacct) and no cgroups. Its daemons run in
the foreground as our children, on free ports of 127.0.0.1, with their files in a
directory of their own. What SLURM itself starts it takes out of our hands; all of it
carries our SLURM_CONF in its environment, and is ended by that.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from seqhub.lib import processes
from seqhub.lib.processes import ProcessId
from tests.directories import open_directory
from tests.needs import need

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "squeue")
PATIENCE_S = 60
# Jobs start at once instead of within seconds, also more than there are processors;
# commands give up after two seconds, not eighteen, while the controller is away.
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=50000,batch_sched_delay=0,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
MessageTimeout=2
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=2048 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES State=UP
"""


@dataclass
class Slurm:
    """`env` is what programs need to speak to it: the tests' own environment, and
    SLURM_CONF. Its one partition is called `main`."""

    directory: Path
    env: dict[str, str] = field(init=False)
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ours = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
        self.env = ours | {"SLURM_CONF": str(self.directory / "slurm.conf")}

    def start(self) -> None:
        for name in ("state", "spool"):
            (self.directory / name).mkdir()
        (self.directory / "slurm.conf").write_text(
            CONFIGURATION.format(
                host=socket.gethostname().split(".")[0],
                ports=free_ports(),
                directory=self.directory,
            )
        )
        self._start_munged()
        self.start_controller()
        self._start("slurmd", "-D")
        self._wait_until(lambda: self.run("sinfo", "-h", "-o", "%T") == "idle")

    def _start_munged(self) -> None:
        key = self.directory / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(1024))
        files = {
            "socket": self.directory / "munge.socket",
            "key-file": key,
            "log-file": self.directory / "munged.log",
            "pid-file": self.directory / "munged.pid",
            "seed-file": self.directory / "munged.seed",
        }
        options = [f"--{name}={file}" for name, file in files.items()]
        self._start("munged", "--foreground", *options)
        self._wait_until(files["socket"].exists)

    def start_controller(self) -> None:
        """Start slurmctld, which finds again what it knew when it was stopped."""
        self._start("slurmctld", "-D")
        self._wait_until(lambda: "is UP" in self.run("scontrol", "ping"))

    def stop_controller(self) -> None:
        """As when SLURM is down: its commands fail, its jobs go on."""
        self._stop("slurmctld")

    def run(self, program: str, *arguments: str | Path) -> str:
        """What one of SLURM's programs printed; it may have failed."""
        return subprocess.run(
            [program, *arguments],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        ).stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """The words `Name=value` of `scontrol show job`; none when it is forgotten."""
        shown = self.run("scontrol", "--oneliner", "show", "job", number)
        return dict(re.findall(r"(?:^| )([\w:/]+)=(\S*)", shown))

    def wait_for(self, number: str, state: str) -> dict[str, str]:
        """The job when it has come to this state, such as RUNNING or FAILED."""
        self._wait_until(lambda: self.job(number).get("JobState") == state)
        return self.job(number)

    def stop(self) -> None:
        if "slurmctld" in self.daemons:
            # A cancelled job ends within KillWait.
            self.run("scancel", "--user=root")
            with suppress(AssertionError):
                self._wait_until(lambda: not self.run("squeue", "-h"))
        for name in ("slurmd", "slurmctld", "munged"):
            self._stop(name)
        processes.end(self._members(), grace_s=0)

    def _start(self, program: str, *arguments: str) -> None:
        with (self.directory / f"{program}.printed").open("ab") as output:
            self.daemons[program] = processes.spawn(
                [program, *arguments], env=self.env, output=output
            )

    def _stop(self, program: str) -> None:
        if daemon := self.daemons.pop(program, None):
            daemon.terminate()
            try:
                daemon.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _members(self) -> Iterator[ProcessId]:
        """What still runs of it: slurmstepd and jobs, in sessions of their own."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                if process.environ().get("SLURM_CONF") == self.env["SLURM_CONF"]:
                    yield ProcessId.of(process.pid)

    def _wait_until(self, look: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not look():
            for name, daemon in self.daemons.items():
                assert daemon.poll() is None, f"{name} ended: {self._printed(name)}"
            assert time.monotonic() < deadline, self._printed("slurmctld")
            time.sleep(0.05)

    def _printed(self, program: str) -> str:
        return (self.directory / f"{program}.printed").read_text(errors="replace")


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        return int(first.getsockname()[1]), int(second.getsockname()[1])


@contextmanager
def running_slurm() -> Iterator[Slurm]:
    """Stopped at the end with all its jobs. Where it can't run, the test is skipped
    or, in CI, fails."""
    need(os.geteuid() == 0, "needs root, for a SLURM of its own")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    need(
        not missing,
        f"needs {', '.join(missing)}: apt install munge slurm-client slurmctld slurmd",
    )
    with open_directory() as directory:
        slurm = Slurm(directory)
        try:
            slurm.start()
            yield slurm
        finally:
            slurm.stop()
