"""A small cohort that readers are asked about: two reports, three views of one CT, a radiograph, a doubtful place."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from curation.films import png
from curation.records import (
    Assertion,
    CtQuality,
    Grounding,
    LabelGap,
    Mask,
    MaskQuality,
    Measurement,
    Mention,
    Picture,
    Radiograph,
    ReadingCase,
    Record,
    Report,
    ReportLabel,
    ReportLink,
    Role,
    Series,
    Task,
    Temporality,
    ViewQuality,
)
from curation.rle import encode
from curation.store import ShardWriter, to_arrow, write_parquet
from curation.workspace import Workspace
from tests import rows as made_rows
from tests.curation.slices import dicom_file, instance

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN
TEXT = "FINDINGS: Possible edema. Left effusion. Heart normal."
ADDENDUM = "ADDENDUM: None."
ROWS, COLUMNS = 20, 30
PLACE = "0123456789abcdef"


def case(task: Task, subject_id: str, *findings: str, reasons: tuple[str, ...] = ()) -> ReadingCase:
    name = f"{task.value}/{subject_id}"
    return ReadingCase("week 1", name, task, subject_id, "p1", Role.ROUTED, 0.5, findings, (), reasons, "")


def square(x: int, y: int, side: int) -> str:
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[y : y + side, x : x + side] = True
    return encode(mask)


def grey(level: int) -> bytes:
    """A PNG of 8 bits that rises to the right."""
    return png((np.arange(COLUMNS)[None, :] + np.full((ROWS, 1), level)).astype(np.uint8))


def film_pixels() -> NDArray[np.uint16]:
    """Bright from left to right, 12 bits."""
    return np.tile(np.linspace(0, 4095, COLUMNS).astype(np.uint16), (ROWS, 1))


def mention(finding: str, assertion: Assertion, start: int, end: int, **more: Any) -> Mention:
    return Mention(f"m{start}", "r1", "findings", 10, 50, start, end, finding, assertion, "f", "a", "", "", (), **more)


def mask(view_id: str, label: str, source: str = "segment", box: tuple[int, ...] = (2, 3, 4, 4)) -> Mask:
    return Mask(view_id, label, 121, source, square(box[0], box[1], box[2]), box[2] * box[3], box, 1.0)


def judged(view_id: str, label: str, priority: float, *flags: str, score: float = 1.0) -> MaskQuality:
    return MaskQuality(view_id, label, score, flags, priority, 1, 1.0, 0, 0.0, (), 1.0)


def grounding(view_id: str, finding: str, assertion: Assertion, reference: str = "study") -> Grounding:
    name = f"{finding}-{assertion.value}-{reference}"
    return Grounding(name, view_id, "left lung", reference, "r1", finding, assertion, (1, 2, 10, 12), "ground.x")


def measured(view_id: str, measure: str, value: float | None, limit: float) -> Measurement:
    if value is None:
        return Measurement(view_id, measure, None, "1", (limit,), None, "", (), (), (), (), (), "the CT ends before it")
    return made_rows.measurement(view_id, measure, value, limit, (1.0, 2.0, 5.5, 2.0))


def reports() -> list[Record]:
    states = {"Edema": -1, "Pleural Effusion": 1, "Cardiomegaly": 0, "Fracture": None}
    return [
        Report("r1", "p1", "a1", None, "local", "LicenseRef-local", TEXT),
        Report("r2", "p1", "a1", None, "local", "LicenseRef-local", ADDENDUM),
        ReportLink("r1", "study1"),
        ReportLink("r2", "study1"),
        mention("edema", U, 19, 24),
        mention("pleural_effusion", P, 31, 39),
        mention("cardiomegaly", A, 41, 53, temporality=Temporality.HISTORICAL),
        *(ReportLabel("r1", label, state, ()) for label, state in states.items()),
        ReportLabel("r1", "COPD", 1, (), "vindr"),
        ReportLabel("r1", "No finding", None, (), "vindr"),
    ]


def project(writer: ShardWriter) -> list[Record]:
    """Three views: v1 with all pictures, v2 with the 16-bit one, v3 with none."""
    made: list[Record] = []
    for number, view in ((1, "PA"), (2, "LAT"), (3, "LAO")):
        place = writer.add(f"v{number}.png", grey(number))
        size = {"rows": ROWS, "columns": COLUMNS}
        made.append(made_rows.view(f"v{number}", "s1", view=view, **size, **place.__dict__))
    kinds = {"bone_only": grey(100), "bone_suppressed": grey(110), "lung_only": grey(120)}
    for kind, data in kinds.items():
        made.append(Picture("v1", kind, "MONOCHROME2", 1.0, **writer.add(f"v1.{kind}.png", data).__dict__))
    raw = writer.add("v2.raw.png", png16(film_pixels()))
    return [*made, Picture("v2", "raw", "MONOCHROME2", 0.1, **raw.__dict__)]


def png16(picture: NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def images() -> list[Record]:
    return [
        Series("s1", "study1", "p1", "CT", 20, (20, 4, 4), (1.0, 1.0, 1.0), (), (), ()),
        Series("2.25.2", "2.25.3", "p1", "DX", 1, (1, ROWS, COLUMNS), (0.0, 1.0, 1.0), (), (), ()),
        Radiograph("2.25.1", "2.25.2", "PA", "MONOCHROME1", ROWS, COLUMNS),
        mask("v1", "heart"),
        mask("v1", "left lung", box=(10, 3, 4, 4)),
        mask("v1", "right lung", box=(20, 3, 4, 4)),
        mask("v1", "nodule_2", "consensus", (12, 5, 2, 2)),
        mask("v2", "heart"),
        judged("v1", "heart", 0.5, "mask_out_of_place", "mask_size", score=0.4),
        judged("v1", "left lung", 0.2, "mask_fragmented", score=0.8),
        judged("v1", "right lung", 0.0),
        judged("v1", "nodule_2", 0.0),
        judged("v2", "heart", 0.0),
        judged("v2", "aorta", 0.0),
        LabelGap("s1", "clavicle right", "no such structure"),
        ViewQuality("v1", 0.7, ("view_lungs_cut", "view_off_centre"), "mirrored", (), 0.0),
        CtQuality("s1", 0.9, ("metal", "contrast"), "up", "supine", "none", 1.0, 0.0, True),
        measured("v1", "cardiomegaly", 0.52, 0.5),
        measured("v1", "inspiration", 9.5, 9.0),
        measured("v1", "rotation", 0.2, 0.4),
        measured("v1", "inclusion", None, 6.0),
        measured("v2", "inclusion", None, 6.0),
        grounding("v1", "pleural_effusion", P),
        grounding("v1", "edema", U),
        grounding("v1", "atelectasis", P, "atlas"),
    ]


def cohort(folder: Path) -> Path:
    """The folder, which now holds a ``workspace`` and its ``vault``; the test names the vault by ``PAXFLOW_VAULT``."""
    (folder / "workspace").mkdir()
    (folder / "workspace" / "params.yaml").write_bytes(Path("params.yaml").read_bytes())
    workspace = Workspace(folder / "workspace")
    writer = ShardWriter(workspace.tables("project") / "bytes" / "a.tar", "bytes/a.tar")
    rows = [*reports(), *images(), *project(writer)]
    writer.close()
    writer = ShardWriter(workspace.tables("deid") / "bytes" / "a.tar", "bytes/a.tar")
    film = dicom_file("DX", film_pixels(), PhotometricInterpretation="MONOCHROME1", RescaleIntercept=0)
    rows.append(instance(film, writer, modality="DX"))
    rows.append(instance(b"no DICOM", writer, instance_id="2.25.9", study_id="2.25.8"))
    writer.close()
    put(workspace, *rows)
    places = folder / "vault" / "review" / "cases"
    places.mkdir(parents=True)
    (places / f"{PLACE}.png").write_bytes(grey(7))
    return folder


def put(workspace: Workspace, *rows: Record) -> None:
    """Write rows as the one part of their tables."""
    kinds: dict[type[Record], list[Record]] = {}
    for row in rows:
        kinds.setdefault(type(row), []).append(row)
    for record, own in kinds.items():
        folder = workspace.tables(record.about.stage) / record.about.name
        write_parquet(to_arrow(record, own), folder / "a.parquet")
