"""What an Element AVITI writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .plan import EndsAs, Plan, Script, Write
from .values import DIGITS, HEX, generator, pick, split_cycles

_INSTRUMENT = "AV249001"
_USUAL = (151, 10, 10, 151)


def script(plan: Plan) -> Script:
    chance = generator(plan.seed)
    flow_cell = pick(chance, DIGITS, 10)
    run_name = f"A{flow_cell}"
    name = plan.name or f"{plan.started_at:%Y%m%d}_{_INSTRUMENT}_{run_name}"
    read1, index1, index2, read2 = split_cycles(plan.cycles, _USUAL)
    cycles = {"R1": read1, "R2": read2, "I1": index1, "I2": index2}
    order = ("I1", "I2", "R1", "R2")
    files = [
        f"{read}_C{n:03}.zip" for read in order for n in range(1, cycles[read] + 1)
    ]
    parameters = {
        "FileVersion": "5.0.0",
        "RunName": run_name,
        "RunID": f"{pick(chance, HEX, 8)}-simulated",
        "RunType": "Sequencing",
        "RunFolderName": name,
        "Date": plan.started_at.isoformat(),
        "InstrumentName": _INSTRUMENT,
        "OperatorName": "Simulator",
        "Side": "SideA",
        "FlowcellID": flow_cell,
        "Cycles": cycles,
        "ReadOrder": ",".join(order),
        "KitConfiguration": "300Cycles",
        "ChemistryVersion": "Cloudbreak",
        "PlatformVersion": "3.1.0",
        "AnalysisLanes": "1+2",
        "Consumables": {
            "Flowcell": {"SerialNumber": flow_cell},
            "SequencingCartridge": {"SerialNumber": f"SC{pick(chance, DIGITS, 8)}"},
        },
    }

    def cycle(number: int) -> Iterator[Write]:
        yield Write(f"BaseCalls/{files[number - 1]}", b"base calls")

    return Script(
        name=name,
        cycles=len(files),
        opening=(
            Write("RunManifest.json", _json({"RunValues": {}})),
            Write("RunParameters.json", _json(parameters)),
        ),
        cycle=cycle,
        closing=_closing,
    )


def _closing(done: int, ends_as: EndsAs) -> Iterator[Write]:
    outcome = "OutcomeFailed" if ends_as is EndsAs.FAIL else "OutcomeCompleted"
    yield Write("AvitiRunStats.json", _json({"RunStats": {"Cycles": done}}))
    yield Write("RunUploaded.json", _json({"outcome": outcome}))


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()
