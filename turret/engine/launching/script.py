"""The script that runs Nextflow and keeps its exit code.

It may be started twice, by whoever does not know that it was: the second one ends
at the directory that the first has made.
"""

from __future__ import annotations

import shlex

from turret.engine.launching.command import argv_of
from turret.engine.launching.plan import Plan

# What it ends with when it was told to before Nextflow ran.
STOPPED = 143

_BEGINNING = """\
#!/bin/bash
directory={directory}
mkdir "$directory/claimed" || exit 0

# The space for the exit code is taken now: the disk may be full at the end.
finish() {{
    code=$?
    trap - EXIT
    printf '%-4s\\n' "$code" 1<>"$directory/exit_code.partial" &&
        mv -f "$directory/exit_code.partial" "$directory/exit_code"
    exit "$code"
}}
printf '%-4s\\n' '' >"$directory/exit_code.partial" || exit 1
trap finish EXIT
trap 'exit {stopped}' TERM INT HUP

# Its number, when it began (field 22 of proc(5)'s stat), and since which boot.
stat=$(<"/proc/$$/stat")
set -- ${{stat##*) }}
printf '%s %s %s\\n' "$$" "${{20}}" "$(</proc/sys/kernel/random/boot_id)" \\
    >"$directory/process.partial" &&
    mv -f "$directory/process.partial" "$directory/process" || exit 1
set --
export SEQHUB_LAUNCH={launch}
"""
# Shells that are no login shells often lack it.
_MODULES = """\
if ! type module >/dev/null 2>&1; then
    path=$PATH
    . /etc/profile
    PATH=$path:$PATH
fi
"""
# Nextflow is to end its tasks itself: what signals them all makes them fail, and be
# tried again. This goes on until Nextflow has ended, to write down how.
_END = """\
cd -- {launch_dir} || exit 1
{command} &
head=$!
trap 'kill -TERM "$head"' TERM INT HUP
wait "$head"
code=$?
while kill -0 "$head" 2>/dev/null; do
    wait "$head"
    code=$?
done
exit "$code"
"""


def script_of(plan: Plan) -> str:
    """Bash; each value is quoted, but for the managers' own lines."""
    files = plan.files
    parts = [
        _BEGINNING.format(
            directory=shlex.quote(str(files.directory)),
            launch=shlex.quote(files.directory.name),
            stopped=STOPPED,
        )
    ]
    if plan.tower_url:
        # The file is readable to its owner only; this one may be shown.
        token = shlex.quote(str(files.token))
        parts.append(f'TOWER_ACCESS_TOKEN="$(<{token})"\nexport TOWER_ACCESS_TOKEN\n')
    if setup := setup_of(plan.modules, plan.pre_run):
        parts.append(setup)
    parts.append(
        _END.format(
            launch_dir=shlex.quote(str(plan.launch_dir)),
            command=shlex.join(argv_of(plan)),
        )
    )
    return "\n".join(parts)


def setup_of(modules: str, pre_run: str) -> str:
    """What a shell does before Nextflow: the managers' own lines."""
    parts = []
    if modules.strip():
        parts += [_MODULES, _lines(modules)]
    if pre_run.strip():
        parts.append(_lines(pre_run))
    return "\n".join(parts)


def _lines(text: str) -> str:
    """As people write them, also in a browser."""
    return text.replace("\r\n", "\n").rstrip() + "\n"
