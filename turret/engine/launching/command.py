"""What Nextflow is started with: its arguments, its configuration, its parameters."""

from __future__ import annotations

import json

from turret.engine.launching.plan import Plan

# Of the trace file. A record ends with the newline after its last field: scripts and
# tags hold newlines, too. Options of the command line win over its place.
TRACE_FIELDS = (
    "task_id,hash,native_id,process,tag,name,status,exit,module,container,cpus,time,"
    "disk,memory,attempt,submit,start,complete,duration,realtime,queue,%cpu,%mem,rss,"
    "vmem,peak_rss,peak_vmem,rchar,wchar,syscr,syscw,read_bytes,write_bytes,vol_ctxt,"
    "inv_ctxt,env,workdir,script,scratch,error_action,hostname,cpu_model"
)
TRACE_CONFIG = f"""\
trace {{
    enabled = true
    raw = true
    overwrite = true
    sep = '\\u001f'
    fields = '{TRACE_FIELDS}'
}}
"""


def argv_of(plan: Plan) -> list[str]:
    """The command. Whoever made the plan has seen to it that no value in it begins
    with a dash."""
    files = plan.files
    argv = [plan.nextflow, "-log", files.nextflow_log, "-c", files.config]
    argv += ["run", plan.source, "-name", plan.run_name]
    argv += ["-params-file", files.params, "-work-dir", plan.work_dir]
    for option, value in (
        ("-revision", plan.revision),
        ("-profile", plan.profile),
        ("-resume", plan.session),
        ("-with-tower", plan.tower_url),
    ):
        if value:
            argv += [option, value]
    argv += ["-with-trace", files.trace, "-ansi-log", "false"]
    return [str(part) for part in argv]


def config_of(plan: Plan) -> str:
    """nextflow.config: the layers one after the other, the later ones win; the trace
    file's is the last."""
    texts = [text.rstrip() for text in plan.configs if text.strip()]
    return "\n\n".join([*texts, TRACE_CONFIG])


def params_of(plan: Plan) -> str:
    return json.dumps(plan.params, indent=2, ensure_ascii=False) + "\n"


def include_of(path: str) -> str:
    """A layer that reads another file; what that includes is found beside it."""
    quoted = path.replace("\\", "\\\\").replace("'", "\\'")
    return f"includeConfig '{quoted}'"
