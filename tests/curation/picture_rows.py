"""Rows for the picture report: one CT with two views and a finding, two reports, and text that means harm."""

import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco

from curation.records import (
    Agreement,
    Assertion,
    Case,
    ConceptLink,
    ConceptRow,
    Consensus,
    CtMeasurement,
    Done,
    Grounding,
    Mask,
    Measurement,
    Mention,
    Reason,
    Record,
    Reject,
    Report,
    ReportLabel,
    ReportLink,
    ReportTag,
    Says,
    Section,
    SentenceGrounding,
    Series,
    Task,
    Temporality,
    View,
)
from curation.store import ShardWriter, to_arrow, write_parquet
from curation.workspace import Workspace
from tests.rows import measurement

HOSTILE = (
    "</script><script>window.harmed=1</script><img src=x onerror=window.harmed=2>\"'&amp; \u202eשלום\u202c 😀 <!-- ]]>"
)
SIZE = 64
TEXT = "FINDINGS: Large 😀 pleural effusion. No pneumothorax. Possible pneumonia."
MENTIONS = (
    ("pleural effusion", "pleural_effusion", Assertion.PRESENT),
    ("pneumothorax", "pneumothorax", Assertion.ABSENT),
    ("pneumonia", "pneumonia", Assertion.UNCERTAIN),
)


def workspace_at(root: Path) -> Workspace:
    """An empty workspace."""
    root.mkdir(parents=True)
    (root / "params.yaml").write_text((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))
    (root / "dvc.yaml").write_text("stages: {}\n")
    return Workspace(root)


def put(folder: Path, rows: Sequence[Record], parts: int = 1) -> None:
    """Write rows as one table, cut into part files."""
    record = type(rows[0])
    for part in range(parts):
        piece = rows[part::parts]
        if piece:
            write_parquet(to_arrow(record, piece), folder / record.about.name / f"{part}.parquet")


def box_mask(x: int, y: int, width: int, height: int) -> NDArray[np.bool_]:
    """A filled rectangle on an otherwise empty view."""
    mask = np.zeros((SIZE, SIZE), bool)
    mask[y : y + height, x : x + width] = True
    return mask


def rle(mask: NDArray[np.bool_]) -> str:
    """The reference encoder's string."""
    encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    text: str = encoded["counts"].decode()
    return text


def fill(workspace: Workspace, hostile: str = "", parts: int = 1) -> None:
    """Rows of every stage; ``hostile`` is added to each text that comes from data."""
    views = _views(workspace, hostile)
    series_id = f"series{hostile}"
    tables: Iterable[Sequence[Record]] = (
        _reports(hostile),
        [ReportTag("report-1", "MeSH", f"Effusion{hostile}")],
        [_series(series_id)],
        [ReportLink("report-1", f"study{hostile}")],
        views,
        _masks(hostile),
        [_measurement(hostile)],
        [CtMeasurement(f"series{hostile}", f"cardiothoracic_ratio{hostile}", 0.4111, "1", (), (), (), "")],
        [Section(f"report-{number}", 0, "findings", 0, len(TEXT), 10) for number in (1, 2)],
        _mentions(hostile),
        _links(hostile),
        _concepts(hostile),
        _labels(hostile),
        _groundings(hostile),
        _sentences(hostile),
        _cases(hostile),
        [_consensus(series_id, hostile)],
        [Agreement(f"object{hostile}", f"reader-a{hostile}", "reader-b", 0.62)],
    )
    for rows in tables:
        put(workspace.tables(type(rows[0]).about.stage), rows, parts)
    put(workspace.control("ground"), [Done(f"report-{n}", "f", 1) for n in (1, 2)] + [Done(f"odd{hostile}", "f", 0)])
    put(workspace.control("ground"), [Reject("ground", f"odd{hostile}", Reason.NO_ANATOMY, f"detail{hostile}")])


def _views(workspace: Workspace, hostile: str) -> list[View]:
    shard = workspace.tables("project") / "bytes" / "a.tar"
    writer = ShardWriter(shard, "bytes/a.tar")
    views = []
    for name, axis in (("PA", (1.0, 0.0, 0.0)), ("LAT", (0.0, 1.0, 0.0))):
        buffer = io.BytesIO()
        Image.fromarray(np.full((SIZE, SIZE), 90, np.uint8)).save(buffer, "PNG")
        place = writer.add(f"{name}.png", buffer.getvalue())
        views.append(
            View(
                view_id=f"view-{name}{hostile}",
                series_id=f"series{hostile}",
                view=name,
                beam="cone",
                rows=SIZE,
                columns=SIZE,
                pixel_spacing_mm=6.875,
                source_to_detector_mm=1800.0,
                source_xyz_mm=(0.0, 1.0, 0.0),
                detector_origin_xyz_mm=(0.0, 0.0, 0.0),
                detector_x_axis=axis,
                detector_y_axis=(0.0, 0.0, -1.0),
                magnification=1.1,
                coverage="",
                photometric="MONOCHROME2",
                sha256=place.sha256,
                shard=place.shard,
                offset=place.offset,
                length=place.length,
            )
        )
    writer.close()
    return views


def _masks(hostile: str) -> list[Mask]:
    boxes = (
        ("right lung", 135, (6, 8, 20, 40)),
        ("left lung", 136, (38, 8, 20, 40)),
        ("heart", 121, (26, 26, 22, 20)),
        ("vertebrae T5", 15, (28, 20, 8, 6)),
        (f"nodule{hostile}", 1000, (44, 14, 4, 4)),
    )
    return [
        Mask(
            view_id=f"view-{view}{hostile}",
            label=label,
            category_id=category,
            source="consensus" if category == 1000 else "segment",
            rle=rle(box_mask(*box)),
            area_px=box[2] * box[3],
            box=box,
            mean_thickness_mm=12.5,
        )
        for view in ("PA", "LAT")
        for label, category, box in boxes
    ]


def _series(series_id: str) -> Series:
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    return Series(
        series_id, "study", "patient", "CT", 20, (20, 64, 64), (2.5, 1.0, 1.0), (0.0, 0.0, 0.0), axes, ("instance",)
    )


def _measurement(hostile: str) -> Measurement:
    points = (26.0, 36.0, 47.0, 36.0, 6.0, 44.0, 57.0, 44.0)
    return measurement(f"view-PA{hostile}", f"cardiothoracic_ratio{hostile}", 0.4234, 0.5, points)


def _reports(hostile: str) -> list[Report]:
    return [
        Report("report-1", "patient", "", date(2020, 2, 3), "local", "LicenseRef-local", TEXT + hostile),
        Report("report-2", "patient", "", None, f"openi{hostile}", "CC-BY-NC-ND-4.0", TEXT),
    ]


def _mentions(hostile: str) -> list[Mention]:
    return [
        Mention(
            mention_id=f"report-{number}:{finding}{hostile}",
            report_id=f"report-{number}",
            section="findings",
            sentence_start=10,
            sentence_end=len(TEXT),
            start=TEXT.index(words),
            end=TEXT.index(words) + len(words),
            finding=f"{finding}{hostile}",
            assertion=assertion,
            rule_id=f"rule.{finding}",
            assertion_rule_id="assertion.1",
            temporality=Temporality.WORSE,
            experiencer="patient",
            temporality_rule_id=f"time.worse{hostile}",
            laterality="left",
            severity=f"large{hostile}",
            location=(f"left_lung{hostile}",),
            size_mm=9.0,
            count_min=2,
            count_max=None,
        )
        for number in (1, 2)
        for words, finding, assertion in MENTIONS
    ]


def _links(hostile: str) -> list[ConceptLink]:
    """What a dictionary knows: the effusion, which a mention names too, and "Large" with two meanings."""
    return [
        ConceptLink(
            report_id=f"report-{number}",
            start=TEXT.index(words),
            position=position,
            end=TEXT.index(words) + len(words),
            section="findings",
            concept_id=f"C000000{code}{hostile}",
            name=f"{name}{hostile}",
            score=score,
            assertion=Assertion.PRESENT,
            assertion_rule_id="plain",
            temporality=Temporality.STABLE,
            experiencer="other",
        )
        for number in (1, 2)
        for words, position, code, name, score in (
            ("pleural effusion", 0, 1, "Pleural effusion", 0.9),
            ("Large", 0, 2, "Large", 0.5),
            ("Large", 1, 3, "Large size", 0.25),
        )
    ]


def _concepts(hostile: str) -> list[ConceptRow]:
    return [
        ConceptRow(
            concept_id=f"pneumonia{hostile}",
            name="pneumonia",
            kind="disease",
            parents=(),
            semantic_type="T047",
            cui="C0032285",
            hpo="HP:0002090",
            doid="",
            opposites=(),
        )
    ]


def _labels(hostile: str) -> list[ReportLabel]:
    states = ((f"Pleural Effusion{hostile}", 1), ("Pneumothorax", 0), ("Pneumonia", -1), ("Edema", None))
    decided = {"Pneumonia": ("report-{}:pneumonia" + hostile,)}
    chexpert = [
        ReportLabel(f"report-{number}", label, state, tuple(one.format(number) for one in decided.get(label, ())))
        for number in (1, 2)
        for label, state in states
    ]
    return [*chexpert, *(ReportLabel(f"report-{number}", "Effusion", 1, (), "nih") for number in (1, 2))]


def _groundings(hostile: str) -> list[Grounding]:
    """The effusion on the left lung of both views: of the own study, and for the other report of the atlas."""
    return [
        Grounding(
            mention_id=f"report-{number}:pleural_effusion{hostile}",
            view_id=f"view-{view}{hostile}",
            label="left lung",
            reference="study" if number == 1 else "atlas",
            report_id=f"report-{number}",
            finding=f"pleural_effusion{hostile}",
            assertion=Assertion.PRESENT,
            box=(38, 8, 20, 40),
            rule_id=f"ground.lung{hostile}",
        )
        for number in (1, 2)
        for view in ("PA", "LAT")
    ]


def _sentences(hostile: str) -> list[SentenceGrounding]:
    """The text as one sentence: on the left lung, and on the heart that it is said to be normal."""
    return [
        SentenceGrounding(
            report_id=f"report-{number}",
            sentence_start=10,
            view_id=f"view-{view}{hostile}",
            label=label,
            sentence_end=len(TEXT),
            section="findings",
            says=says,
            mention_ids=(),
            rule_id=f"ground.{label}{hostile}",
            reference="study" if number == 1 else "atlas",
            box=(26, 26, 22, 20),
        )
        for number in (1, 2)
        for view in ("PA", "LAT")
        for label, says in (("left lung", Says.PRESENT), ("heart", Says.NORMAL))
    ]


def made_reports() -> list[tuple[Report, list[Record]]]:
    """Each report with its mentions and labels, without images."""
    rows: list[Mention | ReportLabel] = [*_mentions(""), *_labels("")]
    return [(one, [row for row in rows if row.report_id == one.report_id]) for one in _reports("")]


def _cases(hostile: str) -> list[Case]:
    return [
        Case("case-1", Task.LABEL_REVIEW, "report-2", "patient", 0.4, 0.4, 0.0, (), ("route.low",), ("asked later",)),
        Case(
            f"case-2{hostile}",
            Task.MEASUREMENT_REVIEW,
            f"view-PA{hostile}",
            f"patient{hostile}",
            0.9,
            0.9,
            0.0,
            (f"finding{hostile}",),
            (f"route.high{hostile}", "route.second"),
            (f"close to its limit{hostile}", "second reason"),
        ),
    ]


def _consensus(series_id: str, hostile: str) -> Consensus:
    return Consensus(
        consensus_id=f"object{hostile}",
        series_id=series_id,
        finding=f"nodule{hostile}",
        method="staple",
        reader_ids=("reader-a", "reader-b"),
        n_readers=3,
        object_ids=("a", "b"),
        start_zyx=(0, 0, 0),
        shape_zyx=(1, 1, 2),
        runs=(0, 2),
        n_voxels=400,
    )
