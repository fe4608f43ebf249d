"""What MinKNOW writes on a PromethION; a "cycle" here is a batch of reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from .plan import EndsAs, Plan, Script, Write
from .values import DIGITS, HEX, generator, pick

_USUAL_BATCHES = 20
_POSITION = "1A"


def script(plan: Plan) -> Script:
    chance = generator(plan.seed)
    flow_cell = f"PAX{pick(chance, DIGITS, 5)}"
    run, acquisition = pick(chance, HEX, 8), pick(chance, HEX, 8)
    began = f"{plan.started_at:%Y%m%d_%H%M}"
    stem = f"{flow_cell}_{run}_{acquisition}"

    def cycle(number: int) -> Iterator[Write]:
        yield Write(f"pod5/{stem}_{number - 1}.pod5", b"signal")
        yield Write(f"fastq_pass/{stem}_{number - 1}.fastq.gz", b"reads")
        rows = "".join(f"{number}\tread_{n}\n" for n in range(10))
        yield Write(f"sequencing_summary_{stem}.txt", rows.encode(), grows=True)

    def closing(done: int, ends_as: EndsAs) -> Iterator[Write]:
        lost = done if ends_as is EndsAs.FAIL else 0
        stopped = plan.started_at + dt.timedelta(seconds=plan.seconds)
        summary = {
            "instrument": "PC24B901",
            "position": _POSITION,
            "flow_cell_id": flow_cell,
            "sample_id": "simulated",
            "protocol_group_id": "simulation",
            "protocol": "sequencing/sequencing_PRO114:FLO-PRO114M:SQK-LSK114:400",
            "protocol_run_id": f"{run}-simulated",
            "acquisition_run_id": f"{acquisition}-simulated",
            "started": plan.started_at.isoformat(),
            "acquisition_stopped": stopped.isoformat(),
            "processing_stopped": stopped.isoformat(),
            "basecalling_enabled": 1,
            "pod5_files_in_final_dest": done - lost,
            "pod5_files_in_fallback": lost,
            "fastq_files_in_final_dest": done,
            "fastq_files_in_fallback": 0,
        }
        lines = "".join(f"{key}={value}\n" for key, value in summary.items())
        yield Write(f"report_{flow_cell}_{began}_{run}.html", b"<p>simulated</p>\n")
        yield Write(f"final_summary_{stem}.txt", lines.encode())

    return Script(
        name=plan.name or f"{began}_{_POSITION}_{flow_cell}_{run}",
        cycles=plan.cycles or _USUAL_BATCHES,
        opening=(Write("pod5/"), Write("fastq_pass/")),
        cycle=cycle,
        closing=closing,
    )
