"""Illumina RunParameters.xml (runParameters.xml on HiSeq and early MiSeq).

Each platform has its own layout and none says which; but a path means the same
wherever it occurs, so all of them are tried in order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from runfolders.engine.facts import Unreadable
from runfolders.engine.values import without_nothings
from runfolders.engine.xml import find_all, integer, parse_xml, text

from .names import parse_name

# `@T/...` is a path in the consumable of type T (NovaSeq X, MiSeq i100).
_PATHS: Mapping[str, tuple[str, ...]] = {
    "run_id": ("RunID", "Setup/RunID"),
    "instrument_id": (
        "ScannerID",
        "Setup/ScannerID",
        "InstrumentID",
        "InstrumentSerialNumber",
        "InstrumentName",
    ),
    "instrument_type": ("InstrumentType",),
    "flow_cell_text": ("Setup/Flowcell",),
    "run_number": ("RunNumber", "Setup/ScanNumber", "RunCounter"),
    "application": ("Application", "ApplicationName", "Setup/ApplicationName"),
    "version": (
        "Setup/ApplicationVersion",
        "ApplicationVersion",
        "SystemSuiteVersion",
        "MCSVersion",
    ),
    "rta_version": ("RTAVersion", "Setup/RTAVersion"),
    "experiment_name": ("ExperimentName", "Setup/ExperimentName"),
    "flow_cell": (
        "FlowcellRFIDTag/SerialNumber",
        "FlowcellRFIDTag/Barcode",
        "Barcode",
        "Setup/Barcode",
        "FlowCellSerial",
        "FlowcellEEPROMTag/SerialNumber",
        "FlowCellSerialNumber",
        "RfidsInfo/FlowCellSerialBarcode",
        "@FlowCell/SerialNumber",
        "@FlowCell_1/SerialNumber",
    ),
    # HiSeq's Setup/ReagentKits is left out: people type anything there.
    "reagent_kit": (
        "ReagentKitBarcode",
        "ReagentKitRFIDTag/SerialNumber",
        "ReagentKitSerial",
        "CartridgeSerialNumber",
        "RfidsInfo/SbsSerialBarcode",
        "@Reagent/SerialNumber",
        "@DryCartridge/SerialNumber",
    ),
    "reagent_kit_barcode": ("ReagentKitBarcode",),
    "library_tube": (
        "RfidsInfo/LibraryTubeSerialBarcode",
        "@SampleTube/SerialNumber",
    ),
    "chemistry": (
        "Chemistry",
        "Setup/ChemistryVersion",
        "RfidsInfo/SbsConsumableVersion",
    ),
    "operator": ("Username", "Setup/Username"),
    "started": ("RunStartTime", "RunStartDate", "Setup/RunStartDate"),
    "side": ("Side", "Setup/FCPosition"),
}
_EXTRA: Mapping[str, tuple[str, ...]] = {
    "parameters_version": ("RunParametersVersion", "Version"),
    "ended": ("RunEndTime", "RunEndDate"),
    "output_folder": ("OutputFolder", "OutputRunFolder", "Setup/OutputFolder"),
    "workflow_type": ("WorkflowType",),
    "run_mode": ("Setup/RunMode",),
    "recipe": ("RecipeName",),
    "recipe_version": ("RecipeVersion",),
    "library_id": ("LibraryID",),
    "pr2_bottle": (
        "PR2BottleBarcode",
        "PR2BottleRFIDTag/SerialNumber",
        "PR2BottleSerial",
    ),
    "cluster_kit": ("RfidsInfo/ClusterSerialBarcode",),
    "buffer_kit": ("RfidsInfo/BufferSerialBarcode", "@Buffer/SerialNumber"),
    "lyo_kit": ("@Lyo/SerialNumber",),
    "disable_bcl_copy": ("DisableBclCopy",),
}
# The first that is not a bare number: newer NovaSeq X files have a code as Mode.
_FLOW_CELL_MODES = (
    "RfidsInfo/FlowCellMode",
    "FlowCellMode",
    "@FlowCell/Name",
    "@FlowCell_1/Name",
    "@FlowCell/Mode",
    "FlowCellType",
    "FlowCellName",
    "Setup/Flowcell",
)
_SIDES = {"a": "A", "b": "B", "left": "A", "right": "B"}


@dataclass(frozen=True, slots=True)
class RunParameters:
    """What the file says; None where it does not."""

    run_id: str | None = None
    instrument_id: str | None = None
    instrument_type: str | None = None
    flow_cell_text: str | None = None  # HiSeq: "HiSeq Rapid Flow Cell v2"
    run_number: int | None = None
    application: str | None = None
    software: str | None = None  # application and its version
    rta_version: str | None = None
    experiment_name: str | None = None
    flow_cell: str | None = None
    flow_cell_mode: str | None = None
    reagent_kit: str | None = None
    reagent_kit_barcode: str | None = None
    library_tube: str | None = None
    chemistry: str | None = None
    operator: str | None = None
    started: str | None = None  # as written
    side: str | None = None  # "A" or "B"
    extra: Mapping[str, str] = field(default_factory=dict)


def parse_run_parameters(data: bytes, name: str) -> RunParameters:
    """Read run parameters of any Illumina platform. Raises Unreadable."""
    root = parse_xml(data, name)
    if root.tag.lower() != "runparameters":
        raise Unreadable(f"{name} is not a RunParameters file.")
    document = _Document(root)
    values = {field: document.first(paths) for field, paths in _PATHS.items()}
    run_number = integer(values.pop("run_number"))
    version = values.pop("version")
    run_id = values.pop("run_id") or _id_from_output(document.first(("OutputFolder",)))
    side = _SIDES.get((values.pop("side") or "").lower())
    chemistry = values.pop("chemistry")
    if chemistry is None and document.consumables:
        # NovaSeq X and MiSeq i100; elsewhere a recipe is no chemistry.
        chemistry = document.first(("RecipeName",))
    extra = {field: document.first(paths) for field, paths in _EXTRA.items()}
    return RunParameters(
        **values,
        run_id=run_id,
        run_number=run_number,
        software=" ".join(filter(None, (values["application"], version))) or None,
        side=side,
        chemistry=chemistry,
        flow_cell_mode=_flow_cell_mode(document),
        extra=without_nothings(extra),
    )


class _Document:
    def __init__(self, root: Element) -> None:
        self._root = root
        self.consumables: dict[str, Element] = {}
        for element in find_all(root, "ConsumableInfo/ConsumableInfo"):
            kind = (text(element, "Type") or "").lower()
            known = self.consumables.get(kind)
            if known is None or text(known, "SerialNumber") is None:
                self.consumables[kind] = element

    def first(self, paths: tuple[str, ...]) -> str | None:
        for path in paths:
            element: Element | None = self._root
            if path.startswith("@"):
                kind, _, path = path[1:].partition("/")
                element = self.consumables.get(kind.lower())
            if element is not None and (value := text(element, path)) is not None:
                return value
        return None


def _flow_cell_mode(document: _Document) -> str | None:
    modes = (document.first((path,)) for path in _FLOW_CELL_MODES)
    if mode := next((mode for mode in modes if mode and not mode.isdigit()), None):
        return mode
    chemistry = document.first(("Chemistry",))
    # NextSeq 500/550: "NextSeq High"; elsewhere the word means something else.
    return chemistry if (chemistry or "").startswith("NextSeq ") else None


def _id_from_output(folder: str | None) -> str | None:
    r"""NextSeq 1000/2000 name no run, but write into a directory of its name.

    Others write the parent there (`Z:\`), which no run is called.
    """
    name = re.split(r"[\\/]", (folder or "").rstrip("\\/"))[-1]
    return name if parse_name(name) else None
