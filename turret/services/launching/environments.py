"""Where launches run: the environment that the configuration defines, what Nextflow
gets of ours, and how its tasks come to be known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from django.conf import settings

from turret.choices import ComputeKind, TraceBy
from turret.models import ComputeEnvironment, Launch

LOCAL = "local"
_NAMES = frozenset(
    {
        *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"),
        *("JAVA_HOME", "JAVA_CMD", "SLURM_CONF"),
        *("http_proxy", "https_proxy", "no_proxy"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
_PREFIXES = ("LC_", "NXF_")
# Ours, whoever names it.
_NEVER = ("SEQHUB_", "DJANGO_", "PG", "DATABASE_URL")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - what is meant is reachable here


def configured_compute() -> ComputeEnvironment:
    """This host's, as turret.launcher has it: `local`, or with the host's name if
    another host of the database has that."""
    host = settings.CONFIG.host
    rows = ComputeEnvironment.objects
    if row := rows.filter(is_configured=True, host=host).first():
        return row
    name = LOCAL if not rows.filter(name=LOCAL).exists() else f"{LOCAL}@{host}"
    row, _ = rows.get_or_create(
        name=name,
        defaults={"kind": ComputeKind.LOCAL, "host": host, "is_configured": True},
    )
    return row


def nextflow_of(compute: ComputeEnvironment) -> str:
    return compute.nextflow or settings.CONFIG.turret.launcher.nextflow


def launches_dir() -> Path:
    """Below which each launch has its directory."""
    configured: Path | None = settings.CONFIG.turret.launcher.work_dir
    return configured or settings.CONFIG.data_dir / "launches"


def environment_of(compute: ComputeEnvironment) -> dict[str, str]:
    """What Nextflow gets of ours: nothing that is not named."""
    return clean_environment(os.environ, compute.environment)


def clean_environment(
    ours: Mapping[str, str], names: Iterable[str] = ()
) -> dict[str, str]:
    wanted = _NAMES | set(names)
    env = {
        name: value
        for name, value in ours.items()
        if (name in wanted or name.startswith(_PREFIXES))
        and not is_never_passed_on(name)
    }
    if not env.keys() & {"LANG", "LC_ALL", "LC_CTYPE"}:
        # Java reads no other file names than ASCII then.
        env["LANG"] = "C.UTF-8"
    return env


def is_never_passed_on(name: str) -> bool:
    """Whether a variable is ours alone, whoever names it."""
    return name.startswith(_NEVER)


def own_environment(launch: Launch) -> dict[str, str]:
    """What Nextflow gets of this very launch; the token comes from its file."""
    # The session of one that begins anew is known before it has begun.
    own = {"NXF_UUID": launch.workflow.session_id}
    if launch.trace == TraceBy.TOWER:
        own["TOWER_WORKFLOW_ID"] = launch.launch_id
        own["TOWER_API_ENDPOINT"] = tower_url(launch.compute)
    return own


def traced_by(asked: str, env: Mapping[str, str]) -> TraceBy:
    """Without its plugin Nextflow would try to download it, and end."""
    if asked != TraceBy.AUTO:
        return TraceBy(asked)
    home = Path(env.get("NXF_HOME") or Path(env.get("HOME", "/")) / ".nextflow")
    plugins = Path(env.get("NXF_PLUGINS_DIR") or home / "plugins")
    found = any(plugins.glob("nf-tower-*"))
    return TraceBy.TOWER if found else TraceBy.FILE


def tower_url(compute: ComputeEnvironment) -> str:
    """Where Nextflow reaches us."""
    server = settings.CONFIG.server
    if server.public_url:
        return str(server.public_url).rstrip("/")
    host = server.host
    if host in _EVERYWHERE:
        is_here = compute.kind == ComputeKind.LOCAL
        host = "127.0.0.1" if is_here else settings.CONFIG.host
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{server.port}"
